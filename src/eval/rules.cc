#include "eval/rules.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/error.h"
#include "eval/refusal.h"
#include "eval/text_units.h"
#include "tokenizer/unicode.h"

namespace parley::eval {
namespace {

using nlohmann::json;

constexpr int64_t kMaxCount = 1'000'000;

struct RuleForm {
  std::string_view name;
  RuleKind kind;
  std::string_view fields;  // what it may have, each with a blank before and behind
};

constexpr std::array<RuleForm, 19> kForms = {{
    {"contains", RuleKind::kContains, " any all fold whole "},
    {"not_contains", RuleKind::kNotContains, " any fold whole "},
    {"equals", RuleKind::kEquals, " any fold exact "},
    {"starts_with", RuleKind::kStartsWith, " any fold whole "},
    {"ends_with", RuleKind::kEndsWith, " any fold whole exact "},
    {"regex", RuleKind::kRegex, " pattern "},
    {"items", RuleKind::kItems, " count min max "},
    {"sentences", RuleKind::kSentences, " count min max "},
    {"words", RuleKind::kWords, " count min max "},
    {"lines", RuleKind::kLines, " count min max "},
    {"distinct", RuleKind::kDistinct, " "},
    {"language", RuleKind::kLanguage, " is share "},
    {"uppercase", RuleKind::kUppercase, " "},
    {"lowercase", RuleKind::kLowercase, " "},
    {"json", RuleKind::kJson, " type keys values "},
    {"no_commas", RuleKind::kNoCommas, " "},
    {"code", RuleKind::kCode, " any all "},
    {"refusal", RuleKind::kRefusal, " is "},
    {"ended", RuleKind::kEnded, " "},
}};

// ---- reading ----------------------------------------------------------------

// The fields of one rule; every error says which rule and which field.
class RuleFields {
 public:
  RuleFields(const json& rule, const RuleForm& form) : rule_(rule), form_(form) {
    for (const auto& [key, value] : rule.items()) {
      if (key == "rule" || form.fields.find(" " + key + " ") != std::string_view::npos) continue;
      std::string known;
      for (size_t at = 1; at < form.fields.size(); at = form.fields.find(' ', at) + 1)
        known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ",
                             form.fields.substr(at, form.fields.find(' ', at) - at));
      wrong(key, known.empty() ? "is unknown; this rule has no fields"
                               : "is unknown; this rule has " + known);
    }
  }

  [[noreturn]] void wrong(std::string_view field, std::string_view what) const {
    base::fail("rule \"{}\": \"{}\" {}", form_.name, field, what);
  }

  const json* find(const char* field) const {
    const auto found = rule_.find(field);
    return found == rule_.end() ? nullptr : &*found;
  }

  bool flag(const char* field, bool otherwise = false) const {
    const json* value = find(field);
    if (!value) return otherwise;
    if (!value->is_boolean()) wrong(field, "must be true or false");
    return value->get<bool>();
  }

  // A text or a list of texts, none empty.
  std::vector<std::string> texts(const char* field) const {
    const json* value = find(field);
    if (!value) return {};
    std::vector<std::string> result;
    const auto add = [&](const json& text) {
      if (!text.is_string() || text.get_ref<const std::string&>().empty())
        wrong(field, "must be a text or a list of texts, none of them empty");
      result.push_back(text.get<std::string>());
    };
    if (value->is_array())
      for (const json& text : *value) add(text);
    else
      add(*value);
    if (result.empty()) wrong(field, "is an empty list");
    return result;
  }

  std::string text(const char* field) const {
    const json* value = find(field);
    if (!value) return {};
    if (!value->is_string()) wrong(field, "must be a text");
    return value->get<std::string>();
  }

  std::optional<int64_t> number(const char* field) const {
    const json* value = find(field);
    if (!value) return std::nullopt;
    if (!value->is_number_integer() || value->get<int64_t>() < 0 ||
        value->get<int64_t>() > kMaxCount)
      wrong(field, fmt::format("must be a whole number from 0 to {}", kMaxCount));
    return value->get<int64_t>();
  }

 private:
  const json& rule_;
  const RuleForm& form_;
};

void read_range(const RuleFields& fields, Rule& rule) {
  const auto count = fields.number("count"), min = fields.number("min"), max = fields.number("max");
  if (count && (min || max)) fields.wrong("count", "stands beside \"min\" or \"max\": use either");
  if (!count && !min && !max) fields.wrong("min", "is missing: give \"count\", \"min\" or \"max\"");
  if (count) rule.min = rule.max = *count;
  if (min) rule.min = *min;
  if (max) rule.max = *max;
  if (rule.min > rule.max) fields.wrong("min", "is more than \"max\"");
}

void read_json_rule(const RuleFields& fields, Rule& rule) {
  rule.type = fields.text("type");
  if (!rule.type.empty() && rule.type != "object" && rule.type != "array")
    fields.wrong("type", "must be \"object\" or \"array\"");
  rule.keys = fields.texts("keys");
  if (const json* values = fields.find("values")) {
    if (!values->is_object()) fields.wrong("values", "must be an object {key: value}");
    rule.value = *values;
  }
}

void read_language(const RuleFields& fields, Rule& rule) {
  const std::string is = fields.text("is");
  if (is != "en" && is != "zh") fields.wrong("is", "must be \"en\" or \"zh\"");
  rule.chinese = is == "zh";
  if (const json* share = fields.find("share")) {
    if (!share->is_number() || !(share->get<double>() > 0 && share->get<double>() <= 1))
      fields.wrong("share", "must be more than 0 and at most 1");
    rule.share = share->get<double>();
  }
}

// The rule's name first, then its fields.
std::string text_of(const json& rule) {
  nlohmann::ordered_json text = {{"rule", rule["rule"]}};
  for (const auto& [key, value] : rule.items())
    if (key != "rule") text[key] = value;
  return text.dump();
}

// ---- deciding ---------------------------------------------------------------

bool is_word_at(std::string_view text, size_t at) {
  const auto [value, bytes] = tokenizer::decode_valid(text.data() + at);
  const uint8_t c = tokenizer::char_class_table()[value];
  return value == '_' || ((c & (tokenizer::kLetter | tokenizer::kNumber)) != 0 && !is_han(value));
}

size_t character_before(std::string_view text, size_t at) {
  do --at;
  while ((static_cast<uint8_t>(text[at]) & 0xC0) == 0x80);
  return at;
}

// Whether text[at, at + size) is no part of a longer word. Chinese has no blanks between words, so
// there nothing is.
bool stands_alone(std::string_view text, size_t at, size_t size) {
  const size_t end = at + size;
  const bool before =
      at > 0 && is_word_at(text, character_before(text, at)) && is_word_at(text, at);
  const bool behind =
      end < text.size() && is_word_at(text, end) && is_word_at(text, character_before(text, end));
  return !before && !behind;
}

// Both are comparable().
bool contains(std::string_view text, std::string_view part, bool whole) {
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    if (!whole || stands_alone(text, at, part.size())) return true;
  return false;
}

bool equals(std::string_view text, std::string_view wanted, bool exact) {
  return exact ? text == wanted : without_end_marks(text) == without_end_marks(wanted);
}

bool starts_with(std::string_view text, std::string_view part, bool whole) {
  return text.starts_with(part) && (!whole || stands_alone(text, 0, part.size()));
}

bool ends_with(std::string_view text, std::string_view part, const Rule& rule) {
  if (!rule.exact) {
    text = without_end_marks(text);
    part = without_end_marks(part);
  }
  return text.ends_with(part) &&
         (!rule.whole || stands_alone(text, text.size() - part.size(), part.size()));
}

bool text_holds(const Rule& rule, std::string_view answer) {
  const std::string text = comparable(answer, rule.fold);
  const auto one = [&](const std::string& part) {
    const std::string wanted = comparable(part, rule.fold);
    switch (rule.kind) {
      case RuleKind::kEquals: return equals(text, wanted, rule.exact);
      case RuleKind::kStartsWith: return starts_with(text, wanted, rule.whole);
      case RuleKind::kEndsWith: return ends_with(text, wanted, rule);
      default: return contains(text, wanted, rule.whole);
    }
  };
  if (rule.kind == RuleKind::kNotContains) return std::ranges::none_of(rule.any, one);
  return (rule.any.empty() || std::ranges::any_of(rule.any, one)) &&
         std::ranges::all_of(rule.all, one);
}

// Cased letters, and all of them of one case.
bool has_case(std::string_view answer, uint8_t wanted, uint8_t unwanted) {
  const std::string text = tokenizer::valid_utf8(answer);
  bool any = false;
  for (size_t i = 0; i < text.size();) {
    const auto [value, bytes] = tokenizer::decode_valid(text.data() + i);
    const uint8_t c = tokenizer::char_class_table()[value];
    if ((c & unwanted) != 0) return false;
    any |= (c & wanted) != 0;
    i += bytes;
  }
  return any;
}

constexpr std::string_view kFence = "```";

// What stands in a fenced block, if it is all of the answer; else the answer.
std::string_view without_fence(std::string_view text) {
  const auto blank = [](std::string_view s) { return s.find_first_not_of(" \t\r\n"); };
  if (blank(text) != std::string_view::npos) text.remove_prefix(blank(text));
  const size_t last = text.find_last_not_of(" \t\r\n");
  text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
  if (text.size() < 2 * kFence.size() || !text.starts_with(kFence) || !text.ends_with(kFence))
    return text;
  const size_t line = text.find('\n');
  if (line == std::string_view::npos || line > text.size() - kFence.size()) return text;
  return text.substr(line + 1, text.size() - kFence.size() - line - 1);
}

bool json_holds(const Rule& rule, std::string_view answer) {
  const json value = json::parse(without_fence(answer), nullptr, false);
  if (value.is_discarded()) return false;
  const bool object = rule.type == "object" || !rule.keys.empty() || rule.value;
  if (object && !value.is_object()) return false;
  if (rule.type == "array" && !value.is_array()) return false;
  for (const std::string& key : rule.keys)
    if (!value.contains(key)) return false;
  if (rule.value)
    for (const auto& [key, wanted] : rule.value->items())
      if (const auto found = value.find(key); found == value.end() || *found != wanted)
        return false;
  return true;
}

bool code_holds(const Rule& rule, std::string_view answer) {
  if (!rule.any.empty() || !rule.all.empty()) return text_holds(rule, answer);
  static const Pattern block("(?m)^\\s*```[^`\\n]*\\n[\\s\\S]*?\\S[\\s\\S]*?^\\s*```");
  return block.found_in(answer);
}

}  // namespace

Rule parse_rule(const json& written) {
  if (!written.is_object()) base::fail("a rule must be an object {{\"rule\": name, …}}");
  const auto name = written.find("rule");
  if (name == written.end() || !name->is_string())
    base::fail("a rule has no text \"rule\", its name");
  const auto form = std::ranges::find(kForms, name->get_ref<const std::string&>(), &RuleForm::name);
  if (form == kForms.end()) {
    std::string known;
    for (const RuleForm& f : kForms) known += (known.empty() ? "" : ", ") + std::string(f.name);
    base::fail("no rule \"{}\"; there are {}", name->get<std::string>(), known);
  }
  const RuleFields fields(written, *form);
  Rule rule;
  rule.kind = form->kind;
  rule.text = text_of(written);
  rule.any = fields.texts("any");
  rule.all = fields.texts("all");
  rule.fold = fields.flag("fold");
  rule.whole = fields.flag("whole") || rule.kind == RuleKind::kCode;
  rule.exact = fields.flag("exact");
  switch (rule.kind) {
    case RuleKind::kContains:
      if (rule.any.empty() && rule.all.empty())
        fields.wrong("any", "is missing: give \"any\" or \"all\"");
      break;
    case RuleKind::kNotContains:
    case RuleKind::kEquals:
    case RuleKind::kStartsWith:
    case RuleKind::kEndsWith:
      if (rule.any.empty()) fields.wrong("any", "is missing: a text or a list of texts");
      break;
    case RuleKind::kRegex: try { rule.pattern.emplace(fields.text("pattern"));
      } catch (const base::Error& error) {
        fields.wrong("pattern", fmt::format("cannot be used: {}", error.what()));
      }
      break;
    case RuleKind::kItems:
    case RuleKind::kSentences:
    case RuleKind::kWords:
    case RuleKind::kLines: read_range(fields, rule); break;
    case RuleKind::kLanguage: read_language(fields, rule); break;
    case RuleKind::kJson: read_json_rule(fields, rule); break;
    case RuleKind::kRefusal: rule.wanted = fields.flag("is", true); break;
    case RuleKind::kUppercase:
    case RuleKind::kLowercase:
    case RuleKind::kDistinct:
    case RuleKind::kNoCommas:
    case RuleKind::kCode:
    case RuleKind::kEnded: break;
  }
  return rule;
}

bool holds(const Rule& rule, std::string_view answer, bool ended) {
  const auto within = [&](int64_t count) { return count >= rule.min && count <= rule.max; };
  switch (rule.kind) {
    case RuleKind::kContains:
    case RuleKind::kNotContains:
    case RuleKind::kEquals:
    case RuleKind::kStartsWith:
    case RuleKind::kEndsWith: return text_holds(rule, answer);
    case RuleKind::kRegex: return rule.pattern->found_in(answer);
    case RuleKind::kItems: return within(count_items(answer));
    case RuleKind::kSentences: return within(count_sentences(answer));
    case RuleKind::kWords: return within(std::ssize(words_of(answer)));
    case RuleKind::kLines: return within(count_lines(answer));
    case RuleKind::kDistinct: return all_distinct(answer);
    case RuleKind::kLanguage: {
      const Scripts scripts = scripts_of(answer);
      return (rule.chinese ? scripts.han : scripts.latin) >= rule.share;
    }
    case RuleKind::kUppercase: return has_case(answer, tokenizer::kUpper, tokenizer::kLower);
    case RuleKind::kLowercase: return has_case(answer, tokenizer::kLower, tokenizer::kUpper);
    case RuleKind::kJson: return json_holds(rule, answer);
    case RuleKind::kNoCommas: {
      for (const std::string_view comma : {",", "，", "、"})
        if (answer.find(comma) != std::string_view::npos) return false;
      return true;
    }
    case RuleKind::kCode: return code_holds(rule, answer);
    case RuleKind::kRefusal: return is_refusal(answer) == rule.wanted;
    case RuleKind::kEnded: return ended;
  }
  return false;
}

}  // namespace parley::eval
