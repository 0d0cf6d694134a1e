#include "server/sampling.h"

#include <charconv>

#include "base/random.h"

namespace parley::server {
namespace {

void read_logit_bias(Fields& fields, const ServedModel& model, infer::SamplingParams& params) {
  const Json* biases = fields.object("logit_bias");
  if (!biases) return;
  Fields each(*biases, "logit_bias.");
  if (biases->size() > 1024) bad_request("logit_bias", "'logit_bias' has more than 1024 entries.");
  for (const auto& [key, value] : biases->items()) {
    int32_t token = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
    if (error != std::errc() || end != key.data() + key.size() || token < 0 ||
        token >= model.model().tokenizer.vocab_size())
      bad_request("logit_bias",
                  fmt::format("Invalid key in 'logit_bias': '{}'. Keys are token ids from 0 to {}.",
                              key.substr(0, 100), model.model().tokenizer.vocab_size() - 1));
    if (const auto bias = each.number(key, -100, 100))
      params.logit_bias[token] = static_cast<float>(*bias);
  }
}

}  // namespace

infer::SamplingParams read_sampling(Fields& fields, const ServedModel& model) {
  infer::SamplingParams params;
  model.model().sampling.apply(params);
  const auto set = [&](float& param, std::string_view name, double low, double high) {
    if (const auto value = fields.number(name, low, high)) param = static_cast<float>(*value);
  };
  set(params.temperature, "temperature", 0, 2);
  set(params.top_p, "top_p", 0, 1);
  set(params.presence_penalty, "presence_penalty", -2, 2);
  set(params.frequency_penalty, "frequency_penalty", -2, 2);
  set(params.min_p, "min_p", 0, 1);
  set(params.repetition_penalty, "repetition_penalty", 0.01, 100);
  params.top_k = fields.integer("top_k", 0, 1'000'000'000).value_or(params.top_k);
  const auto seed = fields.integer("seed", INT64_MIN, INT64_MAX);
  params.seed = seed ? static_cast<uint64_t>(*seed) : base::random_seed();
  read_logit_bias(fields, model, params);
  model.model().forbid_unused_ids(params);
  if (!fields.boolean("ignore_eos", false)) params.stop_ids = model.model().stop_ids();
  return params;
}

std::vector<std::string> read_stops(Fields& fields) {
  const Json* stop = fields.find("stop");
  if (!stop) return {};
  std::vector<std::string> stops;
  if (stop->is_string()) {
    stops.push_back(stop->get<std::string>());
  } else if (stop->is_array()) {
    for (const Json& text : *fields.array("stop", 0, 4)) {
      if (!text.is_string()) fields.bad_type("stop", text, "a string or an array of strings");
      stops.push_back(text.get<std::string>());
    }
  } else {
    fields.bad_type("stop", *stop, "a string or an array of strings");
  }
  std::erase(stops, "");
  return stops;
}

bool read_include_usage(Fields& fields, bool stream) {
  const Json* options = fields.object("stream_options");
  if (!options) return false;
  if (!stream)
    bad_request("stream_options",
                "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
  Fields inner(*options, "stream_options.");
  const bool usage = inner.boolean("include_usage", false);
  inner.ignore("include_obfuscation");
  inner.reject_unknown();
  return usage;
}

int64_t fit_context(const ServedModel& model, int64_t prompt_tokens, int64_t max_tokens,
                    std::string param) {
  const int64_t T = model.context();
  const int64_t asked = std::max<int64_t>(max_tokens, 0);
  if (prompt_tokens + asked > T || (max_tokens < 0 && prompt_tokens >= T))
    throw ApiError(
        400,
        fmt::format("This model's maximum context length is {} tokens. However, you requested {} "
                    "tokens ({} in the {}, {} in the completion). Please reduce the length of the "
                    "{} or completion.",
                    T, prompt_tokens + asked, prompt_tokens, param, asked, param),
        param, "context_length_exceeded");
  return max_tokens < 0 ? T - prompt_tokens : max_tokens;
}

}  // namespace parley::server
