// What every endpoint stands on: the models, the limits, and who asks.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "server/fields.h"
#include "server/generation.h"
#include "server/grammar_cache.h"
#include "server/served_model.h"

namespace parley::server {

struct ApiOptions {
  bool truncate_chats = false;  // when a request does not say: leave out the oldest turns
  double request_seconds = 0;   // the longest answer; 0: no limit
  bool log_prompts = false;     // what users write, at level debug
};

// Shared by all requests.
struct Services {
  ModelRegistry& models;
  GrammarCache& grammars;
  boost::asio::thread_pool& pool;  // for work that would keep connections waiting
  ApiOptions options;
};

// One request: what the endpoints tell the layer above it.
struct Call {
  http::Exchange& exchange;
  const Services& services;
  uint64_t client = 0;      // who asks, as a number: clients take turns
  http::Headers headers{};  // that every answer to this call carries (limits, versions)
  // For limits and metrics.
  int64_t prompt_tokens = 0, cached_tokens = 0, answer_tokens = 0, answers = 0;
  Clock::time_point first_token{}, last_token{};
  std::string model{};  // id

  Clock::time_point deadline() const;
  // The model of the request's "model" field. ApiError 404 model_not_found.
  std::shared_ptr<ServedModel> find_model(Fields& fields);
  // Before the first byte of an answer: a chance to refuse (ApiError 429), given the tokens of the
  // prompts and the most an answer may have.
  std::function<void(int64_t prompt_tokens, int64_t max_tokens)> admit{};

  // Begins answers, which end when the client leaves. ApiError as Generation.
  boost::asio::awaitable<std::shared_ptr<Generation>> generate(std::shared_ptr<ServedModel> model,
                                                               GenerationOptions options);
  http::Task reply(const Json& json);
  http::Task begin_events();
  // The headers of every answer: `headers`, and how long it took so far.
  http::Headers answer_headers() const;
  // Adds up what an answer took; `first` of its prompt's answers: the others find the prompt
  // cached.
  void count(const AnswerEnd& end, bool first);
};

// Whether a request is read in no time, so that it may be read where it arrives: a short one,
// without a grammar to compile.
bool is_small(const http::Request& request, const Json& body);

// {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details"}
Json usage_json(const Call& call);

// "chatcmpl-" and 24 random letters and digits.
std::string make_id(std::string_view prefix);
int64_t unix_time();

// Compact JSON, whatever bytes the strings hold.
std::string dump(const Json& json);

// Runs `work` on the pool, while the connections go on; small work at once.
template <typename Work>
auto offload(const Services& services, bool small, Work work)
    -> boost::asio::awaitable<decltype(work())>;

}  // namespace parley::server

#include "server/offload-inl.h"
