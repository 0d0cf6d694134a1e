#include "app/presets.h"

#include <algorithm>

#include "app/prompt_text.h"
#include "app/settings.h"

namespace parley::app {
namespace {

constexpr size_t kMostTitle = 200, kMostPresetText = 32 * 1024;  // bytes
constexpr size_t kMostPresets = 500;
constexpr std::string_view kBuiltin = "builtin-";

std::string bounded(std::string text, const char* name, size_t most) {
  if (text.size() > most)
    server::bad_request(name, fmt::format("'{}' has at most {} bytes.", name, most), "too_long");
  return text;
}

void read_preset(const Json& body, store::Preset& preset) {
  Fields fields(body);
  if (fields.find("title"))
    preset.title = bounded(one_line(fields.required_string("title")), "title", kMostTitle);
  if (const auto system = fields.string("system"))
    preset.system = bounded(*system, "system", kMostPresetText);
  if (const auto text = fields.string("template"))
    preset.text_template = bounded(*text, "template", kMostPresetText);
  if (const auto language = fields.string("language")) {
    if (*language != "en" && *language != "zh" && !language->empty())
      server::bad_request("language", "'language' is 'en', 'zh' or empty.", "invalid_value");
    preset.language = *language;
  }
  if (const Json* params = fields.object("params")) preset.params = checked_params(*params);
  fields.ignore("id");
  fields.ignore("builtin");
  fields.reject_unknown();
  if (preset.title.empty()) server::bad_request("title", "A preset needs a title.", "empty");
}

store::Preset own_preset(const Call& call) {
  if (call.parts[0].starts_with(kBuiltin))
    throw ApiError(403, "Presets that come with the app stay as they are. Save a copy instead.", {},
                   "builtin");
  for (store::Preset& preset : call.services.store.presets(call.user.id))
    if (preset.id == call.parts[0]) return std::move(preset);
  throw not_found("preset");
}

Json to_json(const BuiltinPreset& preset) {
  Json params = Json::object();
  if (preset.temperature >= 0) params["temperature"] = preset.temperature;
  return {{"id", fmt::format("{}{}-{}", kBuiltin, preset.name, preset.language)},
          {"title", preset.title},
          {"system", preset.system},
          {"template", preset.text_template},
          {"params", std::move(params)},
          {"language", preset.language},
          {"builtin", true}};
}

http::Task list_presets(Call& call) {
  auto read = [&] { return call.services.store.presets(call.user.id); };
  const std::vector<store::Preset> own = co_await call.blocking(read);
  Json list = Json::array();
  for (const store::Preset& preset : own) list.push_back(app::to_json(preset));
  for (const BuiltinPreset& preset : builtin_presets()) list.push_back(to_json(preset));
  const Json json = {{"presets", std::move(list)}};
  co_await call.reply(json);
}

http::Task add_preset(Call& call) {
  const Json body = call.body();
  store::Preset preset{.id = store::make_id(), .user = call.user.id};
  read_preset(body, preset);
  preset.created = store::now();
  auto add = [&] {
    if (call.services.store.presets(call.user.id).size() >= kMostPresets)
      throw ApiError(409,
                     fmt::format("There are {} presets already. Delete some first.", kMostPresets),
                     {}, "too_many");
    call.services.store.add_preset(preset);
  };
  co_await call.blocking(add);
  const Json json = app::to_json(preset);
  co_await call.reply(json, 201);
}

http::Task change_preset(Call& call) {
  const Json body = call.body();
  auto change = [&] {
    store::Preset preset = own_preset(call);
    read_preset(body, preset);
    call.services.store.update_preset(preset);
    return app::to_json(preset);
  };
  const Json json = co_await call.blocking(change);
  co_await call.reply(json);
}

http::Task remove_preset(Call& call) {
  auto remove = [&] { call.services.store.remove_preset(call.user.id, own_preset(call).id); };
  co_await call.blocking(remove);
  const Json nothing = Json::object();
  co_await call.reply(nothing);
}

}  // namespace

Json to_json(const store::Preset& preset) {
  return {{"id", preset.id},         {"title", preset.title},
          {"system", preset.system}, {"template", preset.text_template},
          {"params", preset.params}, {"language", preset.language},
          {"builtin", false}};
}

std::vector<Route> preset_routes() {
  return {
      {"GET", "/app/api/presets", Access::kUser, list_presets},
      {"POST", "/app/api/presets", Access::kUser, add_preset},
      {"PATCH", "/app/api/presets/{id}", Access::kUser, change_preset},
      {"DELETE", "/app/api/presets/{id}", Access::kUser, remove_preset},
  };
}

}  // namespace parley::app
