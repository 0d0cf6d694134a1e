#include "eval/winrate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "eval/table.h"

namespace parley::eval {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kExamplesStream = 0x4558414d;
constexpr size_t kExampleBytes = 1500;  // of each text in the Markdown report

Json pair_of(const Interval& interval) { return Json::array({interval.low, interval.high}); }

double mean_length(const Contestant& contestant) {
  double sum = 0;
  for (const std::string& answer : contestant.answers)
    sum += static_cast<double>(count_characters(answer));
  return contestant.answers.empty() ? 0 : sum / static_cast<double>(contestant.answers.size());
}

// The match of i and j, and whether i is its a.
std::pair<const Match*, bool> find_match(const WinRateReport& report, size_t i, size_t j) {
  for (const Match& match : report.matches) {
    if (match.a == i && match.b == j) return {&match, true};
    if (match.a == j && match.b == i) return {&match, false};
  }
  return {nullptr, false};
}

// The mean of a contestant's rates against the others.
double mean_rate(const WinRateReport& report, size_t i) {
  double sum = 0;
  for (size_t j = 0; j < report.contestants.size(); ++j) {
    const auto [match, first] = find_match(report, i, j);
    if (match) sum += first ? match->result.rate : 1 - match->result.rate;
  }
  return sum / static_cast<double>(report.contestants.size() - 1);
}

Json match_json(const WinRateReport& report, const Match& match) {
  const WinRate& r = match.result;
  Json json;
  json["a"] = report.contestants[match.a].name;
  json["b"] = report.contestants[match.b].name;
  json["n"] = r.n;
  json["wins"] = r.wins;
  json["ties"] = r.ties;
  json["losses"] = r.losses;
  json["win_rate"] = r.rate;
  json["win_rate_interval"] = pair_of(r.wilson);
  json["bootstrap_interval"] = pair_of(r.bootstrap);
  json["length_controlled"] = r.controlled;
  json["length_controlled_interval"] = pair_of(r.controlled_bootstrap);
  json["length_extrapolated"] = r.extrapolated;
  json["length_slope"] = r.length_slope;
  json["sign_p"] = r.sign_p;
  json["mean_length_a"] = r.mean_length_a;
  json["mean_length_b"] = r.mean_length_b;
  return json;
}

constexpr std::string_view kExtrapolated =
    "nearly all answers of one side are longer: a rate at equal lengths is an extrapolation";

bool any_extrapolated(const WinRateReport& report) {
  return std::ranges::any_of(report.matches,
                             [](const Match& match) { return match.result.extrapolated; });
}

Rows model_rows(const WinRateReport& report) {
  const bool several = report.contestants.size() > 2;
  Rows rows = {{"model", "mean length"}};
  if (several) rows[0].push_back("mean win rate");
  for (size_t i = 0; i < report.contestants.size(); ++i) {
    rows.push_back(
        {report.contestants[i].name, fmt::format("{:.0f}", mean_length(report.contestants[i]))});
    if (several) rows.back().push_back(percent(mean_rate(report, i)));
  }
  return rows;
}

Rows match_rows(const WinRateReport& report) {
  Rows rows = {{"A against B", "wins", "ties", "losses", "win rate of A", "95 % (Wilson)",
                "95 % (bootstrap)", "length-controlled", "95 %", "sign test p"}};
  for (const Match& match : report.matches) {
    const WinRate& r = match.result;
    rows.push_back(
        {report.contestants[match.a].name + " against " + report.contestants[match.b].name,
         std::to_string(r.wins), std::to_string(r.ties), std::to_string(r.losses), percent(r.rate),
         percent(r.wilson), percent(r.bootstrap),
         percent(r.controlled) + (r.extrapolated ? " (!)" : ""), percent(r.controlled_bootstrap),
         fmt::format("{:.2g}", r.sign_p)});
  }
  return rows;
}

// Row against column.
Rows matrix_rows(const WinRateReport& report) {
  const size_t n = report.contestants.size();
  Rows rows = {{"wins of row, %"}};
  for (const Contestant& contestant : report.contestants) rows[0].push_back(contestant.name);
  for (size_t i = 0; i < n; ++i) {
    rows.push_back({report.contestants[i].name});
    for (size_t j = 0; j < n; ++j) {
      const auto [match, first] = find_match(report, i, j);
      rows.back().push_back(
          match ? fmt::format("{:.1f}", 100 * (first ? match->result.rate : 1 - match->result.rate))
                : "-");
    }
  }
  return rows;
}

// At most kExampleBytes of a text as a Markdown quotation.
std::string quotation(std::string_view text) {
  std::string cut(text.substr(0, kExampleBytes));
  if (cut.size() < text.size()) {
    while (!cut.empty() && (static_cast<uint8_t>(cut.back()) & 0xC0) == 0x80) cut.pop_back();
    if (!cut.empty() && static_cast<uint8_t>(cut.back()) >= 0xC0) cut.pop_back();
    cut += "…";
  }
  std::string result = "> ";
  for (const char c : cut) result += c == '\n' ? std::string("  \n> ") : std::string(1, c);
  return result + "\n\n";
}

// Which answers to prompt p were preferred: "A over B; B = C".
std::string verdicts(const WinRateReport& report, size_t p) {
  std::string text;
  for (const Match& match : report.matches) {
    const double x = match.comparisons[p].preference;
    const std::string &a = report.contestants[match.a].name, &b = report.contestants[match.b].name;
    const bool tie = x == 0.5;
    text += fmt::format("{}{} {} {}", text.empty() ? "" : "; ", x < 0.5 ? b : a,
                        tie ? "as good as" : "over", x < 0.5 ? a : b);
  }
  return text;
}

}  // namespace

int64_t count_characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; });
}

WinRateReport play(std::vector<std::vector<tokenizer::Message>> prompts,
                   std::vector<Contestant> contestants, Judge& judge,
                   const WinRateOptions& options) {
  PARLEY_CHECK(contestants.size() >= 2, "{} contestants", contestants.size());
  WinRateReport report{judge.name(), {}, std::move(prompts), std::move(contestants), {}};
  const size_t n = report.contestants.size();
  for (size_t a = 0; a < n; ++a) {
    for (size_t b = a + 1; b < n; ++b) {
      const auto &left = report.contestants[a].answers, &right = report.contestants[b].answers;
      PARLEY_CHECK(left.size() == report.prompts.size() && right.size() == left.size(),
                   "{} and {} answers to {} prompts", left.size(), right.size(),
                   report.prompts.size());
      std::vector<JudgedPair> pairs;
      std::vector<size_t> places;
      Match match{a, b, {}, {}};
      for (size_t p = 0; p < report.prompts.size(); ++p) {
        match.comparisons.push_back({0.5, static_cast<double>(count_characters(left[p])),
                                     static_cast<double>(count_characters(right[p]))});
        if (left[p] == right[p]) continue;
        pairs.push_back({report.prompts[p], left[p], right[p]});
        places.push_back(p);
      }
      const std::vector<double> preferences =
          pairs.empty() ? std::vector<double>() : judge.compare(pairs);
      PARLEY_CHECK(preferences.size() == pairs.size(), "{} preferences for {} pairs",
                   preferences.size(), pairs.size());
      for (size_t i = 0; i < places.size(); ++i)
        match.comparisons[places[i]].preference = preferences[i];
      match.result = win_rate(match.comparisons, options.seed, options.resamples);
      report.matches.push_back(std::move(match));
    }
  }
  report.remarks = judge.remarks();
  return report;
}

Json winrate_json(const WinRateReport& report, bool comparisons) {
  Json json;
  json["judge"] = report.judge;
  if (!report.remarks.empty()) json["remarks"] = report.remarks;
  json["prompts"] = report.prompts.size();
  for (size_t i = 0; i < report.contestants.size(); ++i) {
    Json model;
    model["name"] = report.contestants[i].name;
    model["mean_length"] = mean_length(report.contestants[i]);
    model["mean_win_rate"] = mean_rate(report, i);
    json["models"].push_back(model);
  }
  for (const Match& match : report.matches) json["pairs"].push_back(match_json(report, match));
  if (!comparisons) return json;
  json["comparisons"] = Json::array();
  for (size_t p = 0; p < report.prompts.size(); ++p) {
    Json line;
    for (const tokenizer::Message& m : report.prompts[p])
      line["messages"].push_back({{"role", m.role}, {"content", m.content}});
    for (const Contestant& contestant : report.contestants)
      line["answers"].push_back(contestant.answers[p]);
    // In the order of "pairs", of a.
    for (const Match& match : report.matches)
      line["preferences"].push_back(match.comparisons[p].preference);
    json["comparisons"].push_back(std::move(line));
  }
  return json;
}

std::string winrate_table(const WinRateReport& report) {
  std::string text = fmt::format("{} prompts, judged by {}; lengths in characters\n\n",
                                 report.prompts.size(), report.judge);
  text += aligned(model_rows(report)) + "\n";
  if (report.matches.size() == 1) {
    const auto rows = match_rows(report);
    Rows turned;
    for (size_t c = 0; c < rows[0].size(); ++c) turned.push_back({rows[0][c], rows[1][c]});
    text += aligned(turned);
  } else {
    text += aligned(matrix_rows(report)) + "\n" + aligned(match_rows(report));
  }
  if (any_extrapolated(report)) text += fmt::format("\n(!) {}\n", kExtrapolated);
  if (!report.remarks.empty()) text += "\nNote: " + report.remarks + "\n";
  return text;
}

std::string winrate_markdown(const WinRateReport& report, int64_t examples, uint64_t seed) {
  std::string text = "# Win rates\n\n";
  text += fmt::format(
      "{} prompts, judged by {}. A tie counts half. Intervals are 95 %: Wilson's of a proportion, "
      "and percentiles of a bootstrap over prompts. The length-controlled rate is a logistic "
      "regression's at equal lengths. Lengths are characters.\n\n",
      report.prompts.size(), report.judge);
  text += markdown_rows(model_rows(report)) + "\n";
  if (report.matches.size() > 1) text += markdown_rows(matrix_rows(report)) + "\n";
  text += markdown_rows(match_rows(report)) + "\n";
  if (any_extrapolated(report)) text += fmt::format("(!) {}.\n\n", kExtrapolated);
  if (!report.remarks.empty()) text += "Note: " + report.remarks + ".\n\n";
  std::vector<size_t> order(report.prompts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  base::Philox(seed, kExamplesStream).shuffle(std::span(order));
  order.resize(std::min(order.size(), static_cast<size_t>(std::max<int64_t>(0, examples))));
  std::sort(order.begin(), order.end());
  if (!order.empty()) text += "## Examples\n\n";
  for (const size_t p : order) {
    text += fmt::format("### Prompt {}\n\n", p + 1);
    for (const tokenizer::Message& m : report.prompts[p])
      text += fmt::format("**{}**\n\n", m.role) + quotation(m.content);
    for (const Contestant& contestant : report.contestants)
      text += fmt::format("**{}** ({} characters)\n\n", contestant.name,
                          count_characters(contestant.answers[p])) +
              quotation(contestant.answers[p]);
    text += "Preferred: " + verdicts(report, p) + ".\n\n";
  }
  return text;
}

}  // namespace parley::eval
