#include "app/conversations.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "app/jobs.h"
#include "text/text_stream.h"

namespace parley::app {
namespace {

constexpr size_t kMostDraft = 256 * 1024;
constexpr size_t kMostQuery = 1000;
constexpr std::string_view kPath = "/app/api/conversations";

std::string bounded(Fields& fields, const char* name, const std::string& otherwise, size_t most) {
  const auto text = fields.string(name);
  if (!text) return otherwise;
  if (text->size() > most)
    server::bad_request(name, fmt::format("'{}' is longer than {} bytes.", name, most), "too_long");
  return *text;
}

std::string read_title(Fields& fields, const std::string& otherwise) {
  const auto title = fields.string("title");
  if (!title) return otherwise;
  if (text::count_characters(*title) > static_cast<int64_t>(kMostTitle))
    server::bad_request("title", fmt::format("A title has at most {} characters.", kMostTitle),
                        "too_long");
  return *title;
}

// title, system, model, params
void read_fields(Fields& fields, store::Conversation& conversation) {
  conversation.title = read_title(fields, conversation.title);
  conversation.system = bounded(fields, "system", conversation.system, kMostSystem);
  conversation.model = bounded(fields, "model", conversation.model, 200);
  if (const Json* params = fields.object("params")) conversation.params = checked_params(*params);
}

// "TIME_ID", as `next` of a list gives it. ApiError 400.
std::optional<std::pair<store::Time, store::Id>> read_before(const Call& call) {
  const std::string text = call.text("before");
  if (text.empty()) return std::nullopt;
  const size_t bar = text.find('_');
  store::Time time = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + std::min(bar, text.size()), time);
  if (bar == std::string::npos || error != std::errc() || end != text.data() + bar)
    server::bad_request("before", "'before' must be the 'next' of an earlier answer.",
                        "invalid_value");
  return std::pair{time, text.substr(bar + 1)};
}

http::Task list(Call& call) {
  const bool archived = call.number("archived", 0, 0, 1) == 1;
  const int64_t limit = call.number("limit", 50, 1, 200);
  const auto before = read_before(call);
  auto work = [&] {
    // One more than asked for says whether there are more.
    auto found = call.services.store.conversations(call.user.id, archived, limit + 1, before);
    Json next;
    if (std::ssize(found) > limit) {
      found.resize(static_cast<size_t>(limit));
      next = fmt::format("{}_{}", found.back().updated, found.back().id);
    }
    Json summaries = Json::array();
    for (const auto& conversation : found) summaries.push_back(to_json(conversation));
    return Json({{"conversations", std::move(summaries)}, {"next", std::move(next)}});
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

http::Task make(Call& call) {
  const Json body = call.exchange.request().body.empty() ? Json::object() : call.body();
  Fields fields(body);
  store::Conversation conversation{.id = store::make_id(), .user = call.user.id};
  read_fields(fields, conversation);
  fields.reject_unknown();
  conversation.created = conversation.updated = store::now();
  auto work = [&] {
    call.services.store.add_conversation(conversation);
    return conversation_json(call.services, conversation);
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json, 201);
}

http::Task show(Call& call) {
  auto work = [&] {
    return conversation_json(call.services,
                             own_conversation(call.services.store, call.user, call.parts[0]));
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

http::Task change(Call& call) {
  const Json body = call.body();
  auto work = [&] {
    store::Store& store = call.services.store;
    const auto leaf = Fields(body).string("leaf");
    if (leaf) {
      const auto message = store.message(call.user.id, *leaf);
      if (!message || message->conversation != call.parts[0]) throw not_found("message");
    }
    const auto apply = [&](store::Conversation& conversation) {
      Fields fields(body);
      read_fields(fields, conversation);
      conversation.archived = fields.boolean("archived", conversation.archived);
      conversation.leaf = fields.string("leaf").value_or(conversation.leaf);
      fields.reject_unknown();
    };
    const auto changed = store.change_conversation(call.user.id, call.parts[0], apply);
    if (!changed) throw not_found("conversation");
    return to_json(*changed);
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

http::Task remove(Call& call) {
  auto work = [&] {
    const auto conversation = own_conversation(call.services.store, call.user, call.parts[0]);
    call.services.jobs.stop_conversation(conversation.id);
    call.services.store.remove_conversation(call.user.id, conversation.id);
  };
  co_await call.blocking(work);
  const Json nothing = Json::object();
  co_await call.reply(nothing);
}

http::Task remove_all(Call& call) {
  auto work = [&] {
    call.services.jobs.stop_user(call.user.id);
    call.services.store.remove_conversations(call.user.id);
  };
  co_await call.blocking(work);
  const Json nothing = Json::object();
  co_await call.reply(nothing);
}

http::Task keep_draft(Call& call) {
  const Json body = call.body();
  Fields fields(body);
  const std::string text = fields.required_string("text");
  fields.reject_unknown();
  if (text.size() > kMostDraft)
    server::bad_request("text", fmt::format("A draft has at most {} bytes.", kMostDraft),
                        "too_long");
  auto work = [&] {
    if (call.parts[0] != "new") own_conversation(call.services.store, call.user, call.parts[0]);
    call.services.store.set_draft(call.user.id, call.parts[0], text);
  };
  co_await call.blocking(work);
  const Json nothing = Json::object();
  co_await call.reply(nothing);
}

http::Task show_draft(Call& call) {
  auto work = [&] {
    auto& store = call.services.store;
    if (call.parts[0] == "new") return store.new_draft(call.user.id);
    return own_conversation(store, call.user, call.parts[0]).draft;
  };
  Json json = Json::object();
  json["text"] = co_await call.blocking(work);
  co_await call.reply(json);
}

http::Task find(Call& call) {
  const std::string query = call.text("q");
  const int64_t limit = call.number("limit", 30, 1, 100);
  if (query.size() > kMostQuery)
    server::bad_request("q", fmt::format("'q' is longer than {} bytes.", kMostQuery), "too_long");
  auto work = [&] {
    Json hits = Json::array();
    for (const auto& hit : call.services.store.search(call.user.id, query, limit))
      hits.push_back({{"conversation", hit.conversation},
                      {"title", hit.title},
                      {"message", hit.message.empty() ? Json() : Json(hit.message)},
                      {"role", hit.role.empty() ? Json() : Json(hit.role)},
                      {"snippet", hit.snippet},
                      {"created", hit.created}});
    return Json({{"hits", std::move(hits)}});
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

}  // namespace

store::Conversation own_conversation(store::Store& store, const store::User& user,
                                     const store::Id& id) {
  auto conversation = store.conversation(user.id, id);
  if (!conversation) throw not_found("conversation");
  return std::move(*conversation);
}

std::vector<store::Message> messages_of(const Services& services,
                                        const store::Conversation& conversation) {
  auto messages = services.store.messages(conversation.id);
  const store::Time stale = store::now() - kStaleAfter;
  const bool abandoned = std::ranges::any_of(messages, [&](const store::Message& message) {
    return message.status == "streaming" && message.heartbeat < stale &&
           !services.jobs.has(message.id);
  });
  if (!abandoned) return messages;
  services.store.interrupt_stale(stale);
  return services.store.messages(conversation.id);
}

Json messages_json(store::Store& store, const std::vector<store::Message>& messages) {
  std::vector<store::Id> ids;
  for (const store::Message& message : messages) ids.push_back(message.id);
  std::unordered_map<store::Id, std::vector<store::Feedback>> feedback;
  if (!ids.empty())
    for (store::Feedback& one : store.feedback_of(ids)) {
      const store::Id message = one.message;
      feedback[message].push_back(std::move(one));
    }
  Json list = Json::array();
  for (const store::Message& message : messages)
    list.push_back(to_json(message, feedback[message.id]));
  return list;
}

Json conversation_json(const Services& services, const store::Conversation& conversation) {
  Json json = to_json(conversation);
  json["messages"] = messages_json(services.store, messages_of(services, conversation));
  json["summaries"] = Json::array();
  for (const store::Summary& summary : services.store.summaries(conversation.id))
    json["summaries"].push_back(
        {{"before", summary.before}, {"text", summary.text}, {"tokens", summary.tokens}});
  return json;
}

std::vector<Route> conversation_routes() {
  const std::string all(kPath), one = all + "/{id}";
  return {
      {"GET", all, Access::kUser, list},
      {"POST", all, Access::kUser, make},
      {"DELETE", all, Access::kUser, remove_all},
      {"GET", one, Access::kUser, show},
      {"PATCH", one, Access::kUser, change},
      {"DELETE", one, Access::kUser, remove},
      {"PUT", one + "/draft", Access::kUser, keep_draft},
      {"GET", one + "/draft", Access::kUser, show_draft},
      {"GET", "/app/api/search", Access::kUser, find},
  };
}

}  // namespace parley::app
