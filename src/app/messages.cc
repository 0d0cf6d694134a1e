// Messages: asking, asking again, going on, stopping.
#include <algorithm>

#include "app/answering.h"
#include "app/conversations.h"
#include "app/jobs.h"
#include "app/prompt.h"
#include "app/stream.h"
#include "app/title.h"

namespace parley::app {
namespace {

constexpr size_t kMostContent = 1024 * 1024;
constexpr size_t kMostDocuments = 20;
constexpr std::chrono::seconds kStopTime{30};

Json answers_json(const std::vector<store::Message>& answers) {
  Json list = Json::array();
  for (const store::Message& answer : answers) list.push_back(to_json(answer));
  return list;
}

// The documents a message is sent with. ApiError 404.
Json read_documents(const Call& call, Fields& fields) {
  Json documents = Json::array();
  const Json* ids = fields.array("documents", 0, kMostDocuments);
  if (!ids) return documents;
  for (const Json& id : *ids) {
    if (!id.is_string()) fields.bad_type("documents", id, "an array of ids");
    const auto document = call.services.store.document(call.user.id, id.get<std::string>());
    if (!document) throw not_found("document");
    documents.push_back({{"id", document->id}, {"name", document->name}});
  }
  return documents;
}

// What the message is a child of; nothing for a root. ApiError.
std::optional<store::Message> read_parent(const Call& call, Fields& fields,
                                          const store::Conversation& conversation) {
  const auto id = fields.string("parent");
  if (!id) return std::nullopt;
  auto parent = own_message(call.services, call.user, *id);
  if (parent.conversation != conversation.id) throw not_found("message");
  if (parent.role != "assistant")
    server::bad_request("parent", "A message follows an answer, or is the first of a branch.",
                        "invalid_value");
  if (parent.status == "streaming")
    throw ApiError(409, "The answer is still being written. Stop it first, or wait.", {},
                   "streaming");
  return parent;
}

// Saves what the message asks to be remembered; null when nothing is.
Json save_memory(const Call& call, const store::Conversation& conversation,
                 const std::string& text) {
  if (text.empty()) return nullptr;
  store::Store& store = call.services.store;
  store::Memory memory{.id = store::make_id(), .user = call.user.id, .text = text};
  memory.source = conversation.id;
  memory.created = memory.updated = store::now();
  try {
    store.add_memory(memory);
  } catch (const store::Conflict&) {  // known already
    return nullptr;
  }
  return to_json(memory);
}

Json ask(const Call& call, const Json& body) {
  store::Store& store = call.services.store;
  const auto conversation = own_conversation(store, call.user, call.parts[0]);
  Fields fields(body);
  const auto parent = read_parent(call, fields, conversation);
  store::Message message{.id = store::make_id(),
                         .conversation = conversation.id,
                         .parent = parent ? parent->id : "",
                         .role = "user"};
  message.content = fields.required_string("content");
  if (message.content.find_first_not_of(" \t\r\n\v\f") == std::string::npos)
    server::bad_request("content", "The message is empty.", "empty");
  if (message.content.size() > kMostContent)
    server::bad_request("content", fmt::format("A message has at most {} bytes.", kMostContent),
                        "too_long");
  message.created = std::max(store::now(), parent ? parent->created + 1 : 0);
  message.data["documents"] = read_documents(call, fields);
  AnswerRequest request{.conversation = conversation, .branch = {}};
  request.answers = fields.integer("answers", 1, 2).value_or(1);
  fields.reject_unknown();

  check_quota(store, call.services.options, call.user);
  const MemoryHint hint = memory_hint(call.user, message.content);
  const Json saved = save_memory(call, conversation, hint.save);
  if (!saved.is_null()) message.data["saved_memory"] = saved;
  if (!hint.suggest.empty()) message.data["suggested_memory"] = hint.suggest;
  if (parent) request.branch = store.branch(parent->id);
  request.branch.push_back(message);
  request.before = {message};
  std::vector<store::Message> answers;
  try {
    answers = begin_answers(call.services, call.user, std::move(request));
  } catch (...) {  // nothing was said, so nothing is remembered
    if (!saved.is_null()) store.remove_memory(call.user.id, saved["id"].get<std::string>());
    throw;
  }
  if (conversation.title.empty())
    store.change_conversation(call.user.id, conversation.id, [&](store::Conversation& now) {
      if (now.title.empty()) now.title = make_title(message.content);
    });
  if (!conversation.draft.empty()) store.set_draft(call.user.id, conversation.id, "");
  return {{"user", to_json(message)}, {"answers", answers_json(answers)}};
}

http::Task send_message(Call& call) {
  const Json body = call.body();
  auto work = [&] { return ask(call, body); };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json, 201);
}

Json body_or_nothing(const Call& call) {
  return call.exchange.request().body.empty() ? Json::object() : call.body();
}

http::Task regenerate(Call& call) {
  const Json body = body_or_nothing(call);
  auto work = [&] {
    const auto message = own_message(call.services, call.user, call.parts[0]);
    const auto conversation =
        own_conversation(call.services.store, call.user, message.conversation);
    Fields fields(body);
    AnswerRequest request{.conversation = conversation, .branch = {}};
    request.model = fields.string("model").value_or("");
    if (const Json* params = fields.object("params")) request.params = checked_params(*params);
    fields.reject_unknown();
    // Of a question that has no answer yet: its first.
    const bool question = message.role == "user";
    if (!question && message.parent.empty())
      throw ApiError(400, "This answer has no question.", {}, "no_question");
    request.branch = call.services.store.branch(question ? message.id : message.parent);
    return Json(
        {{"answers", answers_json(begin_answers(call.services, call.user, std::move(request)))}});
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

http::Task go_on(Call& call) {
  auto work = [&] {
    const auto message = own_message(call.services, call.user, call.parts[0]);
    if (message.role != "assistant")
      throw ApiError(400, "Only answers can go on.", {}, "not_an_answer");
    if (message.status == "streaming")
      throw ApiError(409, "This answer is being written already.", {}, "streaming");
    const auto conversation =
        own_conversation(call.services.store, call.user, message.conversation);
    AnswerRequest request{.conversation = conversation,
                          .branch = call.services.store.branch(message.id),
                          .continued = true};
    // With the model that began it, if it is still there.
    const std::string model = message.model.substr(0, message.model.rfind('@'));
    if (call.services.models.find(model)) request.model = model;
    return Json(
        {{"answers", answers_json(begin_answers(call.services, call.user, std::move(request)))}});
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

http::Task stop(Call& call) {
  auto find = [&] { return own_message(call.services, call.user, call.parts[0]); };
  store::Message message = co_await call.blocking(find);
  const auto until = server::Clock::now() + kStopTime;
  const auto executor = co_await boost::asio::this_coro::executor;
  if (const auto listener = call.services.jobs.listen(message.id, executor)) {
    call.services.jobs.stop(message.id);
    while (server::Clock::now() < until) {
      const auto update = co_await listener->next(until);
      if (update.done) break;
    }
  } else if (message.status == "streaming") {
    co_await stop_elsewhere(call, message.id);
  }
  auto read = [&] {
    const auto now = own_message(call.services, call.user, call.parts[0]);
    return messages_json(call.services.store, {now})[0];
  };
  const Json json = co_await call.blocking(read);
  co_await call.reply(json);
}

http::Task show_message(Call& call) {
  auto read = [&] {
    const auto message = own_message(call.services, call.user, call.parts[0]);
    return messages_json(call.services.store, {message})[0];
  };
  const Json json = co_await call.blocking(read);
  co_await call.reply(json);
}

}  // namespace

store::Message own_message(const Services& services, const store::User& user, const store::Id& id) {
  auto message = services.store.message(user.id, id);
  if (!message) throw not_found("message");
  const store::Time stale = store::now() - kStaleAfter;
  if (message->status == "streaming" && message->heartbeat < stale && !services.jobs.has(id)) {
    services.store.interrupt_stale(stale);
    message = services.store.message(user.id, id);
    if (!message) throw not_found("message");
  }
  return std::move(*message);
}

std::vector<Route> message_routes() {
  return {
      {"POST", "/app/api/conversations/{id}/messages", Access::kUser, send_message},
      {"POST", "/app/api/messages/{id}/regenerate", Access::kUser, regenerate},
      {"POST", "/app/api/messages/{id}/continue", Access::kUser, go_on},
      {"POST", "/app/api/messages/{id}/stop", Access::kUser, stop},
      {"GET", "/app/api/messages/{id}", Access::kUser, show_message},
      {"GET", "/app/api/messages/{id}/stream", Access::kUser, stream_message},
  };
}

}  // namespace parley::app
