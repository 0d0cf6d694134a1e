// parley feedback: what users of the chat app said of answers, as data for training.
#include <charconv>
#include <chrono>
#include <filesystem>

#include "app/feedback.h"
#include "app/feedback_export.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/app_place.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace parley::cli {
namespace {

constexpr const char* kFeedbackExamples = R"(Examples:
  parley feedback stats
  parley feedback export --out feedback
  parley feedback export --database chat.db --out feedback --since 2026-11-01 --kind comparison
  parley sft --model MODEL --data feedback/sft.jsonl --out runs/sft
  parley reward --model runs/sft/model --data feedback/preferences.jsonl --out runs/reward
  parley dpo --model runs/sft/model --data feedback/preferences.jsonl --out runs/dpo
  parley ppo --model runs/sft/model --reward model:runs/reward/model \
      --prompts feedback/prompts.jsonl --out runs/ppo
Files: sft.jsonl has liked answers and corrections; preferences.jsonl which of two answers is
better, from comparisons, corrections, and liked and disliked answers to one prompt; prompts.jsonl
all prompts. Ties and what people disagree on are left out, and counted.
)";

struct FeedbackOptions {
  std::string database, since;
  std::filesystem::path out;
  std::vector<std::string> kinds;
  app::ExportFilter filter;
};

std::unique_ptr<store::Store> open_database(const FeedbackOptions& options) {
  const std::string url = app_database(options.database);
  // Opening makes what is not there, which is not what is meant here.
  const std::string_view path = std::string_view(url).starts_with("sqlite:")
                                    ? std::string_view(url).substr(7)
                                    : std::string_view(url);
  if (url.find("://") == std::string::npos && !std::filesystem::exists(path))
    base::fail("{}: there is no such database; --database names the one that `parley serve` uses",
               path);
  return store::Store::open(url);
}

// "2026-11-27" (UTC), or a number of days back.
store::Time parse_since(const std::string& text) {
  if (text.empty()) return 0;
  const auto number = [](std::string_view digits, int64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() && value >= 0;
  };
  constexpr store::Time kDay = 86'400'000;
  int64_t days = 0, year = 0, month = 0, day = 0;
  if (number(text, days) && days < 100'000) return store::now() - days * kDay;
  if (text.size() == 10 && text[4] == '-' && text[7] == '-' && number(text.substr(0, 4), year) &&
      number(text.substr(5, 2), month) && number(text.substr(8), day)) {
    const auto date = std::chrono::year_month_day(std::chrono::year(static_cast<int>(year)),
                                                  std::chrono::month(static_cast<unsigned>(month)),
                                                  std::chrono::day(static_cast<unsigned>(day)));
    if (date.ok())
      return std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::sys_days(date).time_since_epoch())
          .count();
  }
  throw base::UsageError(fmt::format(
      "--since {}: expected a day such as 2026-11-27 (UTC), or a number of days back", text));
}

void export_feedback(const FeedbackOptions& options, bool json) {
  app::ExportFilter filter = options.filter;
  filter.since = parse_since(options.since);
  filter.kinds = {options.kinds.begin(), options.kinds.end()};
  app::FeedbackExport collected(std::move(filter));
  int64_t read = 0;
  open_database(options)->each_feedback([&](const store::Feedback& feedback) {
    collected.add(feedback);
    ++read;
  });
  const app::ExportedFeedback exported = collected.finish();
  app::write_export(exported, options.out);
  if (json) {
    app::Json left_out = app::Json::object();
    for (const auto& [reason, count] : exported.left_out) left_out[reason] = count;
    const app::Json line = {
        {"out", options.out.string()},        {"feedback", read},
        {"sft", exported.sft.size()},         {"preferences", exported.preferences.size()},
        {"prompts", exported.prompts.size()}, {"left_out", std::move(left_out)}};
    write_out(line.dump() + "\n");
    return;
  }
  std::string text =
      fmt::format("{} judgements read, written to {}:\n", read, options.out.string());
  text += fmt::format("  {:>7} conversations   sft.jsonl\n", exported.sft.size());
  text += fmt::format("  {:>7} preferences     preferences.jsonl\n", exported.preferences.size());
  text += fmt::format("  {:>7} prompts         prompts.jsonl\n", exported.prompts.size());
  for (const auto& [reason, count] : exported.left_out)
    text += fmt::format("  {:>7} left out: {}\n", count, reason);
  write_out(text);
}

void print_stats(const FeedbackOptions& options, bool json) {
  app::FeedbackStats stats;
  open_database(options)->each_feedback(
      [&](const store::Feedback& feedback) { stats.add(feedback); });
  const app::Json all = stats.json();
  if (json) {
    write_out(all.dump() + "\n");
    return;
  }
  const app::Json& counts = all["counts"];
  std::string text = fmt::format(
      "{} up, {} down, {} comparisons ({} ties), {} corrections\n", counts["up"].get<int64_t>(),
      counts["down"].get<int64_t>(), counts["comparisons"].get<int64_t>(),
      counts["ties"].get<int64_t>(), counts["corrections"].get<int64_t>());
  if (const app::Json& share = all["agreement"]["share"]; !share.is_null())
    text += fmt::format("agreement: {:.0f}% of {} pairs judged more than once\n",
                        100 * share.get<double>(), all["agreement"]["pairs"].get<int64_t>());
  for (const app::Json& model : all["by_model"])
    text +=
        fmt::format("{}: {} up, {} down, {} wins, {} losses\n", model["model"].get<std::string>(),
                    model["up"].get<int64_t>(), model["down"].get<int64_t>(),
                    model["wins"].get<int64_t>(), model["losses"].get<int64_t>());
  write_out(text);
}

}  // namespace

void add_feedback(CLI::App& app, Common& common) {
  auto options = std::make_shared<FeedbackOptions>();
  CLI::App* command = app.add_subcommand("feedback", "what users of the chat app said of answers");
  command->footer(kFeedbackExamples);
  command->require_subcommand(1);
  const auto database = [&](CLI::App* sub) {
    sub->add_option("--database,--db", options->database,
                    "a file or postgresql://…; default: the one of `parley serve`");
    return sub;
  };
  CLI::App* write =
      database(command->add_subcommand("export", "write it as the training stages read it"));
  write->add_option("--out", options->out, "folder for the files")->required();
  write->add_option("--since", options->since, "a day (2026-11-27, UTC), or days back");
  write->add_option("--kind", options->kinds, "rating, comparison, correction; default: all")
      ->check(CLI::IsMember({"rating", "comparison", "correction"}));
  write->add_option("--model", options->filter.model,
                    "only of answers of models with this in their name");
  write
      ->add_option("--min-votes", options->filter.min_votes,
                   "how many more judgements must be for an answer than against it")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  write->callback([options, &common] { export_feedback(*options, common.json); });
  CLI::App* stats = database(command->add_subcommand("stats", "count it"));
  stats->callback([options, &common] { print_stats(*options, common.json); });
}

}  // namespace parley::cli
