// A request's JSON body, read field by field; mistakes become the API's errors.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api_error.h"

namespace parley::server {

using Json = nlohmann::ordered_json;

// The JSON object of a body. ApiError 400 when it is none, or nested deeper than 64.
Json parse_body(std::string_view body);

// "string", "an array", …, for messages.
std::string_view json_type(const Json& json);

// The fields of an object. null counts as missing. Every reader throws ApiError 400 naming the
// parameter when the type or the range is wrong.
class Fields {
 public:
  // Keeps a reference. `path` stands before the names: "messages[0]."
  explicit Fields(const Json& object, std::string path = {});

  // The value, marked as known; nullptr when it is missing or null.
  const Json* find(std::string_view name);
  const Json& required(std::string_view name);

  std::optional<std::string> string(std::string_view name);
  std::string required_string(std::string_view name);
  bool boolean(std::string_view name, bool otherwise);
  std::optional<int64_t> integer(std::string_view name, int64_t low, int64_t high);
  std::optional<double> number(std::string_view name, double low, double high);
  // The array's elements; nullptr when missing.
  const Json* array(std::string_view name, size_t least, size_t most);
  const Json* object(std::string_view name);

  // A field that is accepted and has no effect here.
  void ignore(std::string_view name) { find(name); }
  // ApiError unknown_parameter, if a field of the object was never asked for.
  void reject_unknown() const;

  std::string path(std::string_view name) const { return path_ + std::string(name); }
  [[noreturn]] void bad_type(std::string_view name, const Json& value,
                             std::string_view expected) const;

 private:
  const Json& object_;
  std::string path_;
  std::vector<std::string> known_;
};

}  // namespace parley::server
