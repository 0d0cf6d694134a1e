// parley bench serve: a running server under load.
#include "cli/bench_serve.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace parley::cli {
namespace {

struct Times {
  double p50, p90, p99;  // ms
};
Times times_of(const std::vector<float>& seconds) {
  return {1e3 * quantile(seconds, 0.5), 1e3 * quantile(seconds, 0.9),
          1e3 * quantile(seconds, 0.99)};
}

// Resident bytes once a tenth of the time is over.
double warm_memory(const std::vector<MemorySample>& memory) {
  for (const MemorySample& sample : memory)
    if (sample.seconds >= memory.back().seconds / 10) return sample.bytes;
  return 0;
}

void print_json(const LoadOptions& options, const LoadResult& r) {
  const auto times = [](const std::vector<float>& seconds) {
    if (seconds.empty()) return nlohmann::ordered_json();
    const Times t = times_of(seconds);
    return nlohmann::ordered_json{{"p50", t.p50}, {"p90", t.p90}, {"p99", t.p99}};
  };
  nlohmann::ordered_json memory = nullptr;
  if (!r.memory.empty()) {
    nlohmann::ordered_json samples = nlohmann::json::array();
    const size_t step = std::max<size_t>(1, r.memory.size() / 60);
    for (size_t i = 0; i < r.memory.size(); i += step)
      samples.push_back({r.memory[i].seconds, r.memory[i].bytes});
    memory = {{"warm_bytes", warm_memory(r.memory)},
              {"last_bytes", r.memory.back().bytes},
              {"slope_bytes_per_s", memory_slope(r.memory)},
              {"samples", samples}};
  }
  const nlohmann::ordered_json json = {
      {"clients", options.clients},
      {"stream", options.stream},
      {"disconnect", options.disconnect},
      {"max_tokens", options.max_tokens},
      {"seconds", r.seconds},
      {"done", r.done},
      {"failed", r.failed},
      {"refused", r.refused},
      {"disconnected", r.disconnected},
      {"errors", r.errors},
      {"requests_per_s", static_cast<double>(r.done) / r.seconds},
      {"answer_tokens", r.answer_tokens},
      {"answer_tokens_per_s", static_cast<double>(r.answer_tokens) / r.seconds},
      {"prompt_tokens", r.prompt_tokens},
      {"frames", r.frames},
      {"first_token_ms", times(r.first_token)},
      {"between_tokens_ms", times(r.between)},
      {"latency_ms", times(r.latency)},
      {"memory", memory},
      {"running_after", r.running_after},
      {"waiting_after", r.waiting_after},
  };
  write_out(json.dump() + "\n");
}

void print_times(std::string_view name, const std::vector<float>& seconds) {
  if (seconds.empty()) return;
  const Times t = times_of(seconds);
  write_out(fmt::format("  {:<15} p50 {:8.1f}  p90 {:8.1f}  p99 {:8.1f} ms\n", name, t.p50, t.p90,
                        t.p99));
}

void print_text(const LoadOptions& options, const LoadResult& r) {
  write_out(fmt::format(
      "{} clients, {:.1f} s: {} done, {} refused (429), {} disconnected, {} failed\n"
      "  {:.1f} tokens/s of answers, {:.2f} requests/s, prompts of {:.0f} tokens\n",
      options.clients, r.seconds, r.done, r.refused, r.disconnected, r.failed,
      static_cast<double>(r.answer_tokens) / r.seconds, static_cast<double>(r.done) / r.seconds,
      r.done > 0 ? static_cast<double>(r.prompt_tokens) / static_cast<double>(r.done) : 0.0));
  print_times("first token", r.first_token);
  print_times("between tokens", r.between);
  print_times("whole answer", r.latency);
  for (const auto& [kind, count] : r.errors) write_out(fmt::format("  {} x {}\n", count, kind));
  if (!r.memory.empty())
    write_out(fmt::format("  memory {} after warm-up, {} at the end, {:+.1f} KiB/s\n",
                          base::human_bytes(warm_memory(r.memory)),
                          base::human_bytes(r.memory.back().bytes), memory_slope(r.memory) / 1024));
  if (r.running_after < 0)
    write_out("  the server has no /metrics: not known whether anything lives on\n");
  else if (r.running_after + std::max(0.0, r.waiting_after) > 0)
    write_out(fmt::format("  {:.0f} sequences still run and {:.0f} wait, with nobody there\n",
                          r.running_after, std::max(0.0, r.waiting_after)));
  else
    write_out("  nothing lives on in the server\n");
}

void run_serve(const LoadOptions& options, const Common& common) {
  const base::InterruptGuard guard;
  const LoadResult result = run_load(options, base::interrupted);
  if (common.json)
    print_json(options, result);
  else
    print_text(options, result);
  if (result.done + result.disconnected == 0) base::fail("no request was answered");
}

}  // namespace

void add_bench_serve(CLI::App& bench, Common& common) {
  auto options = std::make_shared<LoadOptions>();
  CLI::App* app = bench.add_subcommand("serve", "a running server: many clients at once");
  app->add_option("--url", options->url, "the server, without /v1")->capture_default_str();
  app->add_option("--model", options->model, "default: the first the server lists");
  app->add_option("--key", options->key, "API key");
  app->add_option("--clients", options->clients, "that ask again as soon as they have an answer")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  auto* seconds = app->add_option("--seconds", options->seconds, "how long")
                      ->capture_default_str()
                      ->check(CLI::Range(0.1, 1e7));
  app->add_option("--requests", options->requests, "instead: how many requests")
      ->check(CLI::Range(1, 1 << 30))
      ->excludes(seconds);
  app->add_option("--prompt-tokens", options->prompt_tokens, "of each prompt, about")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  app->add_option("--max-tokens", options->max_tokens, "of each answer, at most")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  app->add_option("--temperature", options->temperature, "0, as `bench infer` runs, is cheaper")
      ->check(CLI::Range(0.0, 2.0))
      ->capture_default_str();
  app->add_flag("--ignore-eos", options->ignore_eos,
                "answers of --max-tokens (parley's servers only)");
  app->add_option("--disconnect", options->disconnect, "share of clients that go away midway")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app->add_flag("--stream,!--no-stream", options->stream, "answers token by token (the default)");
  app->add_option("--timeout", options->timeout_seconds, "seconds without a byte")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 1e6));
  app->add_option("--seed", options->seed, "of the prompts and of who goes away")
      ->capture_default_str();
  app->add_option("--pid", options->pid, "the server's process, to watch its memory")
      ->check(CLI::Range(1, 1 << 30));
  app->footer(
      "Every stream is checked: it must end with a finish_reason, a usage and [DONE]. Refusals\n"
      "(429) are counted apart; the client waits as it was told. Afterwards /metrics is asked\n"
      "whether any sequence outlived its client. Exit 1 when nothing was answered at all.\n"
      "Tokens are those of the answers' usage, and frames where a client went away.\n\n"
      "Examples:\n"
      "  parley bench serve --url http://127.0.0.1:8080 --clients 64 --seconds 300 --json\n"
      "  parley bench serve --clients 64 --disconnect 0.3 --seconds 600 --pid $(pgrep -x parley)\n"
      "  parley bench serve --clients 1 --requests 20 --max-tokens 128 --ignore-eos --no-stream");
  app->callback([options, &common] { run_serve(*options, common); });
}

}  // namespace parley::cli
