#include "app/title.h"

#include <algorithm>
#include <array>
#include <vector>

#include "http/text.h"
#include "tokenizer/unicode.h"

namespace parley::app {
namespace {

constexpr int kMostWidth = 40;
constexpr size_t kMostRead = 2000;  // bytes of the message

struct Character {
  std::string_view bytes;
  bool wide;
};

std::vector<Character> characters_of(std::string_view text) {
  std::vector<Character> list;
  while (!text.empty()) {
    const auto length = std::min<size_t>(
        static_cast<size_t>(std::max(1, tokenizer::utf8_length(static_cast<uint8_t>(text[0])))),
        text.size());
    // From U+1100 on (three bytes, 0xE1 0x84 …) most scripts are as wide as two letters; those
    // before it are not.
    const bool wide = text.substr(0, length) >= std::string_view("\xe2\xba\x80");
    list.push_back({text.substr(0, length), wide});
    text.remove_prefix(length);
  }
  return list;
}

bool is_one_of(std::string_view character, std::initializer_list<const char*> list) {
  return std::ranges::find(list, character) != list.end();
}

// The first line with words that is not a fence, nor inside one unless there is nothing else.
std::string first_line(std::string_view text) {
  std::string inside;
  bool fenced = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = http::trim(text.substr(0, end));
    if (line.ends_with('\r')) line.remove_suffix(1);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("```") || line.starts_with("~~~")) {
      fenced = !fenced;
      continue;
    }
    // A rule, a line of a table's frame.
    if (line.find_first_not_of("-=*_#>| \t:+`~") == std::string_view::npos) continue;
    if (!fenced) return std::string(line);
    if (inside.empty()) inside = line;
  }
  return inside;
}

// "[text](address)" and "![text](address)" -> "text"
std::string without_links(const std::string& line) {
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    const size_t open = line[i] == '!' && i + 1 < line.size() && line[i + 1] == '[' ? i + 1 : i;
    if (line[open] == '[') {
      const size_t close = line.find("](", open);
      const size_t end = close == std::string::npos ? close : line.find(')', close);
      if (end != std::string::npos) {
        out += line.substr(open + 1, close - open - 1);
        i = end;
        continue;
      }
    }
    out += line[i];
  }
  return out;
}

std::string without_markdown(std::string line) {
  // Headings, quotations, list items, a table's first bar.
  line.erase(0, std::min(line.find_first_not_of("#>|-*+ \t"), line.size()));
  const size_t digits = line.find_first_not_of("0123456789");
  if (digits != std::string::npos && digits > 0 && digits < 4 &&
      (line.compare(digits, 2, ". ") == 0 || line.compare(digits, 2, ") ") == 0))
    line.erase(0, digits + 2);
  line = without_links(line);
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool doubled = i + 1 < line.size() && line[i + 1] == c;
    if (c == '`' || c == '*') continue;
    if ((c == '_' || c == '~') && doubled) {
      ++i;
      continue;
    }
    const bool space = c == ' ' || c == '\t' || (c >= 0 && c < ' ');
    if (space && (out.empty() || out.back() == ' ')) continue;
    out += space ? ' ' : c;
  }
  return std::string(http::trim(out));
}

}  // namespace

std::string make_title(std::string_view message) {
  message = message.substr(0, message.size() > kMostRead
                                  ? tokenizer::valid_utf8_prefix(message.substr(0, kMostRead))
                                  : message.size());
  const std::string line = without_markdown(first_line(message));
  const std::vector<Character> characters = characters_of(line);
  // Up to the end of the sentence.
  size_t end = characters.size();
  for (size_t i = 0; i < characters.size(); ++i) {
    const std::string_view c = characters[i].bytes;
    const bool before_space = i + 1 == characters.size() || characters[i + 1].bytes == " ";
    if (is_one_of(c, {"。", "！", "？", "；"}) ||
        (i > 0 && before_space && is_one_of(c, {".", "!", "?", ";"}))) {
      end = i + (is_one_of(c, {"?", "？"}) ? 1 : 0);
      break;
    }
  }
  const auto width = [&](size_t last) {
    int sum = 0;
    for (size_t i = 0; i < last; ++i) sum += characters[i].wide ? 2 : 1;
    return sum;
  };
  const auto text = [&](size_t last) {
    std::string out;
    for (size_t i = 0; i < last; ++i) out += characters[i].bytes;
    while (!out.empty() && (out.back() == ' ' || out.back() == ',' || out.back() == ':'))
      out.pop_back();
    return out;
  };
  if (width(end) <= kMostWidth) return text(end);
  // Too long: up to a comma or colon that leaves enough, else to the last whole word.
  size_t fits = 0;
  while (fits < end && width(fits + 1) < kMostWidth) ++fits;  // one place is for the "…"
  size_t clause = 0, word = 0;
  for (size_t i = 1; i <= fits; ++i) {
    const bool behind_space = i < characters.size() && characters[i].bytes == " ";
    if (is_one_of(characters[i].bytes, {"，", "：", "、"}) ||
        (is_one_of(characters[i].bytes, {",", ":"}) && i + 1 < characters.size() &&
         characters[i + 1].bytes == " "))
      clause = i;
    if (behind_space) word = i;
  }
  if (clause > 0 && width(clause) >= kMostWidth / 4) return text(clause);
  const size_t cut = width(word) >= kMostWidth / 2 ? word : fits;
  return text(cut) + "…";
}

}  // namespace parley::app
