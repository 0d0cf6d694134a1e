#include "server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace parley::server {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Labels = std::map<std::string, std::string>;

const Histogram::BucketBoundaries kSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                              0.5,   1,      2.5,   5,    10,    30,   60,  300};
const Histogram::BucketBoundaries kBetween = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
                                              0.05,   0.1,   0.2,   0.5,   1};

}  // namespace

struct Metrics::Impl {
  Family<Counter>& counters(const std::string& name, const std::string& help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Gauge>& gauges(const std::string& name, const std::string& help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& histograms(const std::string& name, const std::string& help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  prometheus::Registry registry;
  Family<Counter>& requests =
      counters("parley_requests_total", "Requests by route, model and HTTP status");
  Family<Counter>& prompt_tokens = counters("parley_prompt_tokens_total", "Tokens of prompts");
  Family<Counter>& cached_tokens =
      counters("parley_cached_prompt_tokens_total", "Tokens of prompts found in the prefix cache");
  Family<Counter>& answer_tokens = counters("parley_answer_tokens_total", "Tokens of answers");
  Family<Histogram>& seconds =
      histograms("parley_request_seconds", "From a request's last byte to its answer's last");
  Family<Histogram>& first_token =
      histograms("parley_time_to_first_token_seconds", "From a request's last byte to a token");
  Family<Histogram>& between =
      histograms("parley_time_between_tokens_seconds", "Mean of an answer");

  // The engines', as they are when somebody asks.
  Family<Gauge>& waiting = gauges("parley_engine_waiting", "Sequences in the queue");
  Family<Gauge>& running = gauges("parley_engine_running", "Sequences that run together");
  Family<Gauge>& blocks = gauges("parley_kv_blocks", "Blocks of keys and values by state");
  Family<Gauge>& rate =
      gauges("parley_tokens_per_second", "Over the last seconds, of prompts and answers");
  Family<Gauge>& step = gauges("parley_step_seconds", "Moving average of a step of the engine");
  Family<Gauge>& engine_total = gauges("parley_engine_sequences", "Since the start, by their end");
  Family<Gauge>& preemptions =
      gauges("parley_engine_preemptions", "Since the start: sequences that had to make room");
  Family<Gauge>& connections = gauges("parley_connections", "Open connections");
  Family<Gauge>& exchanges = gauges("parley_exchanges_active", "Requests being answered");
  Family<Gauge>& refused = gauges("parley_connections_refused", "Since the start: one too many");
  Family<Gauge>& left = gauges("parley_clients_left", "Since the start: before their answer ended");
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::observe(const CallRecord& record) {
  const std::string route(record.route), model(record.model);
  impl_->requests
      .Add({{"route", route}, {"model", model}, {"status", std::to_string(record.status)}})
      .Increment();
  impl_->seconds.Add({{"route", route}}, kSeconds).Observe(record.seconds);
  if (model.empty()) return;
  const Labels labels = {{"model", model}};
  impl_->prompt_tokens.Add(labels).Increment(static_cast<double>(record.prompt_tokens));
  impl_->cached_tokens.Add(labels).Increment(static_cast<double>(record.cached_tokens));
  impl_->answer_tokens.Add(labels).Increment(static_cast<double>(record.answer_tokens));
  if (record.first_token_seconds >= 0)
    impl_->first_token.Add(labels, kSeconds).Observe(record.first_token_seconds);
  if (record.between_tokens_seconds >= 0)
    impl_->between.Add(labels, kBetween).Observe(record.between_tokens_seconds);
}

std::string Metrics::text(const ModelRegistry& models, const http::Server::Numbers& numbers) {
  const auto set = [](Family<Gauge>& family, const Labels& labels, double value) {
    family.Add(labels).Set(value);
  };
  for (const auto& model : models.all()) {
    const infer::EngineThread::Metrics now = model->engine().metrics();
    const infer::EngineStats& stats = now.engine;
    const auto number = [](int64_t n) { return static_cast<double>(n); };
    const std::string& id = model->id();
    set(impl_->waiting, {{"model", id}}, number(stats.waiting));
    set(impl_->running, {{"model", id}}, number(stats.running));
    set(impl_->blocks, {{"model", id}, {"state", "used"}}, number(stats.blocks.used));
    set(impl_->blocks, {{"model", id}, {"state", "cached"}}, number(stats.blocks.cached));
    set(impl_->blocks, {{"model", id}, {"state", "total"}}, number(stats.blocks.blocks));
    set(impl_->rate, {{"model", id}, {"of", "prompt"}}, now.prompt_tokens_per_second);
    set(impl_->rate, {{"model", id}, {"of", "answer"}}, now.answer_tokens_per_second);
    set(impl_->step, {{"model", id}}, now.step_seconds);
    set(impl_->engine_total, {{"model", id}, {"end", "finished"}}, number(stats.finished));
    set(impl_->engine_total, {{"model", id}, {"end", "cancelled"}}, number(stats.cancelled));
    set(impl_->engine_total, {{"model", id}, {"end", "failed"}}, number(stats.failed));
    set(impl_->preemptions, {{"model", id}}, number(stats.preemptions));
  }
  set(impl_->connections, {}, static_cast<double>(numbers.connections));
  set(impl_->exchanges, {}, static_cast<double>(numbers.active_exchanges));
  set(impl_->refused, {}, static_cast<double>(numbers.refused));
  set(impl_->left, {}, static_cast<double>(numbers.disconnected));
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace parley::server
