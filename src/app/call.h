// One request to the chat app: who asks, what it stands on, how to answer. docs/app_api.md has the
// endpoints.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/exchange.h"
#include "server/api_error.h"
#include "server/context.h"
#include "server/fields.h"
#include "store/store.h"

namespace parley::app {

using server::ApiError;
using server::Fields;
using server::Json;

struct AppOptions {
  std::string database{};             // see store::Store::open
  std::string address = "127.0.0.1";  // that the server listens on: what Host may say
  bool users = false;  // accounts with passwords; else one local user, without a log-in
  std::string runs{};  // folder of run directories; empty: no training page
  std::string web{};   // serve the app's files from this folder (development); else built in
  std::string summaries =
      "extract";                // of turns that outgrow the context: "extract", "model", "off"
  double flush_seconds = 0.5;   // how often an answer under way is stored
  int64_t daily_tokens = 0;     // quota of users without one of their own; 0: none
  int64_t max_documents = 200;  // of a user
  bool secure_cookies = false;  // behind TLS, or a proxy that speaks it
  // Names the app answers to besides loopback's and its address. None: on an address that is not
  // loopback, any.
  std::vector<std::string> hosts{};
};

class Guard;
class Jobs;

// Shared by all requests.
struct Services {
  store::Store& store;
  server::ModelRegistry& models;
  server::Services& api;           // for endpoints of the OpenAI API under another name
  boost::asio::thread_pool& pool;  // for everything that blocks: the store above all
  Jobs& jobs;
  Guard& guard;
  const AppOptions& options;
};

struct Call {
  http::Exchange& exchange;
  const Services& services;
  store::User user{};                // of routes that need one
  store::Session session{};          // as is
  std::vector<std::string> parts{};  // what stood for the {…} of the route's path, in order
  http::Headers headers{};           // that the answer carries (cookies)

  // The body as a JSON object. ApiError 400.
  Json body() const;
  // A text from the query; empty when it is not there.
  std::string text(std::string_view name) const;
  // A number from the query, clamped to its bounds.
  int64_t number(std::string_view name, int64_t otherwise, int64_t least, int64_t most) const;

  http::Task reply(const Json& json, int status = 200);
  // A file to save.
  http::Task reply_file(std::string bytes, std::string_view type, std::string_view name);

  // Runs `work` (which may block) on the pool and comes back to the connection's strand. Keep
  // `work` in a variable or capture by reference: what it refers to must outlive the co_await.
  template <typename Work>
  auto blocking(Work work) const -> boost::asio::awaitable<decltype(work())>;
};

enum class Access {
  kOpen,     // anybody, with or without a session
  kSession,  // a session, not necessarily a user
  kUser,
  kAdmin
};

struct Route {
  std::string method;
  // "/app/api/conversations/{id}": {…} is one part; {…*} is one or more, with their slashes.
  std::string path;
  Access access;
  std::function<http::Task(Call&)> endpoint;
};

// Each is the routes of one part of docs/app_api.md, in the file of its name.
std::vector<Route> session_routes();       // sessions.cc
std::vector<Route> account_routes();       // accounts.cc
std::vector<Route> conversation_routes();  // conversations.cc
std::vector<Route> transfer_routes();      // transfer.cc: export, import
std::vector<Route> message_routes();       // messages.cc
std::vector<Route> memory_routes();        // memories.cc
std::vector<Route> document_routes();      // documents.cc
std::vector<Route> preset_routes();        // presets.cc
std::vector<Route> feedback_routes();      // feedback.cc
std::vector<Route> playground_routes();    // playground.cc
std::vector<Route> training_routes();      // training.cc

// "2026-11-27", UTC: the days that tokens are counted by.
std::string day_of(store::Time time);
// A user's tokens of the day. Both block.
// ApiError 429 `quota` when they are used up.
void check_quota(store::Store& store, const AppOptions& options, const store::User& user);
void count_tokens(store::Store& store, const store::User& user, int64_t tokens);

// The model of that name, or the first one when it is empty. ApiError 404 model_not_found.
std::shared_ptr<server::ServedModel> find_model(const server::ModelRegistry& models,
                                                const std::string& name);

// 404 with "what" in words ("conversation"), for what is not there or another user's.
ApiError not_found(std::string_view what);

// `params` as docs/app_api.md allows them, without what is null; `path` stands before the names in
// messages ("params."). ApiError 400.
Json checked_params(const Json& params, const std::string& path = "params.");

// A user's settings, with the defaults of those never set.
Json settings_of(const store::User& user);

// Shapes of docs/app_api.md.
Json to_json(const store::User&);
Json to_json(const store::Conversation&);  // Summary
Json to_json(const store::Message&, const std::vector<store::Feedback>& feedback = {});
Json to_json(const store::Memory&);
Json to_json(const store::Document&);
Json to_json(const store::Preset&);
Json to_json(const store::Feedback&);

}  // namespace parley::app

#include "app/blocking-inl.h"
