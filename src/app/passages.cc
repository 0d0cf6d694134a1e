#include "app/passages.h"

#include <algorithm>

#include "app/prompt_text.h"
#include "tokenizer/unicode.h"

namespace parley::app {
namespace {

constexpr double kMost = 200, kEnough = 120;  // tokens' worth of a passage
constexpr double kSome = 50;                  // a heading begins a new passage behind so much

enum class Seam { kWord, kSentence, kLine, kParagraph, kHeading };

// The smallest pieces a text is cut into.
struct Segment {
  std::string_view text;
  Seam before;  // what stands between the one before and this one
  int64_t line;
  double weight;
};

bool is_wide(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]) >= 0xE2; }

// "# Title", "## 2. Methods"
bool is_heading(std::string_view line) {
  const size_t marks = line.find_first_not_of('#');
  return marks != std::string_view::npos && marks > 0 && marks <= 6 && line[marks] == ' ';
}

// The longest beginning of at most `most` weight, behind a blank or a wide character if there is
// one.
size_t cut_at_word(std::string_view text, double most) {
  double weight = 0;
  size_t at = 0, good = 0;
  while (at < text.size()) {
    const auto bytes =
        static_cast<size_t>(std::max(tokenizer::utf8_length(static_cast<uint8_t>(text[at])), 1));
    weight += token_weight(text.substr(at, bytes));
    if (weight > most && at > 0) break;
    at = std::min(at + bytes, text.size());
    if (text[at - 1] == ' ' || bytes >= 3) good = at;
  }
  if (at >= text.size()) return text.size();
  return good * 2 > at ? good : at;
}

void add_sentence(std::string_view sentence, Seam before, int64_t line,
                  std::vector<Segment>& segments) {
  while (!sentence.empty()) {
    const double weight = token_weight(sentence);
    const size_t end = weight <= kMost ? sentence.size() : cut_at_word(sentence, kEnough);
    const std::string_view piece = sentence.substr(0, end);
    segments.push_back({piece, before, line, token_weight(piece)});
    sentence.remove_prefix(end);
    before = Seam::kWord;
  }
}

// Lines; those longer than a passage as sentences, and these as words.
std::vector<Segment> segments_of(std::string_view text) {
  std::vector<Segment> segments;
  int64_t number = 0;
  bool paragraph = true;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    begin = end + 1;
    ++number;
    if (trim(line).empty()) {
      paragraph = true;
      continue;
    }
    const Seam before = is_heading(line) ? Seam::kHeading
                        : paragraph      ? Seam::kParagraph
                                         : Seam::kLine;
    paragraph = false;
    const double weight = token_weight(line);
    if (weight <= kMost) {
      segments.push_back({line, before, number, weight});
      continue;
    }
    Seam seam = before;
    for (const std::string_view sentence : split_sentences(line)) {
      add_sentence(sentence, seam, number, segments);
      seam = Seam::kSentence;
    }
  }
  return segments;
}

std::string_view glue(const Segment& before, const Segment& segment) {
  switch (segment.before) {
    case Seam::kHeading:
    case Seam::kParagraph: return "\n\n";
    case Seam::kLine: return "\n";
    case Seam::kSentence:
      return is_wide(before.text, before.text.size() - 1) ||
                     static_cast<uint8_t>(before.text.back()) >= 0x80
                 ? ""
                 : " ";
    default: return "";
  }
}

// Where to end the passage that begins at `begin`: the best seam, the later the better.
size_t end_of_passage(const std::vector<Segment>& segments, size_t begin) {
  double weight = 0;
  size_t best = 0;
  double best_value = -1;
  for (size_t i = begin; i < segments.size(); ++i) {
    if (i > begin) {
      const Seam seam = segments[i].before;
      if (seam == Seam::kHeading && weight >= kSome) return i;
      const double rank = seam == Seam::kHeading || seam == Seam::kParagraph ? 2
                          : seam == Seam::kWord                              ? 0
                                                                             : 1;
      // A paragraph's end that leaves the passage half empty is no better than a line's.
      const double value = weight >= kEnough ? rank * 1000 + weight : weight + rank * 40;
      if (value >= best_value) {
        best_value = value;
        best = i;
      }
    }
    weight += segments[i].weight;
    if (weight > kMost && i > begin) return best;
  }
  return segments.size();
}

void pack(const std::vector<Segment>& segments, int64_t page,
          std::vector<store::Passage>& passages) {
  for (size_t begin = 0; begin < segments.size();) {
    const size_t end = end_of_passage(segments, begin);
    store::Passage passage;
    passage.number = std::ssize(passages);
    passage.page = page;
    passage.start_line = page > 0 ? 0 : segments[begin].line;
    for (size_t i = begin; i < end; ++i) {
      if (i > begin) passage.text += glue(segments[i - 1], segments[i]);
      passage.text += segments[i].text;
    }
    passages.push_back(std::move(passage));
    begin = end;
  }
}

// Lines of a page that the page's width broke, joined.
std::string reflow(std::string_view page) {
  std::string text;
  std::string_view last;
  for (size_t begin = 0; begin <= page.size();) {
    const size_t end = std::min(page.find('\n', begin), page.size());
    const std::string_view line = trim(page.substr(begin, end - begin));
    begin = end + 1;
    if (line.empty()) {
      if (!text.empty() && !text.ends_with("\n\n")) text += text.ends_with('\n') ? "\n" : "\n\n";
      last = {};
      continue;
    }
    if (!last.empty()) {
      const bool wide = static_cast<uint8_t>(last.back()) >= 0x80 && is_wide(line, 0);
      const bool full = count_code_points(last) >= (wide ? 15 : 40);
      const bool hyphen = last.size() > 2 && last.ends_with('-') && last[last.size() - 2] >= 'a' &&
                          last[last.size() - 2] <= 'z' && line[0] >= 'a' && line[0] <= 'z';
      if (hyphen && full)
        text.pop_back();
      else if (full)
        text += wide ? "" : " ";
      else
        text += '\n';
    }
    text += line;
    last = line;
  }
  return text;
}

}  // namespace

double token_weight(std::string_view text) {
  double weight = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80)
      weight += 0.25;
    else if (byte >= 0xE0)
      weight += 0.8;  // Chinese and the like
    else if (byte >= 0xC0)
      weight += 0.5;
  }
  return weight;
}

std::vector<store::Passage> cut_lines(std::string_view text) {
  std::vector<store::Passage> passages;
  pack(segments_of(text), 0, passages);
  return passages;
}

std::vector<store::Passage> cut_pages(const std::vector<std::string>& pages) {
  std::vector<store::Passage> passages;
  for (size_t i = 0; i < pages.size(); ++i) {
    const std::string text = reflow(pages[i]);
    pack(segments_of(text), static_cast<int64_t>(i) + 1, passages);
  }
  return passages;
}

}  // namespace parley::app
