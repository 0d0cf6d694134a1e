#include "server/fields.h"

#include <algorithm>
#include <cmath>

namespace parley::server {
namespace {

constexpr int kMaxDepth = 64;

}  // namespace

Json parse_body(std::string_view body) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  Json json;
  try {
    json = Json::parse(body, limit_depth);
  } catch (const Json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: …"
    std::string_view what = error.what();
    what.remove_prefix(std::min(what.find("] ") + 2, what.size()));
    throw ApiError(400,
                   fmt::format("We could not parse the JSON body of your request: {}. The API "
                               "expects a JSON object, sent with Content-Type application/json.",
                               what));
  }
  if (too_deep)
    throw ApiError(400, fmt::format("The JSON body is nested deeper than {} levels.", kMaxDepth));
  if (!json.is_object())
    throw ApiError(400,
                   fmt::format("The body must be a JSON object, but it is {}.", json_type(json)));
  return json;
}

std::string_view json_type(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::object: return "an object";
    case Json::value_t::array: return "an array";
    case Json::value_t::string: return "a string";
    case Json::value_t::boolean: return "a boolean";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned: return "an integer";
    case Json::value_t::number_float: return "a decimal";
    default: return "not JSON";
  }
}

Fields::Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object.is_object()) {
    std::string name = path_.substr(0, path_.find_last_not_of('.') + 1);
    std::string message = fmt::format("Invalid type for '{}': expected an object, but got {}.",
                                      name, json_type(object));
    bad_request(std::move(name), std::move(message), "invalid_type");
  }
}

const Json* Fields::find(std::string_view name) {
  known_.emplace_back(name);
  const auto it = object_.find(name);
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

const Json& Fields::required(std::string_view name) {
  if (const Json* value = find(name)) return *value;
  bad_request(path(name), fmt::format("Missing required parameter: '{}'.", path(name)),
              "missing_required_parameter");
}

std::optional<std::string> Fields::string(std::string_view name) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_string()) bad_type(name, *value, "a string");
  return value->get<std::string>();
}

std::string Fields::required_string(std::string_view name) {
  const Json& value = required(name);
  if (!value.is_string()) bad_type(name, value, "a string");
  return value.get<std::string>();
}

bool Fields::boolean(std::string_view name, bool otherwise) {
  const Json* value = find(name);
  if (!value) return otherwise;
  if (!value->is_boolean()) bad_type(name, *value, "a boolean");
  return value->get<bool>();
}

std::optional<int64_t> Fields::integer(std::string_view name, int64_t low, int64_t high) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  // 16.0 is an integer to JSON Schema.
  const bool whole = value->is_number_float() && std::abs(value->get<double>()) < 9e15 &&
                     std::trunc(value->get<double>()) == value->get<double>();
  if (!value->is_number_integer() && !whole) bad_type(name, *value, "an integer");
  const bool huge =
      value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  const int64_t number = huge    ? INT64_MAX
                         : whole ? static_cast<int64_t>(value->get<double>())
                                 : value->get<int64_t>();
  if (number < low)
    bad_request(path(name),
                fmt::format("Invalid '{}': integer below minimum value. Expected a value >= {}, "
                            "but got {} instead.",
                            path(name), low, value->dump()),
                "integer_below_min_value");
  if (number > high || (huge && high < INT64_MAX))
    bad_request(path(name),
                fmt::format("Invalid '{}': integer above maximum value. Expected a value <= {}, "
                            "but got {} instead.",
                            path(name), high, value->dump()),
                "integer_above_max_value");
  return number;
}

std::optional<double> Fields::number(std::string_view name, double low, double high) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_number()) bad_type(name, *value, "a number");
  const double number = value->get<double>();
  if (!(number >= low))
    bad_request(path(name),
                fmt::format("Invalid '{}': decimal below minimum value. Expected a value >= {}, "
                            "but got {} instead.",
                            path(name), low, value->dump()),
                "decimal_below_min_value");
  if (!(number <= high))
    bad_request(path(name),
                fmt::format("Invalid '{}': decimal above maximum value. Expected a value <= {}, "
                            "but got {} instead.",
                            path(name), high, value->dump()),
                "decimal_above_max_value");
  return number;
}

const Json* Fields::array(std::string_view name, size_t least, size_t most) {
  const Json* value = find(name);
  if (!value) return nullptr;
  if (!value->is_array()) bad_type(name, *value, "an array");
  if (value->size() < least)
    bad_request(path(name),
                fmt::format("Invalid '{}': array too short. Expected an array with minimum length "
                            "{}, but got an array with length {} instead.",
                            path(name), least, value->size()),
                value->empty() ? "empty_array" : "array_below_min_length");
  if (value->size() > most)
    bad_request(path(name),
                fmt::format("Invalid '{}': array too long. Expected an array with maximum length "
                            "{}, but got an array with length {} instead.",
                            path(name), most, value->size()),
                "array_above_max_length");
  return value;
}

const Json* Fields::object(std::string_view name) {
  const Json* value = find(name);
  if (value && !value->is_object()) bad_type(name, *value, "an object");
  return value;
}

void Fields::reject_unknown() const {
  for (const auto& [name, value] : object_.items())
    if (std::ranges::find(known_, name) == known_.end())
      bad_request(path(name.substr(0, 200)),
                  fmt::format("Unknown parameter: '{}'.", path(name.substr(0, 200))),
                  "unknown_parameter");
}

void Fields::bad_type(std::string_view name, const Json& value, std::string_view expected) const {
  bad_request(path(name),
              fmt::format("Invalid type for '{}': expected {}, but got {} instead.", path(name),
                          expected, json_type(value)),
              "invalid_type");
}

}  // namespace parley::server
