#include "app/summary.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "app/prompt.h"
#include "tokenizer/unicode.h"

namespace parley::app {
namespace {

constexpr size_t kTurnBytes = 6000;      // read of one turn
constexpr size_t kTotalBytes = 400'000;  // of all: the newest
constexpr size_t kMostSentences = 4000;  // the newest
constexpr size_t kSentenceCharacters = 160;
constexpr size_t kMostPicked = 64;

struct Candidate {
  bool user;
  std::string text;
  std::vector<size_t> terms;  // numbers of its terms
  double bonus = 1;           // by place and kind
};

std::string_view prefix(bool user, Language language) {
  if (language == Language::kChinese) return user ? "- 用户：" : "- 助手：";
  return user ? "- user: " : "- assistant: ";
}

// The text of a line of a summary and who said it.
std::pair<bool, std::string_view> read_line(std::string_view line) {
  for (const Language language : {Language::kEnglish, Language::kChinese})
    for (const bool user : {true, false})
      if (line.starts_with(prefix(user, language)))
        return {user, line.substr(prefix(user, language).size())};
  if (line.starts_with("- ")) line.remove_prefix(2);
  return {true, line};
}

// Code says little in a summary, and breaks it.
std::string without_code(std::string_view text) {
  std::string kept;
  for (size_t at = 0; at < text.size();) {
    const size_t open = std::min(text.find("```", at), text.size());
    kept.append(text.substr(at, open - at));
    if (open == text.size()) break;
    const size_t close = text.find("```", open + 3);
    if (close == std::string::npos) break;
    kept += '\n';
    at = close + 3;
  }
  return kept;
}

bool has_number(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// A capital letter that begins a word inside a sentence: a name.
bool has_name(std::string_view text) {
  for (size_t i = 2; i < text.size(); ++i)
    if (std::isupper(static_cast<unsigned char>(text[i])) != 0 && text[i - 1] == ' ' &&
        std::isalpha(static_cast<unsigned char>(text[i - 2])) != 0 && i + 1 < text.size() &&
        std::islower(static_cast<unsigned char>(text[i + 1])) != 0)
      return true;
  return text.find("叫") != std::string::npos;
}

class Summariser {
 public:
  void add_before(std::string_view before) {
    for (size_t begin = 0; begin < before.size();) {
      const size_t end = std::min(before.find('\n', begin), before.size());
      const std::string_view line = trim(before.substr(begin, end - begin));
      begin = end + 1;
      if (line.empty()) continue;
      const auto [user, text] = read_line(line);
      add(user, text, 1.3);
    }
  }

  void add_turn(const SummaryTurn& turn) {
    const std::string text = without_code(turn.text.substr(0, kTurnBytes));
    const std::vector<std::string_view> sentences = split_sentences(text);
    for (size_t i = 0; i < sentences.size(); ++i) {
      const double place = i == 0 ? 1.3 : i + 1 == sentences.size() ? 1.1 : 1.0;
      add(turn.user, sentences[i], place);
    }
  }

  std::string pick(int64_t budget, const std::function<int64_t(std::string_view)>& count,
                   Language language);

 private:
  void add(bool user, std::string_view text, double place) {
    Candidate candidate{user, clip_text(one_line(text), kSentenceCharacters), {}, place};
    if (candidate.text.empty()) return;
    for (const std::string& term : content_terms(candidate.text)) {
      const auto [it, fresh] = numbers_.try_emplace(term, frequencies_.size());
      if (fresh) frequencies_.push_back(0);
      frequencies_[it->second] += 1;
      candidate.terms.push_back(it->second);
    }
    if (candidate.terms.empty()) return;
    if (user) {
      candidate.bonus *= 1.4;
      const MemoryHint hint = memory_hint(candidate.text);
      if (!hint.save.empty() || !hint.suggest.empty()) candidate.bonus *= 4;
    } else if (candidate.text.ends_with('?') || candidate.text.ends_with("？")) {
      candidate.bonus *= 0.4;  // "Anything else?"
    }
    if (has_number(candidate.text)) candidate.bonus *= 1.2;
    if (has_name(candidate.text)) candidate.bonus *= 1.2;
    candidates_.push_back(std::move(candidate));
    if (candidates_.size() >= 2 * kMostSentences)
      candidates_.erase(candidates_.begin(),
                        candidates_.end() - static_cast<std::ptrdiff_t>(kMostSentences));
  }

  double score(const Candidate& candidate, const std::vector<double>& weights) const {
    double sum = 0;
    for (const size_t term : candidate.terms) sum += weights[term];
    // By the root of the length: neither one-word lines nor the longest ones.
    return candidate.bonus * sum / std::sqrt(static_cast<double>(candidate.terms.size()) + 3);
  }

  std::unordered_map<std::string, size_t> numbers_;
  std::vector<double> frequencies_;
  std::vector<Candidate> candidates_;
};

std::string Summariser::pick(int64_t budget, const std::function<int64_t(std::string_view)>& count,
                             Language language) {
  std::vector<double> weights;
  for (const double frequency : frequencies_) weights.push_back(1 + std::log(frequency + 1));
  std::vector<size_t> picked;
  std::vector<bool> done(candidates_.size(), false);
  int64_t used = 0;
  for (size_t round = 0; round < kMostPicked * 2 && picked.size() < kMostPicked; ++round) {
    size_t best = candidates_.size();
    double most = 0;
    for (size_t i = 0; i < candidates_.size(); ++i) {
      if (done[i]) continue;
      const double value = score(candidates_[i], weights);
      if (value >= most) {  // of equals the newest
        most = value;
        best = i;
      }
    }
    if (best == candidates_.size()) break;
    done[best] = true;
    const Candidate& candidate = candidates_[best];
    const std::string line = std::string(prefix(candidate.user, language)) + candidate.text + "\n";
    const int64_t cost = count(line);
    if (used + cost > budget) continue;
    used += cost;
    picked.push_back(best);
    // What was said need not be said again.
    for (const size_t term : candidate.terms) weights[term] *= 0.2;
  }
  std::ranges::sort(picked);
  std::string summary;
  for (const size_t i : picked) {
    if (!summary.empty()) summary += '\n';
    summary.append(prefix(candidates_[i].user, language)).append(candidates_[i].text);
  }
  return summary;
}

// The newest turns, as many as are read.
std::span<const SummaryTurn> newest(std::span<const SummaryTurn> turns) {
  size_t bytes = 0, first = turns.size();
  while (first > 0 && bytes < kTotalBytes)
    bytes += std::min(turns[--first].text.size(), kTurnBytes);
  return turns.subspan(first);
}

}  // namespace

std::string extract_summary(std::string_view before, std::span<const SummaryTurn> turns,
                            int64_t budget, const std::function<int64_t(std::string_view)>& count,
                            Language language) {
  if (budget <= 0) return {};
  Summariser summariser;
  summariser.add_before(before);
  for (const SummaryTurn& turn : newest(turns)) summariser.add_turn(turn);
  return summariser.pick(budget, count, language);
}

std::string turns_text(std::string_view before, std::span<const SummaryTurn> turns, size_t bytes,
                       Language language) {
  std::string text;
  for (const SummaryTurn& turn : newest(turns)) {
    text.append(prefix(turn.user, language));
    text.append(one_line(without_code(turn.text.substr(0, kTurnBytes)))).append("\n");
  }
  if (text.size() > bytes) text = text.substr(text.size() - bytes);
  if (!before.empty()) text = std::string(before) + "\n" + text;
  return tokenizer::valid_utf8(text);
}

}  // namespace parley::app
