#include "cli/sampling_flags.h"

#include <charconv>

#include "base/error.h"
#include "base/random.h"

namespace parley::cli {
namespace {

// "ID=VALUE" or "ID:VALUE"
std::pair<int32_t, float> parse_bias(const std::string& text) {
  int32_t id = 0;
  float value = 0;
  const char* end = text.data() + text.size();
  const auto [middle, id_error] = std::from_chars(text.data(), end, id);
  if (id_error == std::errc() && middle != end && (*middle == '=' || *middle == ':')) {
    const auto [last, value_error] = std::from_chars(middle + 1, end, value);
    if (value_error == std::errc() && last == end) return {id, value};
  }
  throw base::UsageError("--logit-bias '" + text + "': write ID=VALUE, for example 50256=-100");
}

std::string unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char next = text[++i];
    if (next == 'n')
      out += '\n';
    else if (next == 't')
      out += '\t';
    else if (next == '\\')
      out += '\\';
    else
      out += {'\\', next};
  }
  return out;
}

// What generation_config.json may set.
template <typename Number>
std::string own_default(const char* description, Number otherwise) {
  return fmt::format("{} (default: the model's own, else {})", description, otherwise);
}

}  // namespace

void add_sampling_flags(CLI::App& command, SamplingFlags& flags) {
  infer::SamplingParams& params = flags.params;
  flags.command = &command;
  const std::string group = "Sampling";
  command.add_option("--max-tokens", params.max_tokens, "the longest answer, in tokens")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--temperature", params.temperature,
                  own_default("0: always the most probable token", params.temperature))
      ->group(group);
  command
      .add_option("--top-k", params.top_k,
                  own_default("choose among the K most probable tokens (0: all)", params.top_k))
      ->group(group);
  command
      .add_option("--top-p", params.top_p,
                  own_default("choose among the most probable tokens that make up P together",
                              params.top_p))
      ->group(group);
  command
      .add_option(
          "--min-p", params.min_p,
          own_default("leave out tokens less than P times as probable as the best", params.min_p))
      ->group(group);
  command
      .add_option("--repetition-penalty", params.repetition_penalty,
                  own_default("above 1: tokens of prompt and answer become less likely",
                              params.repetition_penalty))
      ->group(group);
  command
      .add_option("--presence-penalty", params.presence_penalty,
                  "taken from the logit of tokens already in the answer")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--frequency-penalty", params.frequency_penalty,
                  "the same, for each time the token was used")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--logit-bias", flags.logit_bias,
                  "ID=VALUE: added to the token's logit; repeatable")
      ->group(group)
      ->allow_extra_args(false);
  command
      .add_option("--stop", flags.stop,
                  "end the answer before this text (\\n is a new line); repeatable")
      ->group(group)
      ->allow_extra_args(false);
  command.add_option("--seed", flags.seed, "the same seed gives the same answer (default: random)")
      ->group(group);
}

infer::SamplingParams sampling_params(const SamplingFlags& flags, const text::LoadedModel& model) {
  infer::SamplingParams params = flags.params;
  model.sampling.apply(params);
  const auto keep = [&](const char* flag, auto member) {
    if (flags.command && flags.command->count(flag) > 0) params.*member = flags.params.*member;
  };
  keep("--temperature", &infer::SamplingParams::temperature);
  keep("--top-k", &infer::SamplingParams::top_k);
  keep("--top-p", &infer::SamplingParams::top_p);
  keep("--min-p", &infer::SamplingParams::min_p);
  keep("--repetition-penalty", &infer::SamplingParams::repetition_penalty);
  for (const std::string& bias : flags.logit_bias) params.logit_bias.insert(parse_bias(bias));
  try {
    infer::validate(params, model.config.V);
  } catch (const base::Error& error) {
    throw base::UsageError(error.what());
  }
  model.forbid_unused_ids(params);
  params.stop_ids = model.stop_ids();
  params.seed = flags.seed ? *flags.seed : base::random_seed();
  return params;
}

std::vector<std::string> stop_strings(const SamplingFlags& flags) {
  std::vector<std::string> stops;
  for (const std::string& stop : flags.stop) stops.push_back(unescape(stop));
  return stops;
}

}  // namespace parley::cli
