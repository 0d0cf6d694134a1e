#include "train/rule_reward.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>
#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <new>

#include "base/error.h"
#include "tokenizer/unicode.h"

namespace parley::train {
namespace {

// Steps one search may take, counted over all its starting points: about a tenth of a second. An
// honest pattern needs a few for each character of the answer.
constexpr uint32_t kMaxSteps = 2'000'000;
constexpr uint32_t kMatchHeapKib = 64 * 1024;

// PCRE2's own limit starts anew at each character of the text, so steps are counted by callouts.
int count_step(pcre2_callout_block*, void* steps) {
  return ++*static_cast<uint32_t*>(steps) > kMaxSteps ? PCRE2_ERROR_CALLOUT : 0;
}

bool is_blank(uint32_t code_point) {
  return code_point == 0xFEFF || (tokenizer::char_class_table()[code_point] & tokenizer::kSpace);
}

// Without white space at the ends. `text` is valid UTF-8.
std::string_view trimmed(std::string_view text) {
  size_t begin = 0, end = 0;
  bool any = false;
  for (size_t i = 0; i < text.size();) {
    const auto [value, bytes] = tokenizer::decode_valid(text.data() + i);
    if (!is_blank(value)) {
      if (!any) begin = i;
      any = true;
      end = i + bytes;
    }
    i += bytes;
  }
  return any ? text.substr(begin, end - begin) : std::string_view();
}

std::string normalized(std::string_view text, bool fold) {
  std::string valid = tokenizer::valid_utf8(text);
  if (fold) {
    utf8proc_uint8_t* folded = nullptr;
    const auto options =
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
    const utf8proc_ssize_t bytes =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                     static_cast<utf8proc_ssize_t>(valid.size()), &folded, options);
    if (bytes >= 0) valid.assign(reinterpret_cast<const char*>(folded), static_cast<size_t>(bytes));
    std::free(folded);  // NOLINT: utf8proc allocates with malloc
  }
  return std::string(trimmed(tokenizer::normalize_nfc(valid)));
}

class RegexReward final : public RewardSource {
 public:
  explicit RegexReward(std::string_view pattern) : pattern_(pattern) {
    if (pattern.empty()) throw base::UsageError("regex: the pattern is empty; write regex:PATTERN");
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern_.data()), pattern_.size(),
                          PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT,
                          &error, &offset, nullptr);
    if (!code_) {
      PCRE2_UCHAR text[256];
      pcre2_get_error_message(error, text, sizeof text);
      throw base::UsageError(
          fmt::format("regex: the pattern does not compile at character {}: {}: {}", offset,
                      reinterpret_cast<const char*>(text), pattern));
    }
    match_ = pcre2_match_data_create_from_pattern(code_, nullptr);
    context_ = pcre2_match_context_create(nullptr);
    if (!match_ || !context_) throw std::bad_alloc();
    pcre2_set_match_limit(context_, kMaxSteps);
    pcre2_set_callout(context_, count_step, &steps_);
    pcre2_set_heap_limit(context_, kMatchHeapKib);
    group_ = pcre2_substring_number_from_name(code_, reinterpret_cast<PCRE2_SPTR>("score"));
  }
  ~RegexReward() override {
    pcre2_match_context_free(context_);
    pcre2_match_data_free(match_);
    pcre2_code_free(code_);
  }
  RegexReward(const RegexReward&) = delete;
  RegexReward& operator=(const RegexReward&) = delete;

  std::string name() const override { return "regex:" + pattern_; }

  std::vector<double> score(std::span<const Answer> answers) override {
    std::vector<double> result;
    for (const Answer& answer : answers)
      result.push_back(score_one(tokenizer::valid_utf8(answer.response)));
    return result;
  }

 private:
  double score_one(const std::string& text) {
    steps_ = 0;
    const int found = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                                  PCRE2_NO_UTF_CHECK, match_, context_);
    if (found < 0) return 0;  // not found, or given up
    if (group_ < 0) return 1;
    const PCRE2_SIZE* at = pcre2_get_ovector_pointer(match_);
    const auto begin = 2 * static_cast<size_t>(group_), end = begin + 1;
    if (at[begin] == PCRE2_UNSET || at[end] < at[begin]) return 0;
    const std::string_view group = std::string_view(text).substr(at[begin], at[end] - at[begin]);
    return last_number(group).value_or(0);
  }

  std::string pattern_;
  pcre2_code* code_ = nullptr;
  pcre2_match_data* match_ = nullptr;
  pcre2_match_context* context_ = nullptr;
  uint32_t steps_ = 0;
  int group_ = -1;  // of "score"
};

// "FIELD,a,b" → FIELD (or the usual one) and the options after it.
std::pair<std::string, std::vector<std::string>> field_and_options(std::string_view argument,
                                                                   std::string_view usual) {
  std::vector<std::string> parts;
  for (size_t begin = 0;;) {
    const size_t end = argument.find(',', begin);
    parts.emplace_back(argument.substr(begin, end - begin));
    if (end == std::string_view::npos) break;
    begin = end + 1;
  }
  std::string field = parts.front().empty() ? std::string(usual) : parts.front();
  parts.erase(parts.begin());
  return {std::move(field), std::move(parts)};
}

class ExactReward final : public RewardSource {
 public:
  ExactReward(std::string field, bool fold) : field_(std::move(field)), fold_(fold) {}
  std::string name() const override { return "exact:" + field_ + (fold_ ? ",fold" : ""); }

  std::vector<double> score(std::span<const Answer> answers) override {
    std::vector<double> result;
    for (const Answer& answer : answers) {
      const nlohmann::json& right = reward_field(answer, field_, "exact");
      const std::string given = normalized(answer.response, fold_);
      const auto same = [&](const nlohmann::json& value) {
        return given ==
               normalized(value.is_string() ? value.get<std::string>() : value.dump(), fold_);
      };
      const bool equal =
          right.is_array() ? std::any_of(right.begin(), right.end(), same) : same(right);
      result.push_back(equal ? 1 : 0);
    }
    return result;
  }

 private:
  std::string field_;
  bool fold_;
};

class NumberReward final : public RewardSource {
 public:
  explicit NumberReward(std::string field) : field_(std::move(field)) {}
  std::string name() const override { return "number:" + field_; }

  std::vector<double> score(std::span<const Answer> answers) override {
    std::vector<double> result;
    for (const Answer& answer : answers) {
      const nlohmann::json& right = reward_field(answer, field_, "number");
      std::optional<double> wanted;
      if (right.is_number()) wanted = right.get<double>();
      if (right.is_string()) wanted = last_number(right.get<std::string>());
      if (!wanted)
        base::fail(
            "number: the field \"{}\" of a prompt holds no number: {}", field_,
            right.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(0, 200));
      const std::optional<double> given = last_number(answer.response);
      result.push_back(given && same_number(*given, *wanted) ? 1 : 0);
    }
    return result;
  }

 private:
  std::string field_;
};

class LengthReward final : public RewardSource {
 public:
  explicit LengthReward(double target) : target_(target) {}
  std::string name() const override { return fmt::format("length:{}", target_); }

  std::vector<double> score(std::span<const Answer> answers) override {
    std::vector<double> result;
    for (const Answer& answer : answers) {
      // Bytes that begin a character; what is no UTF-8 counts about as much.
      const auto characters = static_cast<double>(
          std::count_if(answer.response.begin(), answer.response.end(),
                        [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
      result.push_back(std::max(0.0, 1 - std::abs(characters - target_) / target_));
    }
    return result;
  }

 private:
  double target_;
};

class FinishedReward final : public RewardSource {
 public:
  std::string name() const override { return "finished"; }
  std::vector<double> score(std::span<const Answer> answers) override {
    std::vector<double> result;
    for (const Answer& answer : answers) result.push_back(answer.finished ? 1 : 0);
    return result;
  }
};

// Full-width forms, other scripts' minus signs and no-break spaces as ASCII; what is no part of
// a number as it is.
std::string plain_digits(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const auto [value, bytes] = tokenizer::decode_valid(text.data() + i);
    if (value >= 0xFF01 && value <= 0xFF5E) {
      result += static_cast<char>(value - 0xFEE0);
    } else if (value == 0x2212 || value == 0x2010 || value == 0x2011) {
      result += '-';
    } else if (value == 0x00A0 || value == 0x202F || value == 0x2009) {
      result += '\x01';  // a thousands separator between digits, a blank elsewhere
    } else {
      result += text.substr(i, bytes);
    }
    i += bytes;
  }
  return result;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// Reads digits with separators from `i`: "1,234,567.5". A comma or thin space separates only
// before exactly three digits.
std::string read_digits(std::string_view text, size_t& i) {
  std::string digits;
  const auto digits_at = [&](size_t at) {
    size_t n = 0;
    while (at + n < text.size() && is_digit(text[at + n])) ++n;
    return n;
  };
  digits += text.substr(i, digits_at(i));
  i += digits.size();
  const bool may_group = !digits.empty() && digits.size() <= 3;
  // LaTeX writes 1{,}234 and 1\,234.
  constexpr std::string_view kSeparators[] = {",", "\x01", "{,}", "\\,", "'"};
  for (bool again = may_group; again;) {
    again = false;
    for (const std::string_view separator : kSeparators) {
      const size_t after = i + separator.size();
      if (text.substr(i).starts_with(separator) && digits_at(after) == 3) {
        digits += text.substr(after, 3);
        i = after + 3;
        again = true;
        break;
      }
    }
  }
  if (i < text.size() && text[i] == '.') {
    if (const size_t n = digits_at(i + 1); n > 0) {
      digits += text.substr(i, n + 1);
      i += n + 1;
    }
  }
  if (i + 1 < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    const size_t sign = text[i + 1] == '-' || text[i + 1] == '+' ? 1 : 0;
    if (const size_t n = digits_at(i + 1 + sign); n > 0 && n <= 3) {
      digits += text.substr(i, 1 + sign + n);
      i += 1 + sign + n;
    }
  }
  return digits;
}

double to_double(const std::string& digits) {
  double value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return result.ec == std::errc() ? value : std::nan("");
}

// The last number of text with plain digits.
std::optional<double> scan_numbers(std::string_view text) {
  std::optional<double> last;
  for (size_t i = 0; i < text.size();) {
    const bool point = text[i] == '.' && i + 1 < text.size() && is_digit(text[i + 1]);
    if (!is_digit(text[i]) && !point) {
      ++i;
      continue;
    }
    // The 2 of x2 and of H2O is no number; a minus after a number or a letter is a subtraction or
    // a hyphen.
    const bool in_word = i > 0 && is_letter(text[i - 1]);
    size_t before = i;
    while (before > 0 && (text[before - 1] == '$' || text[before - 1] == '\x01')) --before;
    const auto operand = [](char c) { return is_digit(c) || is_letter(c) || c == ')'; };
    const bool negative =
        before > 0 && text[before - 1] == '-' && (before == 1 || !operand(text[before - 2]));
    double value = to_double(read_digits(text, i));
    if (i + 1 < text.size() && text[i] == '/' && is_digit(text[i + 1])) {
      ++i;
      const double divisor = to_double(read_digits(text, i));
      if (divisor != 0) value /= divisor;
    }
    if (!in_word && std::isfinite(value)) last = negative ? -value : value;
  }
  return last;
}

// \frac{a}{b} → a/b, so that a box with a fraction reads as its value.
std::string plain_fractions(std::string text) {
  for (const std::string_view name : {"\\dfrac{", "\\tfrac{", "\\frac{"}) {
    for (size_t at; (at = text.find(name)) != std::string::npos;) {
      const size_t open = at + name.size(), middle = text.find("}{", open);
      const size_t end = middle == std::string::npos ? middle : text.find('}', middle + 2);
      if (end == std::string::npos) {
        text.erase(at, name.size());
        continue;
      }
      text = text.substr(0, at) + text.substr(open, middle - open) + "/" +
             text.substr(middle + 2, end - middle - 2) + text.substr(end + 1);
    }
  }
  return text;
}

// What stands inside the braces that open at `open`, or nothing if they do not close.
std::optional<std::string_view> inside_braces(std::string_view text, size_t open) {
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return text.substr(open + 1, i - open - 1);
  }
  return std::nullopt;
}

}  // namespace

const nlohmann::json& reward_field(const Answer& answer, std::string_view field,
                                   std::string_view reward) {
  const nlohmann::json& record = *answer.record;
  const std::string name(field);
  if (name.starts_with("/")) {
    try {
      const nlohmann::json::json_pointer pointer(name);
      if (record.contains(pointer)) return record.at(pointer);
    } catch (const nlohmann::json::exception&) {
      throw base::UsageError(fmt::format("{}: \"{}\" is no JSON pointer", reward, field));
    }
  } else if (record.is_object() && record.contains(name) && !record.at(name).is_null()) {
    return record.at(name);
  }
  base::fail(
      "{}: a prompt has no field \"{}\": {}…; name the field after a colon ({}:FIELD) or "
      "add it to every line of the prompts",
      reward, field, answer.prompt.substr(0, 80), reward);
}

std::optional<double> last_number(std::string_view text) {
  const std::string plain = plain_digits(tokenizer::valid_utf8(text));
  const std::string_view view = plain;
  if (const size_t box = view.rfind("\\boxed{"); box != std::string_view::npos) {
    const auto inside = inside_braces(view, box + 6);
    if (const auto value =
            inside ? scan_numbers(plain_fractions(std::string(*inside))) : std::nullopt)
      return value;
  }
  if (const size_t mark = view.rfind("####"); mark != std::string_view::npos) {
    std::string_view line = view.substr(mark + 4);
    line = line.substr(0, line.find('\n'));
    // Answers write headings with the same mark: those begin with a word.
    const size_t begin = line.find_first_not_of(" $");
    if (begin != std::string_view::npos && !is_letter(line[begin]) && line[begin] != '#')
      if (const auto value = scan_numbers(line)) return value;
  }
  return scan_numbers(plain_fractions(plain));
}

bool same_number(double a, double b) {
  return std::abs(a - b) <= 1e-6 * std::max({std::abs(a), std::abs(b), 1e-300});
}

std::unique_ptr<RewardSource> make_regex_reward(std::string_view pattern) {
  return std::make_unique<RegexReward>(pattern);
}

std::unique_ptr<RewardSource> make_exact_reward(std::string_view argument) {
  auto [field, options] = field_and_options(argument, "answer");
  bool fold = false;
  for (const std::string& option : options) {
    if (option != "fold")
      throw base::UsageError(
          fmt::format("exact: no option \"{}\"; write exact[:FIELD][,fold]", option));
    fold = true;
  }
  return std::make_unique<ExactReward>(field, fold);
}

std::unique_ptr<RewardSource> make_number_reward(std::string_view argument) {
  return std::make_unique<NumberReward>(argument.empty() ? "answer" : std::string(argument));
}

std::unique_ptr<RewardSource> make_length_reward(std::string_view argument) {
  double target = 0;
  const auto result = std::from_chars(argument.data(), argument.data() + argument.size(), target);
  if (result.ec != std::errc() || result.ptr != argument.data() + argument.size() ||
      !(target >= 1 && target <= 1e9))
    throw base::UsageError(fmt::format(
        "length: the target is a number of characters from 1 up, as in length:400, not \"{}\"",
        argument));
  return std::make_unique<LengthReward>(target);
}

std::unique_ptr<RewardSource> make_finished_reward() { return std::make_unique<FinishedReward>(); }

}  // namespace parley::train
