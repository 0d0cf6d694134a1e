// Random requests, cancellations and failures in little memory: every request ends once, and
// every block comes back.
#include <gtest/gtest.h>

#include "infer/infer_test_util.h"

namespace parley::infer {
namespace {

struct Fate {
  int done = 0;
  int64_t tokens = 0, scores = 0, scores_wanted = 0;
  Finished finished;
};

TEST(EngineRandom, EveryRequestEndsOnceAndEveryBlockComesBack) {
  model::ModelConfig config = tiny_variants()[4].config;
  config.T = 300;
  const TestModel model(config, model::Precision::kInt8);
  for (uint64_t seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE(seed);
    const base::Philox random(seed, 3);
    uint64_t draws = 0;
    const auto below = [&](uint64_t n) { return static_cast<int64_t>(random.below(draws++, n)); };
    EngineOptions options = steady(1 + below(8), 1 + below(100));
    options.adaptive_steps = below(2) == 0;
    options.max_waiting = 1 + below(20);
    options.kv_format = below(2) == 0 ? model::KvFormat::kInt8 : model::KvFormat::kBf16;
    const int64_t blocks = 3 + below(10);
    options.kv_bytes =
        static_cast<size_t>(blocks) * model::KvPool::block_bytes(config, options.kv_format);
    options.speculative.ngram = below(4);
    options.speculative.tokens = 1 + below(6);
    options.speculative.max_decoding = 1 + below(6);
    if (below(2) == 0) {
      options.speculative.draft_config = &config;
      options.speculative.draft_weights = &model.weights;
    }
    Engine engine(config, model.weights, options);

    std::vector<std::unique_ptr<Fate>> fates;
    std::vector<RequestId> ids;
    int64_t full = 0, unfit = 0, submitted = 0;
    const auto submit = [&] {
      auto fate = std::make_unique<Fate>();
      Fate* f = fate.get();
      // Few beginnings, so that prompts share blocks.
      Request request{.prompt =
                          random_tokens(1 + below(200), config.V, static_cast<uint64_t>(below(3)))};
      request.client = static_cast<uint64_t>(below(3));
      request.stream = static_cast<uint64_t>(below(100));
      request.sampling.max_tokens = below(60);
      request.sampling.temperature = below(2) == 0 ? 0.0f : 1.0f;
      request.sampling.stop_ids = {5};
      request.use_cache = below(5) > 0;
      if (below(4) == 0) request.score_from = 1 + below(request.prompt.size());
      const int64_t limit = request.sampling.max_tokens;
      const int64_t mischief = below(12);
      const int64_t at = below(20);
      request.on_scores = [f](std::span<const TokenScore> scores) {
        EXPECT_EQ(f->tokens, 0);
        EXPECT_EQ(f->done, 0);
        f->scores += static_cast<int64_t>(scores.size());
      };
      request.on_token = [&, f, limit, mischief, at](const Sample&) {
        EXPECT_EQ(f->done, 0);
        EXPECT_LE(++f->tokens, limit);
        if (f->tokens == at) {
          if (mischief == 0) throw std::runtime_error("gone");
          if (mischief == 1) return Verdict::kStop;
          if (mischief == 2) return Verdict::kCancel;
          if (mischief == 3 && !ids.empty()) engine.cancel(ids[ids.size() / 2]);
          if (mischief == 4) engine.cancel(ids.back());
        }
        return Verdict::kContinue;
      };
      request.on_done = [f](const Finished& finished) {
        ++f->done;
        f->finished = finished;
      };
      if (request.score_from > 0)
        f->scores_wanted = static_cast<int64_t>(request.prompt.size()) - request.score_from;
      try {
        ids.push_back(engine.submit(std::move(request)));
        fates.push_back(std::move(fate));
        ++submitted;
      } catch (const QueueFull&) {
        ++full;
      } catch (const base::Error&) {
        ++unfit;
      }
    };
    for (int operation = 0; operation < 300; ++operation) {
      const int64_t what = below(20);
      if (what < 6) submit();
      if (what == 6 && !ids.empty()) {
        const int64_t used = engine.stats().blocks.used;
        if (engine.cancel(ids[static_cast<size_t>(below(ids.size()))])) {
          EXPECT_LE(engine.stats().blocks.used, used);
        }
      }
      if (what == 7 && below(5) == 0) engine.forget_cache();
      if (what > 7) engine.step();
    }
    while (engine.step()) {
    }
    EXPECT_GT(submitted, 10);
    for (const auto& fate : fates) {
      EXPECT_EQ(fate->done, 1);
      EXPECT_EQ(fate->finished.answer_tokens, fate->tokens);
      if (fate->tokens > 0 || fate->finished.reason == FinishReason::kLength) {
        EXPECT_EQ(fate->scores, fate->scores_wanted);
      }
      EXPECT_EQ(fate->finished.reason == FinishReason::kError, !fate->finished.error.empty());
    }
    const EngineStats stats = engine.stats();
    EXPECT_EQ(stats.finished + stats.cancelled + stats.failed, submitted);
    expect_no_leak(engine);
  }
}

}  // namespace
}  // namespace parley::infer
