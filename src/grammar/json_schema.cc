#include "grammar/json_schema.h"

#include <cmath>

#include <algorithm>

#include "base/error.h"
#include "grammar/compiled.h"
#include "tokenizer/unicode.h"

namespace parley::grammar {
namespace {

constexpr size_t kMaxBytes = 1 << 18;
constexpr int kMaxDepth = 100;
constexpr int64_t kMaxSchemas = 5000;

// They say nothing about what is valid.
const std::set<std::string> kAnnotations = {"title",       "description", "default",  "examples",
                                            "$schema",     "$id",         "$comment", "$defs",
                                            "definitions", "deprecated",  "readOnly", "writeOnly"};
const std::set<std::string> kOfStrings = {"minLength", "maxLength", "pattern", "format"},
                            kOfNumbers = {"minimum", "maximum", "exclusiveMinimum",
                                          "exclusiveMaximum", "multipleOf"},
                            kOfObjects = {"properties", "required", "additionalProperties"},
                            kOfArrays = {"items", "prefixItems", "minItems", "maxItems"};

bool any_in(const Json& schema, const std::set<std::string>& keywords) {
  return std::ranges::any_of(keywords, [&](const auto& key) { return schema.contains(key); });
}

// Strings that come from a program may not be UTF-8; dump() would throw.
void check_utf8(const Json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (tokenizer::valid_utf8_prefix(text) != text.size())
      base::fail("schema: a string that is not UTF-8");
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      check_utf8(Json(key));
      check_utf8(member);
    }
  } else if (value.is_array()) {
    for (const Json& item : value) check_utf8(item);
  }
}

int depth_of(const Json& value, int limit) {
  if (limit == 0 || !value.is_structured()) return 0;
  int deepest = 0;
  for (const Json& item : value) deepest = std::max(deepest, depth_of(item, limit - 1));
  return deepest + 1;
}

std::string without_annotations(const Json& schema) {
  if (!schema.is_object()) return schema.dump();
  Json copy = Json::object();
  for (const auto& [key, value] : schema.items())
    if (!kAnnotations.contains(key)) copy[key] = value;
  return copy.dump();
}

bool is_type(const Json& value, const std::string& type) {
  if (type == "integer")
    return value.is_number_integer() ||
           (value.is_number_float() && value.get<double>() == std::floor(value.get<double>()));
  return type == (value.is_number()    ? "number"
                  : value.is_boolean() ? "boolean"
                                       : value.type_name());
}

}  // namespace

ExpressionPtr JsonSchema::compile() {
  if (depth_of(root_, 4 * kMaxDepth) >= 4 * kMaxDepth) base::fail("schema: it nests too deep");
  check_utf8(root_);
  if (root_.dump().size() > kMaxBytes) base::fail("schema: longer than {} bytes", kMaxBytes);
  return sub(root_, "#");
}

// Equal schemas share a rule, and so what is known of their tokens; a schema that is met again
// inside itself is a recursion.
ExpressionPtr JsonSchema::sub(const Json& schema, Place place) {
  const auto [known, is_new] = known_.try_emplace(without_annotations(schema), -1);
  if (is_new) {
    known->second = rules_.add(place);
    if (++schemas_ > kMaxSchemas) base::fail("{}: more than {} schemas", place, kMaxSchemas);
    if (++depth_ > kMaxDepth) base::fail("{}: schemas nest deeper than {}", place, kMaxDepth);
    const auto index = static_cast<size_t>(known->second);
    ExpressionPtr body = compile(schema, place);
    rules_.rules[index].body = std::move(body);
    --depth_;
  }
  return rule(known->second);
}

ExpressionPtr JsonSchema::compile(const Json& schema, Place place) {
  if (schema.is_boolean()) {
    if (!schema.get<bool>()) base::fail("{}: no value is valid against 'false'", place);
    return json_.value();
  }
  if (!schema.is_object()) base::fail("{}: a schema must be an object or a boolean", place);
  if (schema.contains("$ref")) {
    only_beside(schema, {"$ref"}, place);
    const Json& reference = schema["$ref"];
    if (!reference.is_string()) base::fail("{}: '$ref' must be a string", place);
    const auto& text = reference.get_ref<const std::string&>();
    return sub(target(text, place), text);
  }
  if (schema.contains("allOf")) return sub(merged(schema, place), place + "/allOf");
  if (schema.contains("enum") || schema.contains("const")) return constants(schema, place);
  for (const char* keyword : {"anyOf", "oneOf"})
    if (schema.contains(keyword)) return any_of(schema, keyword, place);
  return by_type(schema, place);
}

// Error if there is anything but these and annotations.
void JsonSchema::only_beside(const Json& schema, const std::set<std::string>& keywords,
                             Place place) const {
  for (const auto& [key, value] : schema.items())
    if (!keywords.contains(key) && !kAnnotations.contains(key))
      base::fail("{}: '{}' is not supported{}", place, key,
                 keywords.size() > 3 ? "" : " beside '" + *keywords.begin() + "'");
}

ExpressionPtr JsonSchema::constants(const Json& schema, Place place) {
  only_beside(schema, {"const", "enum", "type"}, place);
  Json values = Json::array();
  if (schema.contains("const")) values.push_back(schema["const"]);
  if (schema.contains("enum")) {
    const Json& listed = schema["enum"];
    if (!listed.is_array()) base::fail("{}: 'enum' must be an array", place);
    if (schema.contains("const")) {
      if (std::ranges::find(listed, schema["const"]) == listed.end())
        base::fail("{}: 'const' is not in 'enum'", place);
    } else {
      values = listed;
    }
  }
  const std::vector<std::string> types = types_of(schema, place);
  std::vector<ExpressionPtr> ways;
  for (const Json& value : values)
    if (types.empty() ||
        std::ranges::any_of(types, [&](const auto& t) { return is_type(value, t); }))
      ways.push_back(json_constant(value));
  if (ways.empty()) base::fail("{}: no value is of the type and in 'enum'", place);
  return choice(std::move(ways));
}

ExpressionPtr JsonSchema::any_of(const Json& schema, const char* keyword, Place place) {
  only_beside(schema, {keyword}, place);
  const Json& ways = schema[keyword];
  if (!ways.is_array() || ways.empty())
    base::fail("{}: '{}' must be an array that is not empty", place, keyword);
  if (std::string_view(keyword) == "oneOf") check_exclusive(ways, place);
  std::vector<ExpressionPtr> parts;
  for (size_t i = 0; i < ways.size(); ++i)
    if (ways[i] != Json(false))
      parts.push_back(sub(ways[i], fmt::format("{}/{}/{}", place, keyword, i)));
  if (parts.empty()) base::fail("{}: no value is valid against '{}'", place, keyword);
  return choice(std::move(parts));
}

std::vector<std::string> JsonSchema::types_of(const Json& schema, Place place) {
  static const std::set<std::string> kTypes = {"object",  "array",   "string", "number",
                                               "integer", "boolean", "null"};
  std::vector<std::string> types;
  if (!schema.is_object() || !schema.contains("type")) return types;
  const Json& given = schema["type"];
  for (const Json& type : given.is_array() ? given : Json::array({given})) {
    if (!type.is_string() || !kTypes.contains(type.get<std::string>()))
      base::fail("{}: unknown 'type' {}", place, type.dump());
    types.push_back(type.get<std::string>());
  }
  if (types.empty()) base::fail("{}: 'type' is empty", place);
  return types;
}

ExpressionPtr JsonSchema::by_type(const Json& schema, Place place) {
  std::vector<std::string> types = types_of(schema, place);
  if (types.empty()) {
    // Keywords of a type, without the type, mean that type here; without any, everything goes.
    if (any_in(schema, kOfObjects)) types.push_back("object");
    if (any_in(schema, kOfArrays)) types.push_back("array");
    if (any_in(schema, kOfStrings)) types.push_back("string");
    if (any_in(schema, kOfNumbers)) types.push_back("number");
  }
  for (const auto& [key, value] : schema.items()) {
    if (kAnnotations.contains(key) || kOfStrings.contains(key) || kOfNumbers.contains(key) ||
        kOfObjects.contains(key) || kOfArrays.contains(key) || key == "type")
      continue;
    if (key == "uniqueItems" && value == Json(false)) continue;
    base::fail("{}: '{}' is not supported", place, key);
  }
  if (types.empty()) return json_.value();
  std::vector<ExpressionPtr> ways;
  ways.reserve(types.size());
  for (const std::string& type : types) ways.push_back(of_type(type, schema, place));
  return choice(std::move(ways));
}

ExpressionPtr JsonSchema::of_type(const std::string& type, const Json& schema, Place place) {
  if (type == "object") return object(schema, place);
  if (type == "array") return array(schema, place);
  if (type == "string") return string(schema, place);
  if (type == "integer") return integer(schema, place);
  if (type == "number") return number(schema, place);
  return type == "null" ? bytes("null") : choice({bytes("true"), bytes("false")});
}

int64_t JsonSchema::count(const Json& schema, const char* keyword, int64_t fallback,
                          Place place) const {
  if (!schema.contains(keyword)) return fallback;
  const Json& value = schema[keyword];
  const bool whole = is_type(value, "integer") && value.get<double>() >= 0;
  if (!whole) base::fail("{}: '{}' must be a whole number, not below 0", place, keyword);
  return static_cast<int64_t>(std::min(value.get<double>(), 1e15));
}

GrammarPtr from_json_schema(const Json& schema) {
  RuleSet rules;
  const int32_t root = rules.add("root");
  JsonText json(rules);
  ExpressionPtr body = JsonSchema(schema, rules, json).compile();
  rules.rules[static_cast<size_t>(root)].body = std::move(body);
  return grammar::compile(rules);
}

}  // namespace parley::grammar
