#include "train/sft.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/random.h"
#include "model/hf.h"
#include "train/chat_samples.h"
#include "train/micro_batches.h"
#include "train/train_test_util.h"

namespace parley::train {
namespace {

using model::PackedBatch;

data::ChatFormat tiny_format() {
  tokenizer::Tokenizer tokenizer = tiny_tokenizer();
  const int32_t end = *tokenizer.special("<|im_end|>");
  return {tokenizer, tokenizer::ChatTemplate::chatml(), end};
}

// Conversations of different lengths, some with several turns.
std::string tiny_chats(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i * 37 % 101);
    lines += R"({"messages":[{"role":"user","content":"fox )" + number +
             R"("},{"role":"assistant","content":"dog )" + number + R"("})";
    if (i % 3 == 0)
      lines += R"(,{"role":"user","content":"你"},{"role":"assistant","content":"the fox"})";
    lines += "]}\n";
  }
  return lines;
}

model::ModelConfig chat_config() {
  model::ModelConfig c = tiny_config();
  c.V = tiny_tokenizer().vocab_size();
  c.T = 96;
  c.eos_token = tiny_tokenizer().eos();
  return c;
}

std::vector<TrainingSequence> tiny_sequences(int count, int64_t context = 96) {
  TempDir dir;
  base::write_file(dir / "data.jsonl", tiny_chats(count));
  data::ReadReport read;
  SftDataReport report;
  return encode_conversations(data::read_conversations({dir / "data.jsonl"}, {.quiet = true}, read),
                              tiny_format(), context, chat_config().V, report);
}

TEST(SftData, AnswersAndTheirEndsAreLearned) {
  const data::ChatFormat format = tiny_format();
  const data::Conversation conversation{{{"system", "sys"},
                                         {"user", "quick <|im_end|>"},
                                         {"assistant", "brown 狐"},
                                         {"user", "x"},
                                         {"assistant", "lazy"},
                                         {"user", "not answered"}},
                                        "here:1"};
  SftDataReport report;
  const auto all = encode_conversations({conversation}, format, 1000, 1000, report);
  ASSERT_EQ(all.size(), 1u);
  std::vector<int32_t> learned;
  for (size_t i = 0; i < all[0].ids.size(); ++i)
    if (all[0].trained[i]) learned.push_back(all[0].ids[i]);
  EXPECT_EQ(format.tokenizer.decode(learned), "brown 狐<|im_end|>lazy<|im_end|>");
  EXPECT_EQ(all[0].ids.back(), format.end_of_turn) << "nothing behind the last answer";
  EXPECT_EQ(report.trained_tokens, std::ssize(learned));
  EXPECT_EQ(report.cut, 0);

  // Cut behind the last answer that fits whole.
  const int64_t whole = std::ssize(all[0].ids);
  SftDataReport cut;
  const auto shorter = encode_conversations({conversation}, format, whole - 1, 1000, cut);
  EXPECT_EQ(cut.cut, 1);
  EXPECT_EQ(shorter[0].ids.back(), format.end_of_turn);
  EXPECT_TRUE(format.tokenizer.decode(shorter[0].ids).ends_with("brown 狐<|im_end|>"));
  SftDataReport dropped;
  EXPECT_THROW(encode_conversations({conversation}, format, 10, 1000, dropped), base::Error);
  EXPECT_EQ(dropped.dropped, 1);
  EXPECT_THROW(encode_conversations({conversation}, format, 1000, 100, dropped), base::Error);
}

TEST(SftData, SplitKeepsAQuestionOnOneSide) {
  std::vector<data::Conversation> all;
  for (int i = 0; i < 600; ++i)
    all.push_back({{{"user", fmt::format("q{}", i % 200)}, {"assistant", std::to_string(i)}},
                   std::to_string(i)});
  const auto [train, val] = split_conversations(all, 0.25, 1);
  EXPECT_EQ(train.size() + val.size(), 600u);
  EXPECT_GT(val.size(), 90u);
  EXPECT_LT(val.size(), 210u);
  for (const auto& t : train)
    for (const auto& v : val) ASSERT_NE(t.messages[0].content, v.messages[0].content);
  std::reverse(all.begin(), all.end());
  EXPECT_EQ(split_conversations(all, 0.25, 1).second.size(), val.size());
  EXPECT_TRUE(split_conversations(all, 0, 1).second.empty());
}

TEST(MicroBatches, EverySequenceOnceAndHardlyAnyPadding) {
  const base::Philox random(1, 1);
  std::vector<std::vector<int32_t>> sequences;
  int64_t tokens = 0;
  for (uint64_t i = 0; i < 300; ++i) {
    sequences.emplace_back(1 + random.below(i, 60), static_cast<int32_t>(i));
    tokens += std::ssize(sequences.back());
  }
  for (const int64_t max_rows : {1, 2, 16}) {
    std::vector<int> seen(sequences.size());
    int64_t rows = 0;
    for (const PackedBatch& batch : pack_rows(sequences, max_rows, 64)) {
      EXPECT_LE(batch.B, max_rows);
      rows += batch.B;
      for (const model::Place& place : batch.places) {
        ++seen[place.sequence];
        EXPECT_EQ(place.count, std::ssize(sequences[place.sequence]));
        for (int64_t i = 0; i < place.count; ++i) {
          const auto at = static_cast<size_t>(place.begin + i);
          ASSERT_EQ(batch.tokens[at], static_cast<int32_t>(place.sequence));
          ASSERT_EQ(batch.positions[at], i);
        }
      }
    }
    EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
    EXPECT_LT(rows * 64, tokens * 103 / 100 + 64);
  }
  std::vector<model::Group> pairs;
  for (size_t i = 0; i < sequences.size(); i += 2) pairs.push_back({i, i + 1});
  size_t places = 0;
  for (const PackedBatch& batch : pack_groups(sequences, pairs, 16, 64)) {
    std::vector<int> here(pairs.size());
    for (const model::Place& place : batch.places) ++here[place.sequence / 2];
    for (const int n : here) EXPECT_TRUE(n == 0 || n == 2);
    places += batch.places.size();
  }
  EXPECT_EQ(places, sequences.size());
  EXPECT_TRUE(pack_rows({}, 4, 8).empty());
}

// A loss and gradient of some sequences, packed into rows of T tokens.
struct Measured {
  double loss = 0;
  model::Weights grads;
};
Measured measure(const std::vector<TrainingSequence>& sequences, const model::Weights& weights,
                 int64_t max_rows, int64_t T, bool garbage = false, bool alone = false) {
  const model::ModelConfig config = chat_config();
  Measured m{0, model::Weights(config)};
  std::vector<const TrainingSequence*> pointers;
  std::vector<std::vector<int32_t>> ids;
  int64_t targets = 0;
  for (const TrainingSequence& s : sequences) {
    pointers.push_back(&s);
    ids.push_back(s.ids);
    targets += s.trained_tokens();
  }
  std::vector<PackedBatch> batches;
  if (alone) {
    for (size_t i = 0; i < ids.size(); ++i) {
      batches.push_back(pack_rows(std::span(ids).subspan(i, 1), 1, T)[0]);
      batches.back().places[0].sequence = i;
    }
  } else {
    batches = pack_rows(ids, max_rows, T);
  }
  PackedPasses passes(config, T);
  bool accumulate = false;
  for (PackedBatch& batch : batches) {
    mask_targets(batch, pointers);
    if (garbage) {
      std::vector<bool> used(batch.tokens.size());
      for (const model::Place& p : batch.places) std::fill_n(used.begin() + p.begin, p.count, true);
      const base::Philox random(9, 9);
      for (size_t i = 0; i < used.size(); ++i)
        if (!used[i])
          batch.tokens[i] = static_cast<int32_t>(random.below(i, static_cast<uint64_t>(config.V)));
    }
    const auto logprobs = passes.gradient(
        weights, m.grads, batch,
        [&](int64_t, float) { return -1.0f / static_cast<float>(targets); }, accumulate);
    for (const float lp : logprobs)
      m.loss -= static_cast<double>(lp) / static_cast<double>(targets);
    accumulate = true;
  }
  return m;
}

double largest_difference(const model::Weights& a, const model::Weights& b) {
  double worst = 0;
  for (int64_t i = 0; i < a.flat().size(); ++i)
    worst = std::max(worst, std::fabs(static_cast<double>(a.flat().data()[i]) -
                                      static_cast<double>(b.flat().data()[i])));
  return worst;
}

TEST(SftLoss, PackingChangesNothing) {
  const std::vector<TrainingSequence> sequences = tiny_sequences(12);
  model::Weights weights(chat_config());
  model::init_weights(weights, chat_config(), 3);
  for (float& w : weights.flat()) w *= 5;  // sharp attention: a leak would show
  const Measured alone = measure(sequences, weights, 1, 96, false, true);
  for (const int64_t max_rows : {1, 4}) {
    const Measured packed = measure(sequences, weights, max_rows, 96);
    EXPECT_NEAR(packed.loss, alone.loss, 1e-5);
    const model::Weights zero(chat_config());
    EXPECT_LT(largest_difference(packed.grads, alone.grads),
              1e-5 * largest_difference(alone.grads, zero));
  }
}

TEST(SftLoss, PaddingIsWithoutEffectWhateverIsInIt) {
  const std::vector<TrainingSequence> sequences = tiny_sequences(5);
  model::Weights weights(chat_config());
  model::init_weights(weights, chat_config(), 3);
  const Measured clean = measure(sequences, weights, 4, 96);
  const Measured garbage = measure(sequences, weights, 4, 96, true);
  EXPECT_EQ(clean.loss, garbage.loss);
  EXPECT_EQ(largest_difference(clean.grads, garbage.grads), 0);
}

TEST(SftLoss, GradientEqualsFiniteDifferences) {
  const std::vector<TrainingSequence> sequences = tiny_sequences(4);
  model::Weights weights(chat_config());
  model::init_weights(weights, chat_config(), 3);
  const Measured m = measure(sequences, weights, 2, 96);
  // Along the gradient itself, where float has digits enough.
  double norm2 = 0;
  for (const float g : m.grads.flat()) norm2 += static_cast<double>(g) * static_cast<double>(g);
  const double h = 1e-2 / std::sqrt(norm2);
  const auto moved = [&](double by) {
    model::Weights w(chat_config());
    for (int64_t i = 0; i < w.flat().size(); ++i)
      w.flat().data()[i] = weights.flat().data()[i] +
                           static_cast<float>(by * static_cast<double>(m.grads.flat().data()[i]));
    return measure(sequences, w, 2, 96).loss;
  };
  EXPECT_NEAR((moved(h) - moved(-h)) / (2 * h) / norm2, 1, 1e-2);
}

struct TinySft {
  TempDir dir;
  SftOptions options;

  TinySft() {
    base::write_file(dir / "data.jsonl", tiny_chats(60));
    model::Weights weights(chat_config());
    model::init_weights(weights, chat_config(), 5);
    model::save_model(dir / "base", chat_config(), weights);
    tiny_tokenizer().save(dir / "base");
    options.model = dir / "base";
    options.data = {dir / "data.jsonl"};
    options.val_fraction = 0.1;
    options.sample_tokens = 4;
    options.loop.out = dir / "run";
    options.loop.batch = 8;
    options.loop.steps = 20;
    options.loop.val_every = 10;
    options.loop.lr = 5e-3;
  }
};

TEST(Sft, LearnsAndSavesAModelThatKnowsItsForm) {
  TinySft tiny;
  tiny.options.loop.steps = 40;
  const SftResult result = sft(tiny.options, true);
  EXPECT_TRUE(result.loop.finished);
  EXPECT_EQ(result.train.conversations + result.val.conversations, 60);
  EXPECT_LT(result.loop.last["val_loss"].get<double>(), 3.0);  // log(296) = 5.7 at the start
  const fs::path model = result.loop.model;
  const auto tokenizer = tokenizer::Tokenizer::load(model);
  EXPECT_EQ(tokenizer.eos(), *tokenizer.special("<|im_end|>"));
  EXPECT_EQ(model::load_config(model).eos_token, tokenizer.eos());
  EXPECT_NE(base::read_file(model / "tokenizer_config.json").find("chat_template"),
            std::string::npos);
  EXPECT_EQ(data::ChatFormat::load(model).end_of_turn, tokenizer.eos());
  // Six questions, each with the answers of steps 0, 10, 20, 30, 40.
  const std::string samples = base::read_file(tiny.options.loop.out / "samples.md");
  size_t questions = 0, rows = 0;
  for (size_t at = 0; (at = samples.find("\n## ", at)) != std::string::npos; ++at) ++questions;
  for (size_t at = 0; (at = samples.find("\n| 40 |", at)) != std::string::npos; ++at) ++rows;
  EXPECT_EQ(questions + 1, 6u);
  EXPECT_EQ(rows, 6u);
  EXPECT_NE(samples.find("\n| 0 |"), std::string::npos);

  // Again on what was saved, as a second stage does.
  tiny.options.model = model;
  tiny.options.loop.out = tiny.dir / "again";
  tiny.options.loop.steps = 1;
  EXPECT_TRUE(sft(tiny.options, true).loop.finished);
}

TEST(Sft, ResumedEndsInTheSameModelWithPretrainingTextToo) {
  TinySft tiny;
  base::write_file(tiny.dir / "text.jsonl", tiny_text(30));
  tiny.options.pretrain_data = {tiny.dir / "text.jsonl"};
  tiny.options.pretrain_share = 0.25;
  tiny.options.cache = tiny.dir / "cache";
  tiny.options.loop.keep = 2;
  sft(tiny.options, true);
  const fs::path run = tiny.options.loop.out;
  const std::string expected = base::read_file(run / "model/model.safetensors");
  const std::string metrics = base::read_file(run / "metrics.jsonl");
  EXPECT_NE(metrics.find("\"text_loss\""), std::string::npos);

  // As if killed behind step 10.
  ASSERT_TRUE(fs::exists(run / "checkpoints/step-10"));
  fs::remove_all(run / "model");
  fs::remove_all(run / "checkpoints/step-20");
  SftOptions resume;
  resume.loop.out = run;
  resume.loop.resume = true;
  EXPECT_TRUE(sft(resume, true).loop.finished);
  EXPECT_EQ(base::read_file(run / "model/model.safetensors"), expected);

  // Other data: refused.
  base::write_file(tiny.dir / "data.jsonl", tiny_chats(61));
  EXPECT_THROW(sft(resume, true), base::Error);
}

TEST(Sft, WrongOptionsAreRefused) {
  TinySft tiny;
  const SftOptions good = tiny.options;
  const auto refused = [&](auto change) {
    SftOptions o = good;
    change(o);
    EXPECT_THROW(sft(o, true), base::Error);
  };
  refused([](SftOptions& o) { o.model.clear(); });
  refused([](SftOptions& o) { o.data.clear(); });
  refused([](SftOptions& o) { o.context = 97; });
  refused([](SftOptions& o) { o.val_fraction = 1; });
  refused([](SftOptions& o) { o.pretrain_share = 0.1; });
  refused([](SftOptions& o) { o.data = {"/nowhere.jsonl"}; });
  refused([](SftOptions& o) { o.sample_prompts = "/nowhere.jsonl"; });
  EXPECT_FALSE(fs::exists(good.loop.out));
}

TEST(Sft, ShowBatchMarksWhatIsLearned) {
  TinySft tiny;
  base::write_file(tiny.dir / "data.jsonl", R"({"messages":[{"role":"user","content":"fox\u001b"},)"
                                            R"({"role":"assistant","content":"dog 狐"}]})"
                                            "\n");
  tiny.options.val_fraction = 0;
  tiny.options.loop.batch = 2;
  const std::string file = (tiny.dir / "data.jsonl").string();
  const std::string one = "--- " + file +
                          ":1: 28 tokens, 7 learned\n"
                          "<|im_start|>user\nfox\\x1b<|im_end|>\n<|im_start|>assistant\n"
                          "[[dog 狐<|im_end|>]]\n";
  EXPECT_EQ(show_batch(tiny.options, false),
            "=== row 1: 56 of 96 tokens\n" + one + one +
                "2 conversations in 1 rows of 96 tokens, 1 micro-batches: 56 tokens, 14 of them "
                "learned (25.0%), 41.7% padding\n");
  EXPECT_NE(show_batch(tiny.options, true).find("\x1b[32mdog 狐<|im_end|>\x1b[0m"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(tiny.options.loop.out));
}

}  // namespace
}  // namespace parley::train
