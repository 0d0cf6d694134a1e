// A user's settings and the parameters of answers.
#include <algorithm>

#include "app/settings.h"

namespace parley::app {
namespace {

constexpr size_t kMostInstructions = 4000;  // bytes
constexpr size_t kMostModelName = 200;

const Json& default_settings() {
  static const Json settings = {{"language", "auto"},
                                {"theme", "auto"},
                                {"model", ""},
                                {"instructions", {{"about", ""}, {"style", ""}, {"enabled", true}}},
                                {"memory", true},
                                {"suggest_memories", true},
                                {"params", Json::object()},
                                {"send_with_enter", true}};
  return settings;
}

std::string one_of(Fields& fields, const char* name, std::initializer_list<const char*> values) {
  std::string value = fields.required_string(name);
  if (std::ranges::find(values, value) == values.end())
    server::bad_request(fields.path(name),
                        fmt::format("Invalid '{}': it must be one of {}.", fields.path(name),
                                    fmt::join(values, ", ")),
                        "invalid_value");
  return value;
}

std::string bounded(Fields& fields, const char* name, size_t most) {
  std::string text = fields.string(name).value_or("");
  if (text.size() > most)
    server::bad_request(fields.path(name),
                        fmt::format("'{}' is longer than {} bytes.", fields.path(name), most),
                        "too_long");
  return text;
}

}  // namespace

Json checked_params(const Json& params, const std::string& path) {
  Fields fields(params, path);
  Json checked = Json::object();
  const auto number = [&](const char* name, double low, double high) {
    if (const auto value = fields.number(name, low, high)) checked[name] = *value;
  };
  const auto integer = [&](const char* name, int64_t low, int64_t high) {
    if (const auto value = fields.integer(name, low, high)) checked[name] = *value;
  };
  number("temperature", 0, 2);
  number("top_p", 0, 1);
  integer("max_tokens", 1, 1'000'000);
  number("presence_penalty", -2, 2);
  number("frequency_penalty", -2, 2);
  integer("seed", INT64_MIN, INT64_MAX);
  if (const Json* stops = fields.array("stop", 0, 4)) {
    checked["stop"] = Json::array();
    for (const Json& stop : *stops) {
      if (!stop.is_string()) fields.bad_type("stop", stop, "a string");
      if (stop.get_ref<const std::string&>().size() > 200)
        server::bad_request(fields.path("stop"), "A stop text has at most 200 bytes.");
      checked["stop"].push_back(stop);
    }
  }
  fields.reject_unknown();
  return checked;
}

Json merged_settings(const Json& settings, const Json& changes) {
  Fields fields(changes);
  Json merged = settings;
  const auto given = [&](const char* name) { return fields.find(name) != nullptr; };
  if (given("language")) merged["language"] = one_of(fields, "language", {"auto", "en", "zh"});
  if (given("theme")) merged["theme"] = one_of(fields, "theme", {"auto", "light", "dark"});
  if (given("model")) merged["model"] = bounded(fields, "model", kMostModelName);
  if (const Json* instructions = fields.object("instructions")) {
    Fields inner(*instructions, "instructions.");
    merged["instructions"] = {{"about", bounded(inner, "about", kMostInstructions)},
                              {"style", bounded(inner, "style", kMostInstructions)},
                              {"enabled", inner.boolean("enabled", true)}};
    inner.reject_unknown();
  }
  for (const char* name : {"memory", "suggest_memories", "send_with_enter"})
    if (given(name)) merged[name] = fields.boolean(name, true);
  if (const Json* params = fields.object("params")) merged["params"] = checked_params(*params);
  fields.reject_unknown();
  return merged;
}

Json settings_of(const store::User& user) {
  Json settings = default_settings();
  if (user.settings.is_object())
    for (const auto& [name, value] : user.settings.items())
      if (settings.contains(name) && settings[name].type() == value.type()) settings[name] = value;
  return settings;
}

}  // namespace parley::app
