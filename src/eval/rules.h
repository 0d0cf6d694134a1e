// Rules a program can decide about an answer: "contains", "items", "json" and the like.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/pattern.h"

namespace parley::eval {

enum class RuleKind {
  kContains,
  kNotContains,
  kEquals,
  kStartsWith,
  kEndsWith,
  kRegex,
  kItems,
  kSentences,
  kWords,
  kLines,
  kDistinct,
  kLanguage,
  kUppercase,
  kLowercase,
  kJson,
  kNoCommas,
  kCode,
  kRefusal,
  kEnded,
};

// One rule, as plain data; docs/evaluation.md says what each asks. parse_rule() makes valid ones.
struct Rule {
  RuleKind kind = RuleKind::kContains;
  std::string text;  // the rule as it was written, for reports

  // contains, not_contains, equals, starts_with, ends_with, code: any of these, all of those
  std::vector<std::string> any, all;
  bool fold = false;   // upper and lower case are the same
  bool whole = false;  // not inside of a longer word
  bool exact = false;  // punctuation at the end counts

  // items, sentences, words, lines
  int64_t min = 0, max = std::numeric_limits<int64_t>::max();

  std::optional<Pattern> pattern;       // regex
  bool chinese = false;                 // language: zh, not en
  double share = 0.5;                   // language: of the letters
  bool wanted = true;                   // refusal
  std::string type;                     // json: "object", "array", "" for any
  std::vector<std::string> keys;        // json: what an object must have
  std::optional<nlohmann::json> value;  // json: members an object must have, with these values
};

// A rule from {"rule": name, ...}. Error naming rule and field when it is unknown, has fields it
// does not know, or is not usable.
Rule parse_rule(const nlohmann::json& rule);

// Whether the answer is as the rule asks; `ended`: it ended by itself (rule "ended").
bool holds(const Rule& rule, std::string_view answer, bool ended = true);

}  // namespace parley::eval
