#include "infer/bench.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/measure.h"
#include "base/random.h"
#include "kernels/machine.h"
#include "kernels/packed_matrix.h"

namespace parley::infer {
namespace {

using base::Clock;
using base::median;
using base::quantile;
using base::seconds_since;

std::vector<int32_t> random_tokens(int64_t count, const model::ModelConfig& c, uint64_t stream) {
  const base::Philox random(7, stream);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<int32_t>(random.below(i, static_cast<uint64_t>(c.V)));
  return tokens;
}

void check_fits(const model::ModelConfig& c, int64_t prompt, int64_t gen) {
  if (prompt < 1 || gen < 1 || prompt + gen > c.T)
    base::fail(
        "{} prompt tokens and {} more do not fit the model's context of {}; ask for fewer, "
        "or give another --context",
        prompt, gen, c.T);
}

BenchLimits measure_limits(model::Precision precision) {
  const bool integers =
      precision == model::Precision::kInt8 || precision == model::Precision::kInt4;
  return {integers ? kernels::measure_int8_peak(0.1) : kernels::measure_gemm_peak(1024, 0.2),
          kernels::measure_read_bandwidth(size_t{256} << 20, 0.2)};
}

void keep_best(BenchLimits& limits, const BenchLimits& more) {
  limits.peak_ops_per_s = std::max(limits.peak_ops_per_s, more.peak_ops_per_s);
  limits.read_bytes_per_s = std::max(limits.read_bytes_per_s, more.read_bytes_per_s);
}

// Operations of prefilling one prompt of P tokens: the matrices for every token, the output
// matrix for the last, and attention's causal half.
double prefill_ops(const model::ModelConfig& c, int64_t P) {
  const auto head = static_cast<double>(c.V * c.C);
  const double blocks = static_cast<double>(model::count_matmul_parameters(c)) - head;
  const auto tokens = static_cast<double>(P);
  const double attention = 4.0 * static_cast<double>(c.L * c.NH * c.HS) * tokens * (tokens + 1) / 2;
  return 2 * (blocks * tokens + head) + attention;
}

// Bytes of keys and values that a decoding step of one sequence at `context` reads.
size_t cache_bytes(const model::ModelConfig& c, model::KvFormat format, int64_t context) {
  return model::KvPool::block_bytes(c, format) * static_cast<size_t>(context) /
         static_cast<size_t>(model::kKvBlock);
}

// Sequences of one length, and when each got its tokens.
struct Streams {
  Streams(Engine& engine, const model::ModelConfig& c, int64_t batch, int64_t prompt, int64_t gen,
          uint64_t round)
      : start(Clock::now()), times(static_cast<size_t>(batch)) {
    for (size_t i = 0; i < times.size(); ++i) {
      Request request;
      request.prompt = random_tokens(prompt, c, round * 1000 + i);
      request.sampling.temperature = 0;
      request.sampling.max_tokens = gen;
      request.use_cache = false;
      request.on_token = [this, i](const Sample&) {
        times[i].push_back(seconds_since(start));
        return Verdict::kContinue;
      };
      request.on_done = [this](const Finished& f) { failed |= f.reason == FinishReason::kError; };
      engine.submit(std::move(request));
    }
  }

  Clock::time_point start;
  std::vector<std::vector<double>> times;  // seconds since start, of each sequence's tokens
  bool failed = false;
};

// Seconds of decoding steps that the model alone takes, cycling through the answer's length.
double bare_step(const model::ModelConfig& c, const model::InferWeights& weights, int64_t batch,
                 const BenchOptions& o) {
  const int64_t blocks = (o.prompt + o.gen + model::kKvBlock - 1) / model::kKvBlock;
  const model::KvPool pool(c, o.kv_format, batch * blocks);
  std::vector<int32_t> numbers(static_cast<size_t>(batch * blocks));
  std::iota(numbers.begin(), numbers.end(), 0);
  std::vector<int32_t> tokens = random_tokens(batch, c, 99);
  std::vector<int64_t> rows(static_cast<size_t>(batch));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  model::InferState state(c);
  const auto step = [&](int64_t past) {
    std::vector<model::Span> spans;
    for (int64_t b = 0; b < batch; ++b)
      spans.push_back({b, 1, past,
                       std::span<const int32_t>(numbers).subspan(static_cast<size_t>(b * blocks),
                                                                 static_cast<size_t>(blocks))});
    state.forward(weights, tokens, spans, rows, pool);
  };
  for (int64_t past = 0; past < o.prompt; ++past)  // touches the pages of the cache
    if (past % model::kKvBlock == 0) step(past);
  std::vector<double> times;
  for (int64_t i = 0; i < o.gen; ++i) {
    const auto start = Clock::now();
    step(o.prompt + i);
    times.push_back(seconds_since(start));
  }
  return median(times);
}

}  // namespace

BenchResult bench_batch(const model::ModelConfig& c, const model::InferWeights& weights,
                        int64_t batch, const BenchOptions& o) {
  check_fits(c, o.prompt, o.gen);
  BenchResult r;
  r.batch = batch;
  std::vector<double> ttft, prefill, decode, steps, bare;
  Engine engine(
      c, weights,
      {.max_sequences = batch,
       .adaptive_steps = false,
       .kv_bytes = model::KvPool::block_bytes(c, o.kv_format) *
                   static_cast<size_t>(batch * ((o.prompt + o.gen) / model::kKvBlock + 2)),
       .kv_format = o.kv_format});
  for (int64_t round = 0; round <= o.rounds; ++round) {
    // 1. The limits, under the same clock and neighbours as the rest.
    keep_best(r.limits, measure_limits(weights.precision()));

    // 2. All prompts, then decoding; the first round touches the memory and does not count.
    Streams streams(engine, c, batch, o.prompt, o.gen, static_cast<uint64_t>(round));
    std::vector<double> step_times;
    while (!engine.idle()) {
      const auto start = Clock::now();
      engine.step();
      const EngineStats stats = engine.stats();
      if (stats.last_decoding == batch && stats.last_prompt_tokens == 0)
        step_times.push_back(seconds_since(start));
    }
    if (streams.failed) base::fail("a request failed; the model gives numbers that are not finite");
    const double bare_seconds = bare_step(c, weights, batch, o);
    if (round == 0) continue;

    // 3. First tokens, and the time in which all were answering.
    double all_begun = 0, first_done = 1e30;
    std::vector<double> firsts;
    for (const auto& times : streams.times) {
      firsts.push_back(times.front());
      all_begun = std::max(all_begun, times.front());
      first_done = std::min(first_done, times.back());
    }
    int64_t tokens = 0;
    for (const auto& times : streams.times)
      for (const double t : times) tokens += t > all_begun && t <= first_done;
    ttft.push_back(median(firsts));
    prefill.push_back(static_cast<double>(batch * o.prompt) / all_begun);
    if (first_done > all_begun)
      decode.push_back(static_cast<double>(tokens) / (first_done - all_begun));
    if (!step_times.empty()) steps.push_back(median(step_times));
    bare.push_back(bare_seconds);
  }
  keep_best(r.limits, measure_limits(weights.precision()));

  // 4. Medians and shares.
  r.ttft_ms = 1e3 * median(ttft);
  r.prefill_tokens_per_s = median(prefill);
  r.prefill_ops_per_s =
      r.prefill_tokens_per_s / static_cast<double>(o.prompt) * prefill_ops(c, o.prompt);
  r.prefill_share = r.prefill_ops_per_s / r.limits.peak_ops_per_s;
  r.weight_bytes = weights.bytes_per_step();
  r.cache_bytes = static_cast<size_t>(batch) * cache_bytes(c, o.kv_format, o.prompt + o.gen / 2);
  r.bare_step_ms = 1e3 * median(bare);
  if (decode.empty()) return r;  // one token each: nothing was decoded
  r.decode_tokens_per_s = median(decode);
  r.step_ms = steps.empty() ? 0 : 1e3 * median(steps);
  r.decode_bytes_per_s = static_cast<double>(r.weight_bytes + r.cache_bytes) *
                         r.decode_tokens_per_s / static_cast<double>(batch);
  r.decode_share = r.decode_bytes_per_s / r.limits.read_bytes_per_s;
  return r;
}

PrefixResult bench_prefix(const model::ModelConfig& c, const model::InferWeights& weights,
                          int64_t shared, const BenchOptions& o) {
  check_fits(c, o.prompt, 1);
  if (shared < 0 || shared >= o.prompt)
    base::fail("{} cached tokens of a prompt of {}; give fewer", shared, o.prompt);
  PrefixResult r{.prompt = o.prompt, .cached = 0, .uncached_ttft_ms = 0, .cached_ttft_ms = 0};
  Engine engine(c, weights, {.kv_format = o.kv_format});
  const auto first_token = [&](std::vector<int32_t> prompt, int64_t& cached) {
    Request request;
    request.prompt = std::move(prompt);
    request.sampling.temperature = 0;
    request.sampling.max_tokens = 1;
    request.on_done = [&cached](const Finished& f) { cached = f.cached_tokens; };
    const auto start = Clock::now();
    engine.submit(std::move(request));
    while (engine.step()) {
    }
    return seconds_since(start);
  };
  std::vector<double> uncached, cached;
  for (int64_t round = 0; round <= o.rounds; ++round) {
    std::vector<int32_t> prompt = random_tokens(o.prompt, c, static_cast<uint64_t>(2 * round));
    const std::vector<int32_t> other =
        random_tokens(o.prompt, c, static_cast<uint64_t>(2 * round + 1));
    int64_t none = 0;
    const double cold = first_token(prompt, none);
    std::copy(other.begin() + shared, other.end(), prompt.begin() + shared);
    const double warm = first_token(prompt, r.cached);
    if (round == 0) continue;
    uncached.push_back(cold);
    cached.push_back(warm);
  }
  r.uncached_ttft_ms = 1e3 * median(uncached);
  r.cached_ttft_ms = 1e3 * median(cached);
  return r;
}

ArrivalResult bench_arrival(const model::ModelConfig& c, const model::InferWeights& weights,
                            int64_t streams, int64_t long_prompt, const BenchOptions& o) {
  check_fits(c, long_prompt, 1);
  Engine engine(c, weights, {.max_sequences = streams + 1, .kv_format = o.kv_format});
  const int64_t gen = c.T - o.prompt;  // as long as it takes
  check_fits(c, o.prompt, gen);
  Streams others(engine, c, streams, o.prompt, gen, 1);
  const auto decoding = [&] {
    return std::ranges::all_of(others.times, [&](const auto& t) {
      return static_cast<int64_t>(t.size()) >= std::min<int64_t>(gen / 4, 64);
    });
  };
  while (!decoding() && engine.step()) {
  }
  const double arrived = seconds_since(others.start);
  double answered = 0;
  Request request;
  request.prompt = random_tokens(long_prompt, c, 5);
  request.sampling.temperature = 0;
  request.sampling.max_tokens = 1;
  request.on_token = [&](const Sample&) {
    answered = seconds_since(others.start);
    return Verdict::kContinue;
  };
  engine.submit(std::move(request));
  while (answered == 0 && engine.step()) {
  }
  engine.cancel_all();
  std::vector<double> before, during;
  for (const auto& times : others.times)
    for (size_t i = 1; i < times.size(); ++i) {
      if (times[i] <= arrived && times[i - 1] >= arrived / 2)
        before.push_back(times[i] - times[i - 1]);
      if (times[i] > arrived && times[i - 1] < answered) during.push_back(times[i] - times[i - 1]);
    }
  if (during.empty())
    base::fail(
        "the others had ended before the prompt of {} tokens was read; give a longer "
        "--context or fewer prompt tokens",
        long_prompt);
  return {.streams = streams,
          .prompt = long_prompt,
          .median_ms = 1e3 * median(before),
          .during_median_ms = 1e3 * median(during),
          .during_p99_ms = 1e3 * quantile(during, 0.99),
          .during_max_ms = 1e3 * quantile(during, 1),
          .ttft_ms = 1e3 * (answered - arrived)};
}

}  // namespace parley::infer
