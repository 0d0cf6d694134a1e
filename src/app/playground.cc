// Completions and chats with every parameter, and how text becomes tokens.
#include <exception>

#include "app/call.h"
#include "data/token_shard.h"
#include "server/chat.h"
#include "server/chat_messages.h"
#include "server/completion_logprobs.h"
#include "server/completions.h"

namespace parley::app {
namespace {

constexpr size_t kMostShownText = 512 * 1024;  // bytes

Json tokens_json(const tokenizer::Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  Json tokens = Json::array();
  for (const int32_t id : ids)
    tokens.push_back({{"id", id},
                      {"text", server::token_text(tokenizer, id)},
                      {"special", tokenizer.is_special(id)}});
  return tokens;
}

void check_size(const Call& call) {
  if (call.exchange.request().body.size() > kMostShownText)
    throw ApiError(413, fmt::format("That is too much to show as tokens: at most {} KB.",
                                    kMostShownText / 1024));
}

http::Task render(Call& call) {
  check_size(call);
  const Json body = call.body();
  auto work = [&] {
    Fields fields(body);
    const auto model = find_model(call.services.models, fields.string("model").value_or(""));
    const std::vector<text::Message> messages = server::read_messages(fields, server::Tools{});
    fields.reject_unknown();
    const tokenizer::Tokenizer& tokenizer = model->model().tokenizer;
    try {
      const std::vector<int32_t> ids =
          text::chat_ids(model->model(), model->chat_format(), messages);
      return Json({{"prompt", tokenizer.decode(ids)}, {"tokens", tokens_json(tokenizer, ids)}});
    } catch (const base::Error& error) {  // the template refuses the conversation
      server::bad_request("messages", fmt::format("Invalid 'messages': {}", error.what()),
                          "invalid_value");
    }
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

http::Task tokenize(Call& call) {
  check_size(call);
  const Json body = call.body();
  auto work = [&] {
    Fields fields(body);
    const auto model = find_model(call.services.models, fields.string("model").value_or(""));
    const std::string text = fields.required_string("text");
    fields.reject_unknown();
    const tokenizer::Tokenizer& tokenizer = model->model().tokenizer;
    return Json({{"tokens", tokens_json(tokenizer, tokenizer.encode(text))}});
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

// An endpoint of the OpenAI API for the session's user: what it takes counts in their quota,
// however it ends.
http::Task forward(Call& call, http::Task (*endpoint)(server::Call&)) {
  auto check = [&] { check_quota(call.services.store, call.services.options, call.user); };
  co_await call.blocking(check);
  server::Call inner{.exchange = call.exchange, .services = call.services.api};
  inner.client = data::fnv1a(call.user.id);
  inner.headers = call.headers;
  std::exception_ptr failed;
  try {
    co_await endpoint(inner);
  } catch (...) {
    failed = std::current_exception();
  }
  const int64_t tokens = inner.answers > 0 ? inner.prompt_tokens + inner.answer_tokens : 0;
  auto count = [&] { count_tokens(call.services.store, call.user, tokens); };
  co_await call.blocking(count);
  if (failed) std::rethrow_exception(failed);
}

http::Task complete(Call& call) { return forward(call, server::completions); }
http::Task chat(Call& call) { return forward(call, server::chat_completions); }

}  // namespace

std::vector<Route> playground_routes() {
  return {
      {"POST", "/app/api/playground/render", Access::kUser, render},
      {"POST", "/app/api/playground/tokenize", Access::kUser, tokenize},
      {"POST", "/app/api/playground/completions", Access::kUser, complete},
      {"POST", "/app/api/playground/chat", Access::kUser, chat},
  };
}

}  // namespace parley::app
