// The keywords of each type.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "grammar/json_formats.h"
#include "grammar/json_numbers.h"
#include "grammar/json_schema.h"
#include "grammar/regex.h"

namespace parley::grammar {
namespace {

constexpr size_t kMaxProperties = 1000, kMaxNameBytes = 1000;
constexpr int64_t kMaxItems = 2000;    // more are never written
constexpr int64_t kMaxChars = 50'000;  // the same
constexpr int64_t kDirectChars = 64;

}  // namespace

ExpressionPtr JsonSchema::object(const Json& schema, Place place) {
  const Json none = Json::object(), nothing = Json::array();
  const Json& properties = schema.contains("properties") ? schema["properties"] : none;
  const Json& required = schema.contains("required") ? schema["required"] : nothing;
  if (!properties.is_object()) base::fail("{}: 'properties' must be an object", place);
  if (!required.is_array() ||
      !std::ranges::all_of(required, [](const Json& name) { return name.is_string(); }))
    base::fail("{}: 'required' must be an array of strings", place);
  if (properties.size() + required.size() > kMaxProperties)
    base::fail("{}: more than {} properties", place, kMaxProperties);
  std::set<std::string> wanted;
  for (const Json& name : required) wanted.insert(name.get<std::string>());
  // Without the keyword an object that names its members has no others.
  const bool named = schema.contains("properties") || schema.contains("required");
  const Json additional =
      schema.contains("additionalProperties") ? schema["additionalProperties"] : Json(!named);
  const auto more = [&] { return sub(additional, place + "/additionalProperties"); };
  std::vector<std::string> names;
  std::vector<ListItem> members;
  for (const auto& [name, member] : properties.items()) {
    names.push_back(name);
    const bool needed = wanted.erase(name) > 0;
    if (member == Json(false) && !needed) continue;
    members.push_back({json_.member(json_constant(name),
                                    sub(member, fmt::format("{}/properties/{}", place, name))),
                       !needed, false});
  }
  for (const Json& item : required) {
    const auto name = item.get<std::string>();
    if (wanted.erase(name) == 0) continue;
    if (additional == Json(false) && schema.contains("additionalProperties"))
      base::fail("{}: '{}' is required, but is not one of the properties", place, name);
    names.push_back(name);
    members.push_back(
        {json_.member(json_constant(name),
                      schema.contains("additionalProperties") ? more() : json_.value()),
         false, false});
  }
  if (additional != Json(false)) {
    for (const std::string& name : names)
      if (name.size() > kMaxNameBytes)
        base::fail("{}: a property's name is longer than {} bytes", place, kMaxNameBytes);
    members.push_back(
        {json_.member(names.empty() ? json_.string() : json_string_unlike(names), more()), true,
         true});
  }
  return json_.object_of(std::move(members));
}

ExpressionPtr JsonSchema::array(const Json& schema, Place place) {
  const int64_t min = count(schema, "minItems", 0, place);
  int64_t max = count(schema, "maxItems", -1, place);
  if (max >= 0 && max < min) base::fail("{}: 'maxItems' is below 'minItems'", place);
  if (min > kMaxItems) base::fail("{}: 'minItems' is above {}", place, kMaxItems);
  max = std::min(max, kMaxItems);
  std::vector<ExpressionPtr> first;
  if (schema.contains("prefixItems")) {
    const Json& prefix = schema["prefixItems"];
    if (!prefix.is_array()) base::fail("{}: 'prefixItems' must be an array", place);
    for (size_t i = 0; i < prefix.size(); ++i)
      first.push_back(sub(prefix[i], fmt::format("{}/prefixItems/{}", place, i)));
  }
  const auto given = static_cast<int64_t>(first.size());
  ExpressionPtr item;
  if (!schema.contains("items")) {
    // As with properties: who names the first items has no others, unless they are needed.
    if (given == 0 || min > given) item = json_.value();
  } else if (schema["items"].is_array()) {
    base::fail("{}: 'items' with an array is not supported; use 'prefixItems'", place);
  } else if (schema["items"] != Json(false)) {
    item = sub(schema["items"], place + "/items");
  }
  if (max >= 0 && max < given) {  // all that stand first are written
    first.resize(static_cast<size_t>(max));
    return json_.array_of(std::move(first), nullptr, 0, 0);
  }
  if (!item && min > given) base::fail("{}: 'minItems' is more than there are items", place);
  return json_.array_of(std::move(first), item, std::max<int64_t>(min - given, 0),
                        max < 0 ? -1 : max - given);
}

ExpressionPtr JsonSchema::string(const Json& schema, Place place) {
  const int64_t min = count(schema, "minLength", 0, place);
  const int64_t max = count(schema, "maxLength", -1, place);
  const bool has_length = min > 0 || max >= 0;
  if (max >= 0 && max < min) base::fail("{}: 'maxLength' is below 'minLength'", place);
  if (min > kMaxChars) base::fail("{}: 'minLength' is above {}", place, kMaxChars);
  const bool has_pattern = schema.contains("pattern"), has_format = schema.contains("format");
  if (has_pattern + has_format + has_length > 1)
    base::fail("{}: 'pattern', 'format' and a length are not supported together", place);
  for (const char* keyword : {"pattern", "format"})
    if (schema.contains(keyword) && !schema[keyword].is_string())
      base::fail("{}: '{}' must be a string", place, keyword);
  ExpressionPtr inner;
  if (has_pattern) {
    inner = regex(schema["pattern"].get<std::string>(),
                  {fmt::format("{}: 'pattern'", place), true, true});
  } else if (has_format) {
    const auto name = schema["format"].get<std::string>();
    const auto pattern = format_pattern(name);
    if (!pattern)
      base::fail("{}: 'format' {} is not supported, but {}", place, name, known_formats());
    inner = regex(*pattern, {fmt::format("{}: 'format'", place), true, false});
  } else if (has_length) {
    inner = counted_chars(min, max);
  } else {
    return json_.string();
  }
  return sequence({bytes("\""), inner, bytes("\"")});
}

// Long counts are made of blocks, each a call of one rule, so that the states are about as many
// as the square root of the count.
ExpressionPtr JsonSchema::counted_chars(int64_t min, int64_t max) {
  max = std::min(max, kMaxChars);
  const ExpressionPtr one = json_any_char();
  const int64_t longest = std::max(min, max);
  if (longest <= kDirectChars) return repeat(one, min, max);
  const auto size = static_cast<int64_t>(std::sqrt(static_cast<double>(longest)));
  const ExpressionPtr block =
      rule(rules_.add(fmt::format("{} characters", size), repeat(one, size, size)));
  std::vector<ExpressionPtr> parts = {repeat(block, min / size, min / size),
                                      repeat(one, min % size, min % size)};
  if (max < 0) {
    parts.push_back(repeat(one, 0, -1));
  } else if (max > min) {
    const int64_t blocks = (max - min) / size, rest = (max - min) % size;
    const ExpressionPtr full = sequence({repeat(block, blocks, blocks), repeat(one, 0, rest)});
    parts.push_back(
        blocks == 0
            ? repeat(one, 0, rest)
            : choice({sequence({repeat(block, 0, blocks - 1), repeat(one, 0, size - 1)}), full}));
  }
  return sequence(std::move(parts));
}

namespace {

std::optional<NumberBound> tighter(const Json& schema, const char* inclusive, const char* exclusive,
                                   double sign, const std::string& place) {
  std::optional<NumberBound> bound;
  for (const char* keyword : {inclusive, exclusive}) {
    if (!schema.contains(keyword)) continue;
    const Json& value = schema[keyword];
    if (!value.is_number()) base::fail("{}: '{}' must be a number", place, keyword);
    const bool is_exclusive = keyword == exclusive;
    const double difference = bound ? (value.get<double>() - bound->value.get<double>()) * sign : 1;
    if (difference > 0 || (difference == 0 && is_exclusive)) bound = {value, is_exclusive};
  }
  return bound;
}

// The nearest integer inside a bound.
int64_t inner_integer(const NumberBound& bound, bool lower, const std::string& place) {
  int64_t value = 0;
  bool cut = false;
  if (bound.value.is_number_float()) {
    const double exact = bound.value.get<double>();
    const double rounded = lower ? std::ceil(exact) : std::floor(exact);
    cut = rounded != exact;
    if (std::abs(rounded) > 9e17)
      return lower == (exact < 0) ? (lower ? -1 : 1) * kLargestInteger
                                  : (base::fail("{}: a bound beyond 18 digits", place), 0);
    value = static_cast<int64_t>(rounded);
  } else if (bound.value.is_number_unsigned() &&
             bound.value.get<uint64_t>() > static_cast<uint64_t>(kLargestInteger)) {
    if (lower) base::fail("{}: a bound beyond 18 digits", place);
    return kLargestInteger;
  } else {
    value = bound.value.get<int64_t>();
  }
  if (bound.exclusive && !cut && std::abs(static_cast<double>(value)) < 2e18)
    value += lower ? 1 : -1;
  if (lower ? value > kLargestInteger : value < -kLargestInteger)
    base::fail("{}: a bound beyond 18 digits", place);
  return std::clamp(value, -kLargestInteger, kLargestInteger);
}

void check_multiple(const Json& schema, bool integer, const std::string& place) {
  if (!schema.contains("multipleOf")) return;
  if (!integer || schema["multipleOf"] != Json(1))
    base::fail("{}: 'multipleOf' is not supported, but 1 for integers", place);
}

}  // namespace

ExpressionPtr JsonSchema::integer(const Json& schema, Place place) {
  check_multiple(schema, true, place);
  const auto low = tighter(schema, "minimum", "exclusiveMinimum", 1, place);
  const auto high = tighter(schema, "maximum", "exclusiveMaximum", -1, place);
  if (!low && !high) return json_.integer();
  int64_t min = low ? inner_integer(*low, true, place) : -kPlainInteger;
  int64_t max = high ? inner_integer(*high, false, place) : kPlainInteger;
  if (!high && min > max) max = kLargestInteger;
  if (!low && min > max) min = -kLargestInteger;
  if (min > max) base::fail("{}: no integer lies between the bounds", place);
  return integers_between(min, max);
}

ExpressionPtr JsonSchema::number(const Json& schema, Place place) {
  check_multiple(schema, false, place);
  const auto low = tighter(schema, "minimum", "exclusiveMinimum", 1, place);
  const auto high = tighter(schema, "maximum", "exclusiveMaximum", -1, place);
  if (!low && !high) return json_.number();
  try {
    return numbers_between(low, high);
  } catch (const base::Error& error) {
    base::fail("{}: {}", place, error.what());
  }
}

}  // namespace parley::grammar
