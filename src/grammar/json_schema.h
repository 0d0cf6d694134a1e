// JSON schemas as expressions of a grammar.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "grammar/expression.h"
#include "grammar/json_text.h"

namespace parley::grammar {

using Json = nlohmann::ordered_json;

// Compiles one schema with what it refers to; several may share rules and JSON text.
class JsonSchema {
 public:
  // `root` must outlive this.
  JsonSchema(const Json& root, RuleSet& rules, JsonText& json)
      : root_(root), rules_(rules), json_(json) {}

  // JSON text valid against the root. Error naming keyword and place (a JSON pointer).
  ExpressionPtr compile();
  // Error if what is valid need not be an object.
  void check_object() { check_object(root_, "#", 0); }

 private:
  // Where a schema stands, for messages.
  using Place = const std::string&;

  ExpressionPtr sub(const Json& schema, Place place);
  ExpressionPtr compile(const Json& schema, Place place);
  ExpressionPtr constants(const Json& schema, Place place);
  ExpressionPtr any_of(const Json& schema, const char* keyword, Place place);
  ExpressionPtr by_type(const Json& schema, Place place);
  ExpressionPtr of_type(const std::string& type, const Json& schema, Place place);
  ExpressionPtr object(const Json& schema, Place place);
  ExpressionPtr array(const Json& schema, Place place);
  ExpressionPtr string(const Json& schema, Place place);
  ExpressionPtr counted_chars(int64_t min, int64_t max);
  ExpressionPtr integer(const Json& schema, Place place);
  ExpressionPtr number(const Json& schema, Place place);

  const Json& resolve(const Json& schema, Place place) const;
  const Json& target(const std::string& reference, Place place) const;
  Json merged(const Json& schema, Place place) const;
  void check_exclusive(const Json& ways, Place place) const;
  bool exclusive(const Json& a, const Json& b, Place place) const;
  void check_object(const Json& schema, Place place, int depth) const;
  void only_beside(const Json& schema, const std::set<std::string>& keywords, Place place) const;
  static std::vector<std::string> types_of(const Json& schema, Place place);
  int64_t count(const Json& schema, const char* keyword, int64_t fallback, Place place) const;

  const Json& root_;
  RuleSet& rules_;
  JsonText& json_;
  std::map<std::string, int32_t> known_;  // schemas as text
  int depth_ = 0;
  int64_t schemas_ = 0;
  int32_t any_char_ = -1;
};

}  // namespace parley::grammar
