// The tokenizer over HTTP, as vLLM's endpoints of the same names have it.
#include "server/chat_messages.h"
#include "server/completion_logprobs.h"
#include "server/routes.h"

namespace parley::server {
namespace {

// "model" may be left out where there is one model only.
std::shared_ptr<ServedModel> model_or_only(Call& call, Fields& fields) {
  if (fields.find("model")) return call.find_model(fields);
  const auto all = call.services.models.all();
  if (all.size() != 1) return call.find_model(fields);
  return all.front();
}

Json tokenize_json(Fields& fields, const ServedModel& served) {
  const tokenizer::Tokenizer& tokenizer = served.model().tokenizer;
  std::vector<int32_t> ids;
  if (fields.find("messages")) {
    const Tools tools = read_tools(fields);
    const auto messages = read_messages(fields, tools);
    try {
      ids = text::chat_ids(served.model(), served.chat_format(), messages);
    } catch (const base::Error& error) {
      bad_request("messages", fmt::format("Invalid 'messages': {}", error.what()), "invalid_value");
    }
  } else {
    const Json& prompt = fields.required("prompt");
    if (!prompt.is_string()) fields.bad_type("prompt", prompt, "a string");
    const auto& text = prompt.get_ref<const std::string&>();
    ids = fields.boolean("add_special_tokens", false) ? served.model().encode_prompt(text)
                                                      : tokenizer.encode(text);
  }
  Json json = {{"count", ids.size()}, {"max_model_len", served.context()}, {"tokens", ids}};
  if (fields.boolean("return_token_strs", false)) {
    Json texts = Json::array();
    for (const int32_t id : ids) texts.push_back(token_text(tokenizer, id));
    json["token_strs"] = std::move(texts);
  }
  fields.reject_unknown();
  return json;
}

}  // namespace

http::Task tokenize(Call& call) {
  const Json body = parse_body(call.exchange.request().body);
  Fields fields(body);
  const auto model = model_or_only(call, fields);
  const auto work = [&] { return tokenize_json(fields, *model); };
  const Json json = co_await offload(call.services, is_small(call.exchange.request(), body), work);
  co_await call.reply(json);
}

http::Task detokenize(Call& call) {
  const Json body = parse_body(call.exchange.request().body);
  Fields fields(body);
  const auto model = model_or_only(call, fields);
  const tokenizer::Tokenizer& tokenizer = model->model().tokenizer;
  std::vector<int32_t> ids;
  const Json& tokens = fields.required("tokens");
  if (!tokens.is_array()) fields.bad_type("tokens", tokens, "an array of token ids");
  for (const Json& id : tokens) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 ||
        id.get<int64_t>() >= tokenizer.vocab_size())
      bad_request("tokens", fmt::format("Invalid token in 'tokens': {}. Ids are 0 to {}.",
                                        dump(id).substr(0, 100), tokenizer.vocab_size() - 1));
    ids.push_back(id.get<int32_t>());
  }
  fields.reject_unknown();
  const Json json = {{"prompt", tokenizer.decode(ids)}};
  co_await call.reply(json);
}

http::Task tokenizer_info(Call& call) {
  const auto name = call.exchange.request().parameter("model");
  const auto all = call.services.models.all();
  const auto model = name ? call.services.models.find(*name) : all.front();
  if (!model)
    throw ApiError(404, fmt::format("The model '{}' does not exist.", name->substr(0, 200)), {},
                   "model_not_found");
  const text::LoadedModel& loaded = model->model();
  const auto token = [&](int32_t id) {
    return id < 0 ? Json() : Json({{"id", id}, {"text", loaded.tokenizer.token_bytes(id)}});
  };
  const bool plain = model->chat_format() == text::ChatFormat::kPlain;
  const Json json = {
      {"model", model->id()},
      {"vocab_size", loaded.tokenizer.vocab_size()},
      {"max_model_len", model->context()},
      {"bos_token", token(loaded.tokenizer.bos())},
      {"eos_token", token(loaded.tokenizer.eos())},
      {"stop_token_ids", loaded.stop_ids()},
      {"chat_format", plain ? "plain" : "template"},
      {"chat_template",
       loaded.chat_template && !plain ? Json(loaded.chat_template->source()) : Json()}};
  co_await call.reply(json);
}

}  // namespace parley::server
