#include "server/routes.h"

namespace parley::server {
namespace {

Json model_json(const ServedModel& model, const std::string& id) {
  return {{"id", id},
          {"object", "model"},
          {"created", model.created()},
          {"owned_by", "parley"},
          // Beyond OpenAI's: what a client needs to know to fit its prompts.
          {"context_length", model.context()},
          {"root", model.id()}};
}

}  // namespace

http::Task list_models(Call& call) {
  Json data = Json::array();
  for (const auto& model : call.services.models.all()) {
    data.push_back(model_json(*model, model->id()));
    for (const std::string& alias : model->options().aliases)
      data.push_back(model_json(*model, alias));
  }
  const Json list = {{"object", "list"}, {"data", std::move(data)}};
  co_await call.reply(list);
}

http::Task show_model(Call& call, std::string id) {
  const auto model = call.services.models.find(id);
  if (!model)
    throw ApiError(404,
                   fmt::format("The model '{}' does not exist. GET /v1/models lists those that do.",
                               id.substr(0, 200)),
                   {}, "model_not_found");
  const Json json = model_json(*model, id);
  co_await call.reply(json);
}

}  // namespace parley::server
