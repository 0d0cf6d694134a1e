#include "grammar/json_schema.h"

#include <regex>

#include "grammar/compiled.h"
#include "grammar/grammar_test_util.h"

namespace parley::grammar {
namespace {

// The fewest tokens of an answer, with the one that stops.
int64_t shortest(const GrammarPtr& grammar) {
  const Universe universe(grammar->network(), byte_vocabulary().table->data());
  return universe.distance(universe.start()) + 1;
}

size_t code_points(const std::string& text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

// A validator that shares nothing with the compiler, for the keywords it knows.
class Validator {
 public:
  explicit Validator(const Json& root) : root_(root) {}

  bool valid(const Json& value) const { return valid(root_, value); }

 private:
  bool valid(const Json& s, const Json& v) const {
    if (s.is_boolean()) return s.get<bool>();
    if (s.contains("$ref") &&
        !valid(root_.at(Json::json_pointer(s["$ref"].get<std::string>().substr(1))), v))
      return false;
    if (s.contains("type") && !of_types(s["type"], v)) return false;
    if (s.contains("const") && s["const"] != v) return false;
    if (s.contains("enum") && std::ranges::find(s["enum"], v) == s["enum"].end()) return false;
    if (s.contains("allOf"))
      for (const Json& part : s["allOf"])
        if (!valid(part, v)) return false;
    for (const char* keyword : {"anyOf", "oneOf"}) {
      if (!s.contains(keyword)) continue;
      const auto count =
          std::ranges::count_if(s[keyword], [&](const Json& p) { return valid(p, v); });
      if (keyword[0] == 'o' ? count != 1 : count == 0) return false;
    }
    return valid_number(s, v) && valid_string(s, v) && valid_array(s, v) && valid_object(s, v);
  }

  static bool of_types(const Json& types, const Json& v) {
    if (types.is_array())
      return std::ranges::any_of(types, [&](const Json& type) { return of_types(type, v); });
    if (types == "integer") return v.is_number() && v.get<double>() == std::floor(v.get<double>());
    if (types == "number") return v.is_number();
    return types == v.type_name();
  }

  static bool valid_number(const Json& s, const Json& v) {
    if (!v.is_number()) return true;
    // Integers are compared exactly by nlohmann's operators, doubles as doubles.
    return !(s.contains("minimum") && v < s["minimum"]) &&
           !(s.contains("maximum") && v > s["maximum"]) &&
           !(s.contains("exclusiveMinimum") && v <= s["exclusiveMinimum"]) &&
           !(s.contains("exclusiveMaximum") && v >= s["exclusiveMaximum"]);
  }

  static bool valid_string(const Json& s, const Json& v) {
    if (!v.is_string()) return true;
    const auto text = v.get<std::string>();
    if (code_points(text) < s.value("minLength", size_t{0})) return false;
    if (code_points(text) > s.value("maxLength", SIZE_MAX)) return false;
    return !s.contains("pattern") ||
           std::regex_search(text, std::regex(s["pattern"].get<std::string>()));
  }

  bool valid_array(const Json& s, const Json& v) const {
    if (!v.is_array()) return true;
    if (v.size() < s.value("minItems", size_t{0}) || v.size() > s.value("maxItems", SIZE_MAX))
      return false;
    const size_t prefix = s.contains("prefixItems") ? s["prefixItems"].size() : 0;
    for (size_t i = 0; i < v.size(); ++i) {
      if (i < prefix ? !valid(s["prefixItems"][i], v[i])
                     : s.contains("items") && !valid(s["items"], v[i]))
        return false;
    }
    return true;
  }

  bool valid_object(const Json& s, const Json& v) const {
    if (!v.is_object()) return true;
    if (s.contains("required"))
      for (const Json& name : s["required"])
        if (!v.contains(name.get<std::string>())) return false;
    for (const auto& [name, member] : v.items()) {
      if (s.contains("properties") && s["properties"].contains(name)) {
        if (!valid(s["properties"][name], member)) return false;
      } else if (s.contains("additionalProperties") && !valid(s["additionalProperties"], member)) {
        return false;
      }
    }
    return true;
  }

  const Json& root_;
};

const char* const kSchemas[] = {
    R"(true)",
    R"({})",
    R"({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"], "additionalProperties": false})",
    R"({"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "boolean"},
        "c": {"type": "null"}, "键": {"enum": ["值", "\"quoted\"\n", 1, null, {"x": [1, 2]}]}},
        "required": ["b"]})",
    R"({"type": "object", "properties": {"a": {"type": "integer"}, "ab": {"type": "integer"}, "": {"const": 1}},
        "additionalProperties": {"type": "string", "maxLength": 2}})",
    R"({"type": "object", "required": ["x"], "properties": {"y": false}, "additionalProperties": {"type": "integer"}})",
    R"({"type": ["string", "null", "integer"], "maxLength": 3, "minLength": 1})",
    R"({"type": "array", "items": {"type": "integer", "minimum": -17, "maximum": 1203}, "minItems": 2, "maxItems": 4})",
    R"({"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "items": {"type": "null"}, "minItems": 3})",
    R"({"type": "array", "items": false})",
    R"({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "maxItems": 1})",
    R"({"$defs": {"node": {"type": "object", "properties": {"value": {"type": "string"},
        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}, "required": ["value", "next"],
        "additionalProperties": false}}, "$ref": "#/$defs/node"})",
    R"({"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["children"], "additionalProperties": false})",
    R"({"anyOf": [{"type": "string", "pattern": "^[a-c]{2,4}$"}, {"type": "number", "exclusiveMinimum": 0.25, "maximum": 12.5}]})",
    R"({"type": "string", "pattern": "\\d+-[x\"\\\\]"})",
    R"({"type": "string", "pattern": "^ab|cd$"})",
    R"({"oneOf": [{"type": "string", "maxLength": 1}, {"type": "integer"},
        {"type": "object", "properties": {"kind": {"const": "a"}, "v": {"type": "integer"}}, "required": ["kind", "v"], "additionalProperties": false},
        {"type": "object", "properties": {"kind": {"enum": ["b", "c"]}}, "required": ["kind"], "additionalProperties": false}]})",
    R"({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        {"properties": {"b": {"type": "string"}}, "required": ["b"]}]})",
    R"({"type": "number", "minimum": -2.5, "exclusiveMaximum": 0})",
    R"({"type": "number", "exclusiveMinimum": -1e-3, "exclusiveMaximum": 0.02})",
    R"({"type": "number", "minimum": 99.95})",
    R"({"type": "number", "exclusiveMaximum": 123456789012345})",
    R"({"type": "integer", "exclusiveMinimum": -9007199254740993, "maximum": -1000})",
    R"({"type": "integer", "minimum": 99.5, "exclusiveMaximum": 102})",
    R"({"type": "integer", "minimum": 1000000000000000})",
    R"({"type": "string", "minLength": 70, "maxLength": 300})",
    R"({"type": "string", "minLength": 130})",
    R"({"title": "T", "description": "d", "type": "string", "format": "date-time"})",
    R"({"properties": {"s": {"enum": ["x"], "type": "string"}}, "required": ["s", "t"]})",
};

TEST(JsonSchema, RandomAnswersAreValid) {
  for (const char* text : kSchemas) {
    SCOPED_TRACE(text);
    const Json schema = Json::parse(text);
    const GrammarPtr grammar = from_json_schema(schema);
    const Validator validator(schema);
    const int64_t least = shortest(grammar);
    for (const auto* vocabulary : {&byte_vocabulary(), &json_vocabulary(), &small_vocabulary()})
      for (uint64_t seed = 0; seed < 30; ++seed) {
        const int64_t budget = least + static_cast<int64_t>(seed * seed / 3);
        const Walk walk = random_walk(grammar, *vocabulary, seed, budget);
        ASSERT_TRUE(walk.stopped) << walk.text;
        ASSERT_TRUE(Json::accept(walk.text)) << walk.text;
        ASSERT_TRUE(validator.valid(Json::parse(walk.text))) << walk.text;
      }
  }
}

TEST(JsonSchema, AThousandOfAThousand) {
  const Json schema = Json::parse(kSchemas[3]);
  const GrammarPtr grammar = from_json_schema(schema);
  const Validator validator(schema);
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const Walk walk = random_walk(grammar, small_vocabulary(), seed, 64);
    ASSERT_TRUE(walk.stopped && Json::accept(walk.text)) << walk.text;
    ASSERT_TRUE(validator.valid(Json::parse(walk.text))) << walk.text;
  }
}

bool schema_accepts(const char* schema, std::string_view text) {
  return accepts(from_json_schema(Json::parse(schema)), text);
}

TEST(JsonSchema, AcceptsWhatAModelWrites) {
  EXPECT_TRUE(schema_accepts(kSchemas[2], "{\n  \"name\": \"Ada\",\n  \"age\": 36\n}"));
  EXPECT_TRUE(schema_accepts(kSchemas[2], "{\"name\":\"爱达\",\"age\":-7}"));
  EXPECT_FALSE(schema_accepts(kSchemas[2], "{\"age\": 36, \"name\": \"Ada\"}"));
  EXPECT_FALSE(schema_accepts(kSchemas[2], "{\"name\": \"Ada\"}"));
  EXPECT_TRUE(schema_accepts(kSchemas[3], "{\"a\": 1.5, \"b\": true, \"键\": {\"x\":[1,2]}}"));
  EXPECT_TRUE(schema_accepts(kSchemas[3], "{\"b\": true}"));
  EXPECT_FALSE(schema_accepts(kSchemas[3], "{\"b\": true, \"d\": 1}"));
  EXPECT_TRUE(schema_accepts(kSchemas[4], "{\"\": 1, \"abc\": \"中文\"}"));
  EXPECT_FALSE(schema_accepts(kSchemas[4], "{\"ab\": \"x\"}"));
  EXPECT_FALSE(schema_accepts(kSchemas[4], "{\"abc\": \"xyz\"}"));
  EXPECT_TRUE(
      schema_accepts(kSchemas[11], R"({"value": "a", "next": {"value": "", "next": null}})"));
  EXPECT_TRUE(schema_accepts(kSchemas[14], R"("is 12-\" so")"));
  EXPECT_FALSE(schema_accepts(kSchemas[14], R"("12-y")"));
}

TEST(JsonSchema, NumbersBetweenBoundsAreExact) {
  const auto check = [](const char* schema_text, const std::vector<std::string>& numbers) {
    const Json schema = Json::parse(schema_text);
    const GrammarPtr grammar = from_json_schema(schema);
    const Validator validator(schema);
    for (const std::string& number : numbers)
      EXPECT_EQ(accepts(grammar, number), validator.valid(Json::parse(number)))
          << schema_text << " " << number;
  };
  for (const auto& [low, high] : std::vector<std::pair<int, int>>{
           {-17, 1203}, {0, 0}, {5, 5}, {-120, -12}, {99, 1001}, {-1, 1}, {10, 19}, {7, 305}}) {
    std::vector<std::string> numbers;
    for (int i = -1500; i <= 1500; ++i) numbers.push_back(std::to_string(i));
    check(fmt::format(R"({{"type": "integer", "minimum": {}, "maximum": {}}})", low, high).c_str(),
          numbers);
  }
  std::vector<std::string> decimals;
  for (int i = -300; i <= 300; ++i) {
    if (i != 0) decimals.push_back(fmt::format("{:.2f}", i / 20.0));
    if (i != 0) decimals.push_back(fmt::format("{:.3f}", i / 1000.0));
    decimals.push_back(fmt::format("{}", i));
  }
  for (const char* bounds :
       {R"("minimum": 0.25)", R"("exclusiveMinimum": 0.25, "maximum": 12.5)",
        R"("minimum": -2.5, "exclusiveMaximum": 0)", R"("minimum": 0, "maximum": 0.1)",
        R"("exclusiveMinimum": 3, "exclusiveMaximum": 4)", R"("maximum": -0.05)",
        R"("minimum": -0.151, "maximum": 0.151)", R"("exclusiveMaximum": 10.05)"})
    check(fmt::format(R"({{"type": "number", {}}})", bounds).c_str(), decimals);
}

TEST(JsonSchema, Formats) {
  const auto check = [](const char* format, std::vector<const char*> good,
                        std::vector<const char*> bad) {
    const auto grammar = from_json_schema({{"type", "string"}, {"format", format}});
    for (const char* text : good)
      EXPECT_TRUE(accepts(grammar, fmt::format("\"{}\"", text))) << text;
    for (const char* text : bad)
      EXPECT_FALSE(accepts(grammar, fmt::format("\"{}\"", text))) << text;
  };
  check("date", {"2024-02-28", "1999-12-31"},
        {"2024-02-30", "2023-02-29", "2024-13-01", "24-01-01"});
  check("time", {"23:59:59Z", "00:00:00.125+08:00"}, {"24:00:00Z", "12:00Z", "12:00:00"});
  check("date-time", {"2024-01-31T08:30:00Z"}, {"2024-01-31 08:30:00Z", "2024-04-31T08:30:00Z"});
  check("duration", {"P3Y6M4DT12H30M5S", "PT5M", "P2W"}, {"P", "PT", "P1Y2W", "5M"});
  check("email", {"a.b+c@example.org"}, {"a@", "@b", "a..b@c"});
  check("hostname", {"example.com", "a-b.c"}, {"-a.com", "a-.com", ""});
  check("ipv4", {"0.0.0.0", "255.249.19.7"}, {"256.1.1.1", "1.2.3", "01.2.3.4"});
  check("ipv6", {"::", "::1", "fe80::1:2", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::"},
        {":::", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::"});
  check("uuid", {"123e4567-e89b-12d3-a456-426614174000"}, {"123e4567e89b12d3a456426614174000"});
  check("uri", {"https://example.com:80/a%20b?x=1#y"}, {"example.com", "https://a b"});
}

TEST(JsonSchema, Refusals) {
  const std::pair<const char*, const char*> kBad[] = {
      {R"({"type": "object", "properties": {"a": {"type": "array", "uniqueItems": true}}})",
       "#/properties/a: 'uniqueItems' is not supported"},
      {R"({"not": {"type": "string"}})", "'not' is not supported"},
      {R"({"patternProperties": {}})", "'patternProperties'"},
      {R"({"type": "strin"})", "unknown 'type'"},
      {R"({"type": []})", "'type' is empty"},
      {R"({"$ref": "#/$defs/none"})", "leads nowhere"},
      {R"({"$ref": "other.json"})", "other documents"},
      {R"({"$ref": "#"})", "left-recursive"},
      {R"({"$ref": 3})", "must be a string"},
      {R"({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]})",
       "no finite answer"},
      {R"({"type": "array", "minItems": 1000000000})", "'minItems' is above"},
      {R"({"type": "array", "minItems": -1})", "'minItems' must be"},
      {R"({"type": "array", "minItems": 3, "maxItems": 2})", "below"},
      {R"({"type": "string", "minLength": 1e9})", "'minLength' is above"},
      {R"j({"type": "string", "pattern": "(?=a)"})j", "look-around"},
      {R"({"type": "string", "pattern": "a", "minLength": 1})", "together"},
      {R"({"type": "string", "format": "colour"})", "'format' colour"},
      {R"({"type": "number", "multipleOf": 0.1})", "multipleOf"},
      {R"({"type": "integer", "minimum": 3, "maximum": 2})", "no integer"},
      {R"({"type": "integer", "minimum": 2.2, "maximum": 2.8})", "no integer"},
      {R"({"type": "integer", "minimum": 1e30})", "beyond"},
      {R"({"type": "number", "minimum": 3, "exclusiveMaximum": 3})", "no number"},
      {R"({"type": "number", "minimum": 0.12345678901234567})", "digits"},
      {R"({"type": "object", "exclusiveMinimum": true, "properties": 4})", "'properties' must be"},
      {R"({"type": "object", "required": ["a"], "additionalProperties": false})",
       "'a' is required"},
      {R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})", "'oneOf' is only supported"},
      {R"({"anyOf": []})", "'anyOf'"},
      {R"({"anyOf": [{"type": "string"}], "minLength": 3})", "'minLength' is not supported beside"},
      {R"({"enum": []})", "no value"},
      {R"({"enum": ["a"], "type": "integer"})", "no value"},
      {R"(false)", "no value is valid"},
      {R"(3)", "must be an object or a boolean"},
      {R"({"type": "object", "properties": {"a": 1}})", "#/properties/a"},
  };
  for (const auto& [schema, message] : kBad) {
    const std::string error = error_of([&] { from_json_schema(Json::parse(schema)); });
    EXPECT_NE(error.find(message), std::string::npos) << schema << ": " << error;
  }
  Json deep = {{"type", "string"}};
  for (int i = 0; i < 300; ++i) deep = {{"type", "array"}, {"items", deep}};
  EXPECT_NE(error_of([&] { from_json_schema(deep); }), "");
  const Json long_name = {{"properties", {{std::string(200'000, 'n'), true}}},
                          {"additionalProperties", true}};
  EXPECT_NE(error_of([&] { from_json_schema(long_name); }).find("longer than"), std::string::npos);
  Json wide = Json::object();
  for (int i = 0; i < 2000; ++i) wide[fmt::format("p{}", i)] = {{"type", "string"}};
  EXPECT_NE(error_of([&] {
              from_json_schema({{"properties", wide}});
            }).find("properties"),
            std::string::npos);
}

TEST(JsonSchema, ManyOptionalProperties) {
  Json properties = Json::object();
  for (int i = 0; i < 300; ++i)
    properties[fmt::format("property_{}", i)] = {{"type", "object"},
                                                 {"properties", {{"inner", {{"type", "string"}}}}}};
  const Json schema = {{"type", "object"}, {"properties", properties}};
  const auto grammar = from_json_schema(schema);
  EXPECT_TRUE(accepts(grammar, R"({"property_7": {"inner": "x"}, "property_299": {}})"));
  EXPECT_FALSE(accepts(grammar, R"({"property_7": {}, "property_6": {}})"));
}

}  // namespace
}  // namespace parley::grammar
