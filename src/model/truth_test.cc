// The model against PyTorch: logits, loss, every gradient, ten AdamW steps, for each
// architecture variant (tests/golden/hf_*, made by tools/oracle/hf_golden.py and
// gpt3_golden.py); decoding with a cache against the full forward; recomputation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "formats/safetensors.h"
#include "kernels/matmul.h"
#include "kernels/optimizer.h"
#include "model/forward.h"
#include "model/hf.h"
#include "model/train_step.h"

namespace parley::model {
namespace {

using formats::SafeTensors;
using tensor::Tensor;

const fs::path kGolden = fs::path(PARLEY_SOURCE_DIR) / "tests" / "golden";

std::vector<float> read(const SafeTensors& file, const std::string& name) {
  const auto& t = file.at(name);
  std::vector<float> out(static_cast<size_t>(t.size()));
  formats::read_f32(t, out);
  return out;
}

std::vector<int32_t> read_tokens(const SafeTensors& file) {
  const auto& t = file.at("tokens");
  std::vector<int32_t> out(static_cast<size_t>(t.size()));
  std::memcpy(out.data(), t.bytes.data(), out.size() * sizeof(int32_t));
  return out;
}

// max |got − want| relative to the largest |want|: the error of a tensor as a whole.
double relative_error(std::span<const float> got, std::span<const float> want) {
  EXPECT_EQ(got.size(), want.size());
  double worst = 0, scale = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i])));
    scale = std::max(scale, std::abs(static_cast<double>(want[i])));
  }
  return worst / std::max(scale, 1e-30);
}

// One sample (B, T + 1) split into tokens and targets.
struct Sample {
  Sample(const std::vector<int32_t>& ids, int64_t B, int64_t columns)
      : T(columns - 1), tokens(Shape{B, T}), targets(Shape{B, T}), positions(Shape{B, T}) {
    for (int64_t b = 0; b < B; ++b) {
      for (int64_t t = 0; t < T; ++t) {
        tokens[b * T + t] = ids[static_cast<size_t>(b * columns + t)];
        targets[b * T + t] = ids[static_cast<size_t>(b * columns + t + 1)];
        positions[b * T + t] = static_cast<int32_t>(t);
      }
    }
  }
  Batch batch() const { return {tokens, targets, positions, {}}; }

  int64_t T;
  Tensor<int32_t> tokens, targets, positions;  // (B, T)
};

class Truth : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    directory_ = kGolden / GetParam();
    model_ = load_model(directory_);
    golden_ = SafeTensors::open(directory_ / "golden.safetensors");
    const auto& shape = golden_.at("tokens").shape;
    B_ = shape[0];
    sample_.emplace(read_tokens(golden_), B_, shape[1]);
  }

  // Compares a gradient (or any tensor of the layout of weights) with the golden's,
  // under its Hugging Face names.
  void expect_gradients(const Weights& grads, double tolerance) {
    double scale = 0;  // the largest gradient: some are zero in exact arithmetic
    for (const HfTensor& t : hf_tensors(model_.config))
      if (golden_.find("grad." + t.name))
        for (const float g : read(golden_, "grad." + t.name))
          scale = std::max(scale, std::abs(static_cast<double>(g)));
    int compared = 0;
    for (const HfTensor& t : hf_tensors(model_.config)) {
      if (!golden_.find("grad." + t.name)) continue;
      const std::vector<float> want = read(golden_, "grad." + t.name);
      const auto& params = grads.params();
      const auto info = std::ranges::find(params, t.param, &ParamInfo::name);
      ASSERT_NE(info, params.end()) << t.param;
      const F32 g = grads.view(*info);
      const int64_t columns = g.shape().inner().size();
      const auto rows = static_cast<int64_t>(want.size()) / columns;
      double worst = 0, own = 0;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t i = 0; i < columns; ++i) {
          const auto at = static_cast<size_t>(t.transposed ? i * rows + r : r * columns + i);
          const double w = static_cast<double>(want[at]);
          worst = std::max(worst,
                           std::abs(static_cast<double>(g[(t.first_row + r) * columns + i]) - w));
          own = std::max(own, std::abs(w));
        }
      }
      EXPECT_LE(worst, tolerance * std::max(own, 1e-3 * scale)) << t.name << " of scale " << own;
      ++compared;
    }
    EXPECT_GE(compared, static_cast<int>(grads.params().size()));
  }

  fs::path directory_;
  Model model_;
  SafeTensors golden_;
  int64_t B_ = 0;
  std::optional<Sample> sample_;
};

constexpr double kTolerance = 1e-4;

TEST_P(Truth, LogitsEqualPyTorch) {
  TrainState state(model_.config, {.B = B_, .T = sample_->T});
  const ConstF32 hidden = state.forward(model_.weights, sample_->batch());
  Tensor<float> logits(Shape{B_ * sample_->T, model_.config.V});
  kernels::matmul_forward(logits, hidden, model_.weights.lm_head, {});
  EXPECT_LE(
      relative_error({logits.data(), static_cast<size_t>(logits.size())}, read(golden_, "logits")),
      kTolerance);
}

TEST_P(Truth, LossAndGradientsEqualPyTorch) {
  for (const bool recompute : {false, true}) {
    TrainState state(model_.config, {.B = B_, .T = sample_->T, .recompute = recompute});
    Weights grads(model_.config);
    std::ranges::fill(grads.flat(), 7.0f);  // must be overwritten, not added to
    const double loss = state.forward_backward(model_.weights, grads, sample_->batch(), false);
    const double want = static_cast<double>(read(golden_, "loss")[0]);
    EXPECT_NEAR(loss, want, kTolerance * want);
    expect_gradients(grads, kTolerance);

    // The same batch added with weight −1/2 and a second time leaves nothing.
    state.forward_backward(model_.weights, grads, sample_->batch(), true, -0.5f);
    state.forward_backward(model_.weights, grads, sample_->batch(), true, 0.5f);
    expect_gradients(grads, 2 * kTolerance);

    const auto sum = state.forward_loss(model_.weights, sample_->batch());
    EXPECT_EQ(sum.count, B_ * sample_->T);
    EXPECT_NEAR(sum.sum / static_cast<double>(sum.count), want, kTolerance * want);
  }
}

TEST_P(Truth, IgnoredTargetsDoNotCount) {
  // The gradient with every second target ignored, twice over with the other half,
  // is the gradient of the whole.
  TrainState state(model_.config, {.B = B_, .T = sample_->T});
  Weights grads(model_.config);
  Sample halves[2] = {{read_tokens(golden_), B_, sample_->T + 1},
                      {read_tokens(golden_), B_, sample_->T + 1}};
  int64_t counted[2] = {0, 0};
  for (int64_t n = 0; n < B_ * sample_->T; ++n) {
    halves[static_cast<size_t>(n % 2)].targets[n] = -100;
    ++counted[1 - n % 2];
  }
  const auto all = static_cast<float>(B_ * sample_->T);
  for (size_t h = 0; h < 2; ++h)
    state.forward_backward(model_.weights, grads, halves[h].batch(), h == 1,
                           static_cast<float>(counted[h]) / all);
  expect_gradients(grads, 2 * kTolerance);
}

TEST_P(Truth, TenAdamWStepsEqualPyTorch) {
  if (!fs::exists(directory_ / "adamw.safetensors")) GTEST_SKIP() << "no golden curve of this one";
  const SafeTensors curve = SafeTensors::open(directory_ / "adamw.safetensors");
  const std::vector<int32_t> ids = read_tokens(curve);
  const std::vector<float> want = read(curve, "losses");
  const auto& shape = curve.at("tokens").shape;  // (steps, B, T + 1)
  const auto block = static_cast<size_t>(shape[1] * shape[2]);
  Weights grads(model_.config), m(model_.config), v(model_.config);
  TrainState state(model_.config, {.B = shape[1], .T = shape[2] - 1});
  for (int64_t step = 0; step < shape[0]; ++step) {
    const auto first = ids.begin() + static_cast<int64_t>(block) * step;
    const Sample sample({first, first + static_cast<int64_t>(block)}, shape[1], shape[2]);
    const double loss = state.forward_backward(model_.weights, grads, sample.batch(), false);
    EXPECT_NEAR(loss, static_cast<double>(want[static_cast<size_t>(step)]), kTolerance * loss)
        << "step " << step;
    for (const ParamInfo& p : model_.weights.params()) {
      const float decay = p.kind == ParamKind::kMatrix ? 0.1f : 0.0f;
      kernels::adamw_update(model_.weights.view(p), m.view(p), v.view(p), grads.view(p),
                            {.lr = 2e-3f,
                             .beta1 = 0.9f,
                             .beta2 = 0.95f,
                             .eps = 1e-8f,
                             .weight_decay = decay,
                             .grad_scale = 1,
                             .step = step + 1});
    }
  }
  const Sample first({ids.begin(), ids.begin() + static_cast<int64_t>(block)}, shape[1], shape[2]);
  const auto sum = state.forward_loss(model_.weights, first.batch());
  const double final_loss = static_cast<double>(read(curve, "final_loss")[0]);
  EXPECT_NEAR(sum.sum / static_cast<double>(sum.count), final_loss, kTolerance * final_loss);
}

TEST_P(Truth, CachedDecodingEqualsTheFullForward) {
  const std::vector<float> want = read(golden_, "logits");  // (B, T, V)
  const int64_t T = sample_->T, V = model_.config.V;
  // Chunks of every size, both sequences in one batch, the second one token behind.
  for (int64_t chunk = 1; chunk <= T; ++chunk) {
    const int64_t blocks = (T + kKvBlock - 1) / kKvBlock;  // of a sequence
    const KvPool kv(model_.config, KvFormat::kF32, B_ * blocks);
    std::vector<int32_t> numbers(static_cast<size_t>(B_ * blocks));
    std::iota(numbers.begin(), numbers.end(), 0);
    const InferWeights weights(model_.config, model_.weights);
    InferState state(model_.config);
    std::vector<int64_t> past(static_cast<size_t>(B_), 0);
    while (*std::ranges::min_element(past) < T) {
      std::vector<int32_t> tokens;
      std::vector<Span> spans;
      std::vector<int64_t> sequence_of;
      for (int64_t b = 0; b < B_; ++b) {
        int64_t& p = past[static_cast<size_t>(b)];
        const int64_t n = std::min(p == 0 && b > 0 ? 1 : chunk, T - p);
        if (n == 0) continue;
        spans.push_back({static_cast<int64_t>(tokens.size()), n, p,
                         std::span(numbers).subspan(static_cast<size_t>(b * blocks),
                                                    static_cast<size_t>(blocks))});
        sequence_of.push_back(b);
        for (int64_t i = 0; i < n; ++i) tokens.push_back(sample_->tokens[b * T + p + i]);
        p += n;
      }
      std::vector<int64_t> rows(tokens.size());
      std::iota(rows.begin(), rows.end(), 0);
      const ConstF32 logits = state.forward(weights, tokens, spans, rows, kv);
      for (size_t i = 0; i < spans.size(); ++i) {
        const Span& s = spans[i];
        const auto offset = static_cast<size_t>((sequence_of[i] * T + s.past) * V);
        EXPECT_LE(relative_error({logits.row(s.begin).data(), static_cast<size_t>(s.count * V)},
                                 {want.data() + offset, static_cast<size_t>(s.count * V)}),
                  kTolerance)
            << "chunk " << chunk;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, Truth,
                         testing::Values("hf_gpt2", "hf_openai_gpt", "hf_gpt3", "hf_llama",
                                         "hf_llama_tied", "hf_qwen2", "hf_qwen3"),
                         [](const auto& param) { return std::string(param.param); });

// Two documents packed in one row, kept apart by first_key and positions, give the
// losses of the two alone.
TEST(Packing, FirstKeyKeepsDocumentsApart) {
  const Model m = load_model(kGolden / "hf_qwen3");
  constexpr int64_t kT = 12, kSplit = 5;
  const auto run = [&](int64_t T, int64_t offset, bool packed) {
    Tensor<int32_t> tokens(Shape{1, T}), targets(Shape{1, T}), positions(Shape{1, T}),
        first(Shape{1, T});
    for (int64_t t = 0; t < T; ++t) {
      tokens[t] = static_cast<int32_t>((7 * (t + offset) + 3) % m.config.V);
      targets[t] = static_cast<int32_t>((11 * (t + offset) + 5) % m.config.V);
      const int64_t start = packed && t >= kSplit ? kSplit : 0;
      positions[t] = static_cast<int32_t>(t - start);
      first[t] = static_cast<int32_t>(start);
    }
    TrainState state(m.config, {.B = 1, .T = T});
    state.forward_loss(m.weights, {tokens, targets, positions, first});
    return std::vector<float>(state.losses().begin(), state.losses().end());
  };
  const std::vector<float> packed = run(kT, 0, true);
  std::vector<float> alone = run(kSplit, 0, false);
  const std::vector<float> second = run(kT - kSplit, kSplit, false);
  alone.insert(alone.end(), second.begin(), second.end());
  EXPECT_LE(relative_error(packed, alone), 1e-5);
}

TEST(Config, PresetsCountTheirParameters) {
  EXPECT_EQ(count_parameters(preset("gpt2-124m")), 124439808);
  EXPECT_EQ(count_parameters(preset("gpt2-1558m")), 1557611200);
  EXPECT_EQ(count_parameters(preset("llama2-7b")), 6738415616);
  EXPECT_EQ(count_parameters(preset("qwen3-0.6b")), 596049920);
  EXPECT_EQ(count_parameters(preset("gpt1")), 116534784);
  EXPECT_NEAR(static_cast<double>(count_parameters(preset("gpt3-175b"))), 175e9, 1e9);
  for (const std::string& name : preset_names()) {
    ModelConfig c = preset(name);
    c.L = 2;  // the layout is the same for each layer
    c.V = std::min<int64_t>(c.V, 100);
    c.bos_token = c.eos_token = c.pad_token = -1;
    if (c.C > 1024) continue;
    int64_t elements = 0;
    const Weights weights(c);
    for (const ParamInfo& p : weights.params()) elements += p.shape.size();
    EXPECT_EQ(elements, count_parameters(c)) << name;
  }
}

TEST(Config, FlopsCountWhatTheAttentionSees) {
  ModelConfig c = preset("gpt3-125m");
  // 6 dense layers see (T + 1)/2 keys on average, 6 banded ones fewer.
  const double dense = 12.0 * 768 * 6 * (2048 + 1) / 2;
  const double banded = 12.0 * 768 * 6 * (256.0 * 257 / 2 + (2048.0 - 256) * 256) / 2048;
  EXPECT_DOUBLE_EQ(train_flops_per_token(c, 2048),
                   6.0 * static_cast<double>(count_matmul_parameters(c)) + dense + banded);
}

TEST(Config, RefusesWhatCannotBeAModel) {
  const ModelConfig good = preset("mini");
  const auto refused = [&](auto&& spoil) {
    ModelConfig c = good;
    spoil(c);
    EXPECT_THROW(validate(c, "test"), base::Error);
  };
  refused([](ModelConfig& c) { c.V = 0; });
  refused([](ModelConfig& c) { c.L = int64_t{1} << 40; });
  refused([](ModelConfig& c) { c.NKV = 4; });
  refused([](ModelConfig& c) { c.HS = 63; });
  refused([](ModelConfig& c) { c.norm_eps = 0; });
  refused([](ModelConfig& c) { c.rope_base = NAN; });
  refused([](ModelConfig& c) { c.eos_token = static_cast<int32_t>(c.V); });
  EXPECT_THROW(preset("gpt5"), base::UsageError);
}

TEST(Weights, InitialisationDoesNotDependOnThreadsAndFollowsGpt2) {
  const ModelConfig c = preset("mini");
  Weights weights(c);
  init_weights(weights, c, 1);
  const auto std_of = [](ConstF32 w) {
    double sum = 0;
    for (const float x : w) sum += static_cast<double>(x) * static_cast<double>(x);
    return std::sqrt(sum / static_cast<double>(w.size()));
  };
  EXPECT_NEAR(std_of(weights.wte), 0.02, 2e-4);
  EXPECT_NEAR(std_of(weights.layers[0].proj_w), 0.02 / std::sqrt(12.0), 2e-4);
  EXPECT_EQ(weights.layers[0].norm1_w[3], 1.0f);
  Weights other(c);
  init_weights(other, c, 2);
  EXPECT_NE(weights.wte[0], other.wte[0]);
}

}  // namespace
}  // namespace parley::model
