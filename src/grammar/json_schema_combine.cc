// References, and what several schemas say together.
#include <algorithm>

#include "base/error.h"
#include "grammar/json_schema.h"

namespace parley::grammar {
namespace {

constexpr int kMaxReferences = 100;  // one after another

std::string decode_reference(std::string text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && std::isxdigit(static_cast<uint8_t>(text[i + 1])) &&
        std::isxdigit(static_cast<uint8_t>(text[i + 2]))) {
      decoded += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

// Whether no value is of a type of both.
bool types_differ(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a.empty() || b.empty()) return false;
  const auto kind = [](const std::string& type) { return type == "integer" ? "number" : type; };
  return std::ranges::none_of(a, [&](const auto& x) {
    return std::ranges::any_of(b, [&](const auto& y) { return kind(x) == kind(y); });
  });
}

// The values of "const" or "enum"; null without either.
Json values_of(const Json& schema) {
  if (!schema.is_object()) return nullptr;
  if (schema.contains("const")) return Json::array({schema["const"]});
  if (schema.contains("enum") && schema["enum"].is_array()) return schema["enum"];
  return nullptr;
}

bool requires_member(const Json& schema, const std::string& name) {
  return schema.contains("required") && schema["required"].is_array() &&
         std::ranges::find(schema["required"], Json(name)) != schema["required"].end();
}

}  // namespace

const Json& JsonSchema::target(const std::string& reference, Place place) const {
  if (!reference.starts_with('#'))
    base::fail("{}: '$ref' {} does not begin with '#': other documents are not read", place,
               reference);
  const std::string pointer = decode_reference(reference.substr(1));
  if (pointer.empty()) return root_;
  try {
    const Json::json_pointer at(pointer);
    if (root_.contains(at)) return root_.at(at);
  } catch (const nlohmann::json::exception&) {
    base::fail("{}: '$ref' {} is not a JSON pointer", place, reference);
  }
  base::fail("{}: '$ref' {} leads nowhere", place, reference);
}

const Json& JsonSchema::resolve(const Json& schema, Place place) const {
  const Json* found = &schema;
  for (int i = 0; found->is_object() && found->contains("$ref"); ++i) {
    if (i > kMaxReferences || !(*found)["$ref"].is_string())
      base::fail("{}: '$ref' leads in a circle, or is no string", place);
    found = &target((*found)["$ref"].get<std::string>(), place);
  }
  return *found;
}

// "allOf" where that is simple: one schema, or objects and constraints that do not contradict.
Json JsonSchema::merged(const Json& schema, Place place) const {
  const Json& all = schema["allOf"];
  if (!all.is_array() || all.empty())
    base::fail("{}: 'allOf' must be an array that is not empty", place);
  Json result = schema;
  result.erase("allOf");
  int with_members = result.contains("properties");
  for (const Json& part : all) {
    const Json& one = resolve(part, place);
    if (one == Json(true)) continue;
    if (!one.is_object()) base::fail("{}: 'allOf' has what is not an object", place);
    if (&one != &part && part.size() > 1) only_beside(part, {"$ref"}, place);
    with_members += one.contains("properties");
    for (const auto& [key, value] : one.items()) {
      if (key == "properties" && value.is_object() && result.contains(key) &&
          result[key].is_object()) {
        for (const auto& [name, member] : value.items()) {
          if (result[key].contains(name) && result[key][name] != member)
            base::fail(
                "{}: 'allOf' says different things of the property '{}', which is not "
                "supported",
                place, name);
          result[key][name] = member;
        }
      } else if (key == "required" && result.contains(key) && result[key].is_array() &&
                 value.is_array()) {
        for (const Json& name : value)
          if (std::ranges::find(result[key], name) == result[key].end())
            result[key].push_back(name);
      } else if (!result.contains(key)) {
        result[key] = value;
      } else if (result[key] != value && key != "title" && key != "description" &&
                 key != "default" && key != "examples") {
        base::fail("{}: 'allOf' with '{}' twice is not supported", place, key);
      }
    }
  }
  // It speaks of the members of one of the parts only.
  if (with_members > 1 && result.contains("additionalProperties") &&
      result["additionalProperties"] != Json(true))
    base::fail("{}: 'additionalProperties' beside 'allOf' of several objects is not supported",
               place);
  return result;
}

void JsonSchema::check_exclusive(const Json& ways, Place place) const {
  if (ways.size() > 200) base::fail("{}: 'oneOf' of more than 200 schemas", place);
  for (size_t i = 0; i < ways.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (!exclusive(resolve(ways[i], place), resolve(ways[j], place), place))
        base::fail(
            "{}: 'oneOf' is only supported where no value can be valid twice: by different "
            "types, or a required property with different constants; {} and {} may overlap. "
            "Use 'anyOf'",
            place, j, i);
}

bool JsonSchema::exclusive(const Json& a, const Json& b, Place place) const {
  if (a == Json(false) || b == Json(false)) return true;
  if (!a.is_object() || !b.is_object()) return false;
  if (types_differ(types_of(a, place), types_of(b, place))) return true;
  const auto disjoint = [](const Json& x, const Json& y) {
    return x.is_array() && y.is_array() && std::ranges::none_of(x, [&](const Json& value) {
             return std::ranges::find(y, value) != y.end();
           });
  };
  if (disjoint(values_of(a), values_of(b))) return true;
  const auto properties = [](const Json& schema) {
    return schema.contains("properties") && schema["properties"].is_object();
  };
  if (types_of(a, place) != std::vector<std::string>{"object"} ||
      types_of(a, place) != types_of(b, place) || !properties(a) || !properties(b))
    return false;
  for (const auto& [name, member] : a["properties"].items())
    if (b["properties"].contains(name) && requires_member(a, name) && requires_member(b, name) &&
        disjoint(values_of(member), values_of(b["properties"][name])))
      return true;
  return false;
}

void JsonSchema::check_object(const Json& schema, Place place, int depth) const {
  const Json& one = resolve(schema, place);
  if (one.is_object() && depth < kMaxReferences) {
    if (one.contains("type") && one["type"] == Json("object")) return;
    if (!one.contains("type")) {
      for (const char* keyword : {"anyOf", "oneOf"}) {
        if (!one.contains(keyword) || !one[keyword].is_array()) continue;
        for (const Json& way : one[keyword]) check_object(way, place, depth + 1);
        return;
      }
      if (one.contains("allOf") && one["allOf"].is_array())
        return check_object(merged(one, place), place, depth + 1);
      if (one.contains("properties") || one.contains("required") ||
          one.contains("additionalProperties"))
        return;
    }
  }
  base::fail("{}: the schema must be that of an object: \"type\": \"object\"", place);
}

}  // namespace parley::grammar
