// JSON as model files hold it: parsed strictly, read with the file and the key in
// every message.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace parley::formats {

using Json = nlohmann::json;

// Parses one JSON value. Error, beginning with `where`, if the text is not JSON, names a
// key twice in one object, or nests deeper than `max_depth` (so that no reader's
// recursion can be driven off the stack).
Json parse_json(std::string_view text, std::string_view where, int max_depth = 32);

// Typed access to an object's members: a missing or null member gives the fallback, one
// of another type or out of range is an Error naming the file and the key.
class JsonFields {
 public:
  // Error if `json` is not an object. Both arguments must outlive this.
  JsonFields(const Json& json, std::string_view where);

  // Present and not null.
  bool has(std::string_view key) const { return find(key) != nullptr; }
  // The member, or null when it is absent or null.
  const Json* find(std::string_view key) const;

  int64_t integer(std::string_view key, int64_t min, int64_t max) const;
  int64_t integer_or(std::string_view key, int64_t fallback, int64_t min, int64_t max) const;
  double number_or(std::string_view key, double fallback) const;
  bool boolean_or(std::string_view key, bool fallback) const;
  std::string string_or(std::string_view key, std::string_view fallback) const;

  const std::string& where() const { return where_; }

 private:
  const Json& json_;
  std::string where_;
};

}  // namespace parley::formats
