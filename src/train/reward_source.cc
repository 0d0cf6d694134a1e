#include "train/reward_source.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "train/code_reward.h"
#include "train/command_reward.h"
#include "train/rule_reward.h"

namespace parley::train {
namespace {

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// "0.7*" at the beginning of `text`, with how many bytes that takes.
std::optional<std::pair<double, size_t>> read_weight(std::string_view text) {
  size_t i = 0;
  while (i < text.size() && text[i] == ' ') ++i;
  double weight = 0;
  const auto result =
      std::from_chars(text.data() + i, text.data() + text.size(), weight, std::chars_format::fixed);
  if (result.ec != std::errc()) return std::nullopt;
  i = static_cast<size_t>(result.ptr - text.data());
  while (i < text.size() && text[i] == ' ') ++i;
  if (i == text.size() || text[i] != '*' || !std::isfinite(weight)) return std::nullopt;
  return {{weight, i + 1}};
}

// Takes an argument off a mix: quoted, or up to the next +WEIGHT*.
std::string take_argument(std::string_view& rest, std::string_view spec) {
  std::string argument;
  if (!rest.empty() && (rest.front() == '\'' || rest.front() == '"')) {
    const char quote = rest.front();
    for (rest.remove_prefix(1);; rest.remove_prefix(1)) {
      if (rest.empty())
        throw base::UsageError(
            fmt::format("a quote ({}) is not closed in the reward {}", quote, spec));
      if (rest.front() == quote) {
        rest.remove_prefix(1);
        if (rest.empty() || rest.front() != quote) return argument;
      }
      argument += rest.front();
    }
  }
  size_t end = 0;
  while (end < rest.size() && !(rest[end] == '+' && read_weight(rest.substr(end + 1)))) ++end;
  argument = without_blanks(rest.substr(0, end));
  rest.remove_prefix(end);
  return argument;
}

RewardPart take_part(std::string_view& rest, std::string_view spec) {
  const auto weight = read_weight(rest);
  if (!weight)
    throw base::UsageError(
        fmt::format("every part of a mix has a weight, as in 0.7*exact+0.3*length:200; "
                    "there is none before \"{}\" in the reward {}",
                    rest.substr(0, 40), spec));
  rest.remove_prefix(weight->second);
  const size_t colon = rest.find(':');
  size_t end = std::min(rest.find('+'), rest.size());
  RewardPart part{weight->first, {}, {}};
  if (colon < end) {
    part.kind = without_blanks(rest.substr(0, colon));
    rest.remove_prefix(colon + 1);
    part.argument = take_argument(rest, spec);
  } else {
    part.kind = without_blanks(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  return part;
}

std::unique_ptr<RewardSource> make_part(const RewardPart& part, const LoadRewardModel& load_model,
                                        const RewardOptions& options) {
  const std::string& argument = part.argument;
  const auto wants = [&](std::string_view what) {
    if (argument.empty())
      throw base::UsageError(fmt::format("{0}: write {0}:{1}", part.kind, what));
  };
  if (part.kind == "regex") return make_regex_reward(argument);
  if (part.kind == "exact") return make_exact_reward(argument);
  if (part.kind == "number") return make_number_reward(argument);
  if (part.kind == "length") return make_length_reward(argument);
  if (part.kind == "finished" && argument.empty()) return make_finished_reward();
  if (part.kind == "tests") {
    CodeRewardOptions code = parse_code_reward_options(argument);
    code.unsandboxed |= options.unsandboxed;
    return make_code_reward(code);
  }
  if (part.kind == "command") {
    wants("PROGRAM ARGS");
    return make_command_reward(argument);
  }
  if (part.kind == "model") {
    wants("DIR");
    if (!load_model) throw base::UsageError("model: reward models cannot be used here");
    return load_model(argument);
  }
  throw base::UsageError(fmt::format(
      "no reward source \"{}\"; there are regex:PATTERN, exact, number, tests, command:PROGRAM, "
      "length:TARGET, finished, model:DIR, and mixes with a weight before each part, as in "
      "0.7*exact+0.3*length:200",
      part.kind));
}

class Mix final : public RewardSource {
 public:
  Mix(std::string name, std::vector<double> weights,
      std::vector<std::unique_ptr<RewardSource>> sources)
      : name_(std::move(name)), weights_(std::move(weights)), sources_(std::move(sources)) {}

  std::string name() const override { return name_; }

  std::vector<double> score(std::span<const Answer> answers) override {
    std::vector<double> total(answers.size());
    means_.clear();
    for (size_t s = 0; s < sources_.size(); ++s) {
      const std::vector<double> part = sources_[s]->score(answers);
      PARLEY_CHECK(part.size() == answers.size(), "{} gave {} rewards for {} answers",
                   sources_[s]->name(), part.size(), answers.size());
      double sum = 0;
      for (size_t i = 0; i < part.size(); ++i) {
        total[i] += weights_[s] * part[i];
        sum += part[i];
      }
      if (!part.empty())
        means_.emplace_back(sources_[s]->name(), sum / static_cast<double>(part.size()));
    }
    return total;
  }

  std::vector<std::pair<std::string, double>> last_means() const override { return means_; }

 private:
  std::string name_;
  std::vector<double> weights_;
  std::vector<std::unique_ptr<RewardSource>> sources_;
  std::vector<std::pair<std::string, double>> means_;
};

}  // namespace

std::vector<RewardPart> parse_reward_spec(std::string_view spec) {
  std::string_view rest = without_blanks(spec);
  if (rest.empty()) throw base::UsageError("the reward source is empty");
  if (!read_weight(rest)) {
    const size_t colon = rest.find(':');
    return {
        {1, std::string(rest.substr(0, colon)),
         colon == std::string_view::npos ? std::string() : std::string(rest.substr(colon + 1))}};
  }
  std::vector<RewardPart> parts;
  for (;;) {
    parts.push_back(take_part(rest, spec));
    rest = without_blanks(rest);
    if (rest.empty()) return parts;
    if (rest.front() != '+')
      throw base::UsageError(
          fmt::format("a + is wanted before \"{}\" in the reward {}", rest.substr(0, 40), spec));
    rest.remove_prefix(1);
  }
}

std::unique_ptr<RewardSource> make_reward_source(std::string_view spec,
                                                 const LoadRewardModel& load_model,
                                                 const RewardOptions& options) {
  const bool mix = read_weight(without_blanks(spec)).has_value();
  std::vector<double> weights;
  std::vector<std::unique_ptr<RewardSource>> sources;
  for (const RewardPart& part : parse_reward_spec(spec)) {
    weights.push_back(part.weight);
    sources.push_back(make_part(part, load_model, options));
  }
  if (!mix) return std::move(sources.front());
  return std::make_unique<Mix>(std::string(spec), std::move(weights), std::move(sources));
}

}  // namespace parley::train
