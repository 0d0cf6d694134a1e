#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "data/conversations.h"
#include "data/records.h"

namespace parley::data {
namespace {

constexpr size_t kMostAnswers = 9;  // of one prompt (InstructGPT, Ouyang et al. 2022, section 3.5)

void read_pair(Element chosen, Element record, Preference& preference) {
  const auto rejected = find_field(record, "rejected");
  if (!rejected) base::fail("\"chosen\" without \"rejected\"");
  preference.answers = {text_of(chosen, "\"chosen\""), text_of(*rejected, "\"rejected\"")};
  if (preference.answers[0] == preference.answers[1])
    base::fail("\"chosen\" and \"rejected\" are equal: there is no preference");
  preference.ranks = {1, 2};
}

std::vector<double> read_ranks(Element list, size_t answers) {
  simdjson::dom::array array;
  if (list.get(array)) base::fail("\"ranks\" is not a list");
  std::vector<double> ranks;
  for (const Element element : array) {
    double rank = 0;
    if (element.get(rank) || !std::isfinite(rank))
      base::fail("rank {} is not a number", ranks.size() + 1);
    ranks.push_back(rank);
  }
  if (ranks.size() != answers)
    base::fail("{} answers, but {} ranks; every answer needs one", answers, ranks.size());
  return ranks;
}

void read_ranking(Element list, Element record, Preference& preference) {
  simdjson::dom::array array;
  if (list.get(array)) base::fail("\"answers\" is not a list");
  std::vector<std::string> answers;
  for (const Element element : array) {
    answers.push_back(text_of(element, fmt::format("answer {}", answers.size() + 1)));
    const auto twin = std::find(answers.begin(), answers.end() - 1, answers.back());
    if (twin != answers.end() - 1)
      base::fail("answers {} and {} are equal", twin - answers.begin() + 1, answers.size());
  }
  if (answers.size() < 2 || answers.size() > kMostAnswers)
    base::fail("{} answers; a ranking has 2 to {}", answers.size(), kMostAnswers);
  std::vector<double> ranks(answers.size());
  std::iota(ranks.begin(), ranks.end(), 1);
  if (const auto given = find_field(record, "ranks")) ranks = read_ranks(*given, answers.size());

  std::vector<size_t> order(answers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return ranks[a] < ranks[b]; });
  for (const size_t i : order) {
    preference.answers.push_back(std::move(answers[i]));
    preference.ranks.push_back(ranks[i]);
  }
}

}  // namespace

std::vector<Preference> read_preferences(const std::vector<fs::path>& files,
                                         const ReadOptions& options, ReadReport& report) {
  std::vector<Preference> all;
  read_records(files, options, report, [&](Element record, const std::string& where) {
    Preference preference;
    preference.where = where;
    preference.messages = prompt_messages(record);
    if (const auto chosen = find_field(record, "chosen"))
      read_pair(*chosen, record, preference);
    else if (const auto answers = find_field(record, "answers"))
      read_ranking(*answers, record, preference);
    else
      base::fail("neither \"chosen\" and \"rejected\" nor \"answers\" in this record");
    all.push_back(std::move(preference));
  });
  return all;
}

}  // namespace parley::data
