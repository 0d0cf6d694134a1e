#include "formats/json.h"

#include <cmath>
#include <unordered_set>
#include <vector>

#include "base/error.h"

namespace parley::formats {
namespace {

using Event = Json::parse_event_t;

// Text for a message: a damaged file may hold very long strings.
std::string shortened(std::string_view text, size_t max) {
  return text.size() <= max ? std::string(text) : std::string(text.substr(0, max - 3)) + "...";
}

std::string shown(const Json& value) {
  return shortened(value.dump(-1, ' ', true, Json::error_handler_t::replace), 60);
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where, int max_depth) {
  std::vector<std::unordered_set<std::string>> keys;  // of the objects being parsed
  const auto check = [&](int depth, Event event, Json& value) {
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        if (depth >= max_depth)
          base::fail("{}: JSON nested deeper than {} levels", where, max_depth);
        if (event == Event::object_start) keys.emplace_back();
        break;
      case Event::object_end: keys.pop_back(); break;
      case Event::key: {
        const auto& key = value.get_ref<const std::string&>();
        if (!keys.back().insert(key).second)
          base::fail("{}: the key \"{}\" appears twice in one object", where, shortened(key, 100));
        break;
      }
      default: break;
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::exception& error) {
    base::fail("{}: not valid JSON: {}", where, shortened(error.what(), 300));
  }
}

JsonFields::JsonFields(const Json& json, std::string_view where) : json_(json), where_(where) {
  if (!json.is_object()) base::fail("{}: expected a JSON object, found {}", where, shown(json));
}

const Json* JsonFields::find(std::string_view key) const {
  const auto it = json_.find(key);
  return it == json_.end() || it->is_null() ? nullptr : &*it;
}

int64_t JsonFields::integer(std::string_view key, int64_t min, int64_t max) const {
  const Json* value = find(key);
  if (!value) base::fail("{}: \"{}\" is missing", where_, key);
  // Unsigned numbers above int64's range are integers to the JSON library too.
  const bool is_integer =
      value->is_number_integer() &&
      (!value->is_number_unsigned() || value->get<uint64_t>() <= uint64_t{INT64_MAX});
  if (!is_integer || value->get<int64_t>() < min || value->get<int64_t>() > max)
    base::fail("{}: \"{}\" is {}, expected an integer from {} to {}", where_, key, shown(*value),
               min, max);
  return value->get<int64_t>();
}

int64_t JsonFields::integer_or(std::string_view key, int64_t fallback, int64_t min,
                               int64_t max) const {
  return has(key) ? integer(key, min, max) : fallback;
}

double JsonFields::number_or(std::string_view key, double fallback) const {
  const Json* value = find(key);
  if (!value) return fallback;
  if (!value->is_number() || !std::isfinite(value->get<double>()))
    base::fail("{}: \"{}\" is {}, expected a number", where_, key, shown(*value));
  return value->get<double>();
}

bool JsonFields::boolean_or(std::string_view key, bool fallback) const {
  const Json* value = find(key);
  if (!value) return fallback;
  if (!value->is_boolean())
    base::fail("{}: \"{}\" is {}, expected true or false", where_, key, shown(*value));
  return value->get<bool>();
}

std::string JsonFields::string_or(std::string_view key, std::string_view fallback) const {
  const Json* value = find(key);
  if (!value) return std::string(fallback);
  if (!value->is_string())
    base::fail("{}: \"{}\" is {}, expected a string", where_, key, shown(*value));
  return value->get<std::string>();
}

}  // namespace parley::formats
