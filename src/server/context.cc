#include "server/context.h"

#include <chrono>

#include "base/random.h"

namespace parley::server {

Clock::time_point Call::deadline() const {
  const double seconds = services.options.request_seconds;
  if (seconds <= 0) return Clock::time_point::max();
  return exchange.request().received +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

std::shared_ptr<ServedModel> Call::find_model(Fields& fields) {
  const std::string name = fields.required_string("model");
  auto found = services.models.find(name);
  if (!found)
    throw ApiError(404,
                   fmt::format("The model `{}` does not exist or you do not have access to it. "
                               "GET /v1/models lists those that do.",
                               name.substr(0, 200)),
                   {}, "model_not_found");
  model = found->id();
  exchange.note("model", model);
  return found;
}

http::Headers Call::answer_headers() const {
  http::Headers all = headers;
  const auto spent = Clock::now() - exchange.request().received;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(spent).count();
  all.set("openai-processing-ms", std::to_string(ms));
  all.set("openai-version", "2020-10-01");
  return all;
}

boost::asio::awaitable<std::shared_ptr<Generation>> Call::generate(
    std::shared_ptr<ServedModel> served, GenerationOptions options) {
  options.client = client;
  auto generation = std::make_shared<Generation>(std::move(served), std::move(options),
                                                 co_await boost::asio::this_coro::executor);
  exchange.on_disconnect([weak = std::weak_ptr(generation)] {
    if (const auto alive = weak.lock()) alive->cancel();
  });
  co_return generation;
}

http::Task Call::reply(const Json& json) {
  http::Response response{.status = 200, .headers = answer_headers(), .body = dump(json)};
  response.headers.set("Content-Type", "application/json");
  co_await exchange.reply(std::move(response));
}

http::Task Call::begin_events() {
  http::Response response{.status = 200, .headers = answer_headers(), .body = {}};
  response.headers.set("Content-Type", "text/event-stream; charset=utf-8");
  response.headers.set("Cache-Control", "no-cache");
  response.headers.set("X-Accel-Buffering", "no");  // nginx passes pieces on at once
  co_await exchange.begin(std::move(response));
}

void Call::count(const AnswerEnd& end, bool first) {
  if (first) cached_tokens += end.cached_tokens;
  answer_tokens += end.answer_tokens;
  ++answers;
  if (end.answer_tokens > 0 &&
      (first_token == Clock::time_point{} || end.first_token < first_token))
    first_token = end.first_token;
  last_token = std::max(last_token, end.last_token);
}

Json usage_json(const Call& call) {
  return {{"prompt_tokens", call.prompt_tokens},
          {"completion_tokens", call.answer_tokens},
          {"total_tokens", call.prompt_tokens + call.answer_tokens},
          {"prompt_tokens_details", {{"cached_tokens", call.cached_tokens}}}};
}

bool is_small(const http::Request& request, const Json& body) {
  constexpr size_t kSmall = 32 * 1024;
  for (const char* field : {"response_format", "tools", "functions"})
    if (body.contains(field)) return false;
  return request.body.size() < kSmall;
}

std::string make_id(std::string_view prefix) {
  constexpr std::string_view kLetters =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  thread_local base::Philox random(base::random_seed(), 0);
  thread_local uint64_t place = 0;
  std::string id(prefix);
  for (int i = 0; i < 24; ++i) id += kLetters[random.below(place++, kLetters.size())];
  return id;
}

int64_t unix_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace parley::server
