// POST /v1/moderations: rules, and the reply says so.
#include "server/moderation.h"

#include "server/routes.h"

namespace parley::server {
namespace {

constexpr size_t kMaxModerated = 1024;

// A text, texts, or parts of text.
std::vector<std::string> read_inputs(Fields& fields) {
  const Json& input = fields.required("input");
  if (input.is_string()) return {input.get<std::string>()};
  if (!input.is_array()) fields.bad_type("input", input, "a string or an array of strings");
  fields.array("input", 1, kMaxModerated);
  std::vector<std::string> texts;
  for (size_t i = 0; i < input.size(); ++i) {
    if (input[i].is_string()) {
      texts.push_back(input[i].get<std::string>());
      continue;
    }
    const std::string path = fmt::format("input[{}]", i);
    Fields part(input[i], path + ".");
    if (const std::string type = part.required_string("type"); type != "text")
      bad_request(path + ".type",
                  fmt::format("Invalid value: '{}'. Parts of type 'text' are supported.",
                              type.substr(0, 100)),
                  "invalid_value");
    texts.push_back(part.required_string("text"));
  }
  return texts;
}

Json moderation_json(const ModerationResult& result) {
  Json categories = Json::object(), scores = Json::object(), types = Json::object();
  for (size_t i = 0; i < kModerationCategories.size(); ++i) {
    const std::string name(kModerationCategories[i]);
    categories[name] = result.categories[i];
    scores[name] = result.scores[i];
    types[name] = {"text"};
  }
  return {{"flagged", result.flagged},
          {"categories", std::move(categories)},
          {"category_scores", std::move(scores)},
          {"category_applied_input_types", std::move(types)}};
}

}  // namespace

http::Task moderations(Call& call) {
  const Json body = parse_body(call.exchange.request().body);
  Fields fields(body);
  const std::vector<std::string> texts = read_inputs(fields);
  fields.string("model");
  fields.reject_unknown();
  const auto work = [&] {
    Json results = Json::array();
    for (const std::string& text : texts) results.push_back(moderation_json(moderate(text)));
    return results;
  };
  const bool small = is_small(call.exchange.request(), body);
  Json results = co_await offload(call.services, small, work);
  const Json json = {
      {"id", make_id("modr-")}, {"model", kModerationModel}, {"results", std::move(results)}};
  co_await call.reply(json);
}

}  // namespace parley::server
