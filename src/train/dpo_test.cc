#include "train/dpo.h"

#include <cmath>

#include "base/error.h"
#include "model/hf.h"
#include "train/micro_batches.h"
#include "train/train_test_util.h"

namespace parley::train {
namespace {

TEST(DpoLoss, EqualsPyTorchs) {
  const Json cases = Json::parse(base::read_file(PARLEY_SOURCE_DIR "/tests/golden/dpo.json"));
  ASSERT_GT(cases.size(), 50u);
  for (const Json& c : cases) {
    const DpoLossOptions options{c["beta"], c["label_smoothing"], c["length_normalised"],
                                 c["sft_weight"]};
    const DpoPair pair{c["policy"][0],    c["policy"][1], c["reference"][0],
                       c["reference"][1], c["tokens"][0], c["tokens"][1]};
    const DpoLoss loss = dpo_loss(pair, options);
    const auto near = [&](double value, const Json& expected) {
      const double e = expected.get<double>();
      EXPECT_NEAR(value, e, 1e-12 * std::max(1.0, std::fabs(e))) << c.dump();
    };
    near(loss.loss, c["loss"]);
    near(loss.dchosen, c["gradient"][0]);
    near(loss.drejected, c["gradient"][1]);
    near(loss.chosen_reward, c["rewards"][0]);
    near(loss.rejected_reward, c["rewards"][1]);
  }
}

TEST(DpoLoss, OfAnUntrainedPolicyIsLogTwo) {
  const DpoLoss loss = dpo_loss({-12.5, -99, -12.5, -99, 3, 40}, {});
  EXPECT_EQ(loss.loss, std::log(2.0));
  EXPECT_EQ(loss.dchosen, -loss.drejected);
  EXPECT_DOUBLE_EQ(loss.dchosen, -0.05);
}

TEST(DpoLoss, EqualsFiniteDifferences) {
  constexpr double kStep = 1e-5;
  for (const DpoLossOptions& o : {DpoLossOptions{}, DpoLossOptions{0.5, 0.2, true, 0.3}}) {
    const DpoPair p{-20, -31, -21, -30.5, 7, 11};
    DpoPair up = p, down = p;
    up.chosen += kStep, down.chosen -= kStep;
    EXPECT_NEAR(dpo_loss(p, o).dchosen,
                (dpo_loss(up, o).loss - dpo_loss(down, o).loss) / (2 * kStep), 1e-8);
    up = down = p;
    up.rejected += kStep, down.rejected -= kStep;
    EXPECT_NEAR(dpo_loss(p, o).drejected,
                (dpo_loss(up, o).loss - dpo_loss(down, o).loss) / (2 * kStep), 1e-8);
  }
}

// Through the whole model: along the gradient, where float has digits enough, the loss of a packed
// pair changes as the gradient says.
TEST(DpoLoss, GradientOfTheModelEqualsFiniteDifferences) {
  const model::ModelConfig config = tiny_config();
  model::Weights weights(config), grads(config);
  model::init_weights(weights, config, 4);
  const std::vector<std::vector<int32_t>> sequences = {{5, 6, 7, 8, 9, 10}, {5, 6, 7, 20, 21}};
  constexpr int64_t kPrompt = 3;
  const model::Group group = {0, 1};
  std::vector<model::PackedBatch> batches = pack_groups(sequences, {{group}}, 2, 16);
  ASSERT_EQ(batches.size(), 1u);
  model::PackedBatch& batch = batches[0];
  EXPECT_EQ(batch.B, 1);  // both in one row
  for (const model::Place& place : batch.places)
    std::fill_n(batch.targets.begin() + place.begin, kPrompt - 1, -1);
  const DpoLossOptions options{2.0, 0.1, true, 0.3};
  PackedPasses passes(config, 16);
  const auto loss_of = [&](tensor::ConstF32 logprobs) {
    double sums[2] = {0, 0};
    for (const model::Place& place : batch.places)
      for (int64_t n = place.begin; n < place.begin + place.count; ++n)
        sums[place.sequence] += static_cast<double>(logprobs[n]);
    return dpo_loss({sums[0], sums[1], -17, -12, 3, 2}, options);
  };
  passes.gradient_of_all(
      weights, grads, batch,
      [&](tensor::ConstF32 logprobs) -> model::TokenHead::Gradient {
        const DpoLoss loss = loss_of(logprobs);
        return [&batch, loss](int64_t n, float) {
          for (const model::Place& place : batch.places)
            if (n >= place.begin && n < place.begin + place.count)
              return static_cast<float>(place.sequence == 0 ? loss.dchosen : loss.drejected);
          return 0.0f;
        };
      },
      false);
  double norm2 = 0;
  for (const float g : grads.flat()) norm2 += static_cast<double>(g) * static_cast<double>(g);
  const double h = 1e-2 / std::sqrt(norm2);
  const auto moved = [&](double by) {
    model::Weights w(config);
    for (int64_t i = 0; i < w.flat().size(); ++i)
      w.flat()[i] =
          weights.flat()[i] + static_cast<float>(by * static_cast<double>(grads.flat()[i]));
    return loss_of(passes.logprobs(w, batch)).loss;
  };
  EXPECT_NEAR((moved(h) - moved(-h)) / (2 * h) / norm2, 1, 1e-2);
}

struct TinyDpo {
  TempDir dir;
  DpoOptions options;

  // What is preferred: short answers.
  TinyDpo() {
    std::string lines;
    for (int i = 0; i < 40; ++i) {
      const std::string number = std::to_string(i);
      lines += R"({"prompt":"fox )" + number + R"(","chosen":"dog )" + number +
               R"(","rejected":"the lazy dog jumps over )" + number + R"("})" + "\n";
    }
    lines += R"({"prompt":"quick","answers":["a","the b","the quick c"]})"
             "\n";
    base::write_file(dir / "data.jsonl", lines);
    const tokenizer::Tokenizer tokenizer = tiny_tokenizer();
    model::ModelConfig config = tiny_config();
    config.V = tokenizer.vocab_size();
    config.T = 64;
    model::Weights weights(config);
    model::init_weights(weights, config, 5);
    model::save_model(dir / "sft", config, weights);
    tokenizer.save(dir / "sft");
    options.model = dir / "sft";
    options.data = {dir / "data.jsonl"};
    options.val_fraction = 0.2;
    options.sample_tokens = 4;
    options.loop.out = dir / "run";
    options.loop.batch = 8;
    options.loop.steps = 12;
    options.loop.val_every = 6;
    options.loop.keep = 2;
    options.loop.lr = 1e-3;
  }
  std::vector<Json> metrics() const {
    const std::string text = base::read_file(options.loop.out / "metrics.jsonl");
    std::vector<Json> lines;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin);
      lines.push_back(Json::parse(text.substr(begin, end - begin)));
      begin = end + 1;
    }
    return lines;
  }
};

TEST(Dpo, BeginsAtLogTwoAndLearnsThePreference) {
  TinyDpo tiny;
  tiny.options.loop.steps = 18;
  const DpoResult result = dpo(tiny.options, true);
  EXPECT_TRUE(result.loop.finished);
  EXPECT_EQ(result.train.pairs + result.val.pairs, 43);  // three of the ranking
  const std::vector<Json> lines = tiny.metrics();
  ASSERT_EQ(lines.size(), 19u);
  // Packed in another way the same sum comes out but for rounding.
  EXPECT_NEAR(lines[0]["val_loss"].get<double>(), std::log(2.0), 1e-5);
  EXPECT_NEAR(lines[1]["loss"].get<double>(), std::log(2.0), 1e-5);
  EXPECT_NEAR(lines[1]["margin"].get<double>(), 0, 1e-5);
  EXPECT_LT(lines[18]["val_loss"].get<double>(), 0.5);
  EXPECT_GT(lines[18]["val_accuracy"].get<double>(), 0.95);
  EXPECT_GT(lines[18]["val_margin"].get<double>(), 0.3);
  EXPECT_NEAR(lines[18]["chosen_reward"].get<double>() - lines[18]["rejected_reward"].get<double>(),
              lines[18]["margin"].get<double>(), 1e-9);
  EXPECT_EQ(data::ChatFormat::load(result.loop.model).tokenizer.eos(),
            *tiny_tokenizer().special("<|im_end|>"));
}

TEST(Dpo, ResumedEndsInTheSameModel) {
  TinyDpo tiny;
  tiny.options.loss = {0.2, 0.1, true, 0.5};
  dpo(tiny.options, true);
  const fs::path run = tiny.options.loop.out;
  const std::string expected = base::read_file(run / "model/model.safetensors");
  const std::string reference = base::read_file(run / "reference.json");
  fs::remove_all(run / "model");
  fs::remove_all(run / "checkpoints/step-12");
  DpoOptions resume;
  resume.loop.out = run;
  resume.loop.resume = true;
  EXPECT_TRUE(dpo(resume, true).loop.finished);
  EXPECT_EQ(base::read_file(run / "model/model.safetensors"), expected);
  EXPECT_EQ(base::read_file(run / "reference.json"), reference);

  // A lost or damaged reference is computed again, from the same model.
  fs::remove_all(run / "checkpoints/step-12");
  base::write_file(run / "reference.json", R"({"checksum":"0","train":[],"val":[]})");
  EXPECT_TRUE(dpo(resume, true).loop.finished);
  EXPECT_EQ(base::read_file(run / "reference.json"), reference);
  EXPECT_EQ(base::read_file(run / "model/model.safetensors"), expected);

  // Another reference than the run began with: refused.
  model::Model model = model::load_model(tiny.options.model);
  model.weights.wte.data()[0] += 1;
  model::save_model(tiny.options.model, model.config, model.weights);
  EXPECT_THROW(dpo(resume, true), base::Error);
}

TEST(Dpo, WrongOptionsAreRefused) {
  TinyDpo tiny;
  const DpoOptions good = tiny.options;
  const auto refused = [&](auto change) {
    DpoOptions o = good;
    change(o);
    EXPECT_THROW(dpo(o, true), base::Error);
  };
  refused([](DpoOptions& o) { o.model.clear(); });
  refused([](DpoOptions& o) { o.data.clear(); });
  refused([](DpoOptions& o) { o.loss.beta = 0; });
  refused([](DpoOptions& o) { o.loss.beta = std::nan(""); });
  refused([](DpoOptions& o) { o.loss.label_smoothing = 0.5; });
  refused([](DpoOptions& o) { o.loss.sft_weight = -1; });
  refused([](DpoOptions& o) { o.context = 65; });
  refused([](DpoOptions& o) { o.context = 8; });  // no pair fits
  refused([](DpoOptions& o) { o.data = {"/nowhere.jsonl"}; });
  EXPECT_FALSE(fs::exists(good.loop.out));
}

}  // namespace
}  // namespace parley::train
