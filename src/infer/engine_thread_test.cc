#include "infer/engine_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "infer/infer_test_util.h"

namespace parley::infer {
namespace {

struct EngineThreadTest : testing::Test {
  TestModel model{tiny_variants()[4]};
  const model::ModelConfig& config = model.m.config;

  Request asking(int64_t prompt, int64_t answer, uint64_t seed = 1) const {
    return {.prompt = random_tokens(prompt, config.V, seed), .sampling = greedy(answer)};
  }
};

TEST_F(EngineThreadTest, AnswersAsTheEngineDoes) {
  const Request request = asking(10, 12);
  Engine engine(config, model.weights);
  const auto expected = ids_of(generate(engine, {&request, 1})[0]);

  EngineThread thread(config, model.weights);
  std::promise<Finished> done;
  Request asked = request;
  std::vector<int32_t> tokens;
  asked.on_token = [&](const Sample& sample) {
    tokens.push_back(sample.token);
    return Verdict::kContinue;
  };
  asked.on_done = [&](const Finished& finished) { done.set_value(finished); };
  const RequestId id = thread.submit(std::move(asked));
  const Finished finished = done.get_future().get();
  EXPECT_EQ(finished.id, id);
  EXPECT_EQ(finished.reason, FinishReason::kLength);
  EXPECT_EQ(tokens, expected);
  thread.drain();
  EXPECT_EQ(thread.metrics().engine.finished, 1);
  EXPECT_EQ(thread.metrics().engine.blocks.used, 0);
  EXPECT_FALSE(thread.metrics().accepting);
  EXPECT_THROW(thread.submit(asking(3, 3)), base::Error);
}

// Many clients that submit, cancel and lose interest; each request ends exactly once.
TEST_F(EngineThreadTest, ManyClients) {
  EngineOptions options;
  options.max_sequences = 6;
  options.max_waiting = 40;
  options.kv_bytes = 8 * model::KvPool::block_bytes(config, options.kv_format);
  EngineThread thread(config, model.weights, options);
  std::atomic<int64_t> accepted = 0, refused = 0, ended = 0, wrong = 0;
  std::vector<std::thread> clients;
  for (uint64_t client = 0; client < 8; ++client)
    clients.emplace_back([&, client] {
      const base::Philox random(9, client);
      uint64_t draws = 0;
      const auto below = [&](uint64_t n) { return random.below(draws++, n); };
      std::vector<RequestId> ids;
      for (int i = 0; i < 40; ++i) {
        const auto prompt = static_cast<int64_t>(below(60));
        const auto answer = static_cast<int64_t>(below(30));
        Request request = asking(1 + prompt, answer, below(5));
        request.client = client;
        const bool throws = below(20) == 0;
        request.on_token = [throws](const Sample&) {
          if (throws) throw std::runtime_error("gone");
          return Verdict::kContinue;
        };
        request.on_done = [&, throws, n = std::make_shared<int>(0)](const Finished& finished) {
          ++ended;
          wrong += ++*n != 1 || (finished.reason == FinishReason::kError && !throws);
        };
        try {
          ids.push_back(thread.submit(std::move(request)));
          ++accepted;
        } catch (const QueueFull&) {
          ++refused;
        }
        if (below(3) == 0 && !ids.empty()) thread.cancel(ids[below(ids.size())]);
        if (below(4) == 0) std::this_thread::yield();
        (void)thread.metrics();
      }
    });
  for (std::thread& client : clients) client.join();
  thread.drain();
  EXPECT_EQ(ended, accepted);
  EXPECT_EQ(accepted + refused, 8 * 40);
  EXPECT_EQ(wrong, 0);
  const EngineThread::Metrics metrics = thread.metrics();
  EXPECT_EQ(metrics.engine.blocks.used, 0);
  EXPECT_EQ(metrics.engine.waiting, 0);
  EXPECT_EQ(metrics.engine.running, 0);
  EXPECT_EQ(metrics.engine.finished + metrics.engine.cancelled + metrics.engine.failed, accepted);
}

TEST_F(EngineThreadTest, StopCancelsWhatIsUnderWay) {
  std::atomic<int> cancelled = 0, refused = 0;
  {
    EngineOptions options;
    options.max_sequences = 2;
    EngineThread thread(config, model.weights, options);
    std::promise<void> started;
    std::atomic<bool> first = true;
    for (uint64_t i = 0; i < 6; ++i) {
      Request request = asking(5, 80, i);
      request.on_token = [&](const Sample&) {
        if (first.exchange(false)) started.set_value();
        return Verdict::kContinue;
      };
      request.on_done = [&](const Finished& finished) {
        cancelled += finished.reason == FinishReason::kCancelled;
        try {
          thread.submit(asking(5, 5));
        } catch (const base::Error&) {
          ++refused;
        }
      };
      thread.submit(std::move(request));
    }
    started.get_future().wait();
    thread.stop();
    thread.stop();
  }
  EXPECT_GT(cancelled, 0);
  EXPECT_GE(refused, cancelled);
}

TEST_F(EngineThreadTest, RequestsChainFromCallbacks) {
  EngineThread thread(config, model.weights);
  std::promise<void> done;
  std::atomic<int> left = 5;
  std::function<void(const Finished&)> next = [&](const Finished&) {
    if (--left == 0) return done.set_value();
    Request request = asking(4, 3, static_cast<uint64_t>(left));
    request.on_done = next;
    thread.submit(std::move(request));
  };
  Request request = asking(4, 3);
  request.on_done = next;
  thread.submit(std::move(request));
  done.get_future().wait();
  thread.stop();
}

// The clock stands for whatever may fail outside any request.
TEST_F(EngineThreadTest, AFailingEngineEndsItsRequestsAndGoesOn) {
  std::atomic<bool> failing = true;
  EngineOptions options;
  options.clock = [&]() -> double {
    if (failing) throw std::runtime_error("the clock stopped");
    return 0;
  };
  EngineThread thread(config, model.weights, options);
  for (const bool fails : {true, false}) {
    std::promise<Finished> done;
    Request request = asking(4, 3);
    request.on_done = [&](const Finished& finished) { done.set_value(finished); };
    failing = fails;
    thread.submit(std::move(request));
    const Finished finished = done.get_future().get();
    EXPECT_EQ(finished.reason, fails ? FinishReason::kError : FinishReason::kLength);
    if (fails) {
      EXPECT_EQ(finished.error, "the clock stopped");
    }
  }
  EXPECT_EQ(thread.metrics().engine.failed, 1);
}

}  // namespace
}  // namespace parley::infer
