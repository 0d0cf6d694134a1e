#include "app/feedback.h"

#include <charconv>

#include "app/prompt_text.h"

namespace parley::app {
namespace {

constexpr size_t kMostComment = 8000, kMostCorrection = 256 * 1024, kMostReason = 200;  // bytes

// The user's own answer, ready to be judged. ApiError.
store::Message read_answer(const Call& call, const std::string& id, const char* param) {
  auto message = call.services.store.message(call.user.id, id);
  if (!message) throw not_found("message");
  if (message->role != "assistant")
    server::bad_request(param, "Feedback is about answers, not about your own messages.",
                        "not_an_answer");
  if (message->status == "streaming")
    throw ApiError(409, "This answer is not finished yet. Wait for its end, or stop it.", param,
                   "unfinished");
  if (trim(message->content).empty())
    server::bad_request(param, "There is no answer here to judge: it failed, or is empty.",
                        "no_answer");
  return std::move(*message);
}

// What the model was given; where that was not kept (conversations that were imported), the turns
// before the answer.
Json messages_before(store::Store& store, const Call& call, const store::Message& answer) {
  if (answer.prompt.is_object()) {
    const auto kept = answer.prompt.find("messages");
    if (kept != answer.prompt.end() && kept->is_array() && !kept->empty()) return *kept;
  }
  Json messages = Json::array();
  const auto conversation = store.conversation(call.user.id, answer.conversation);
  if (conversation && !conversation->system.empty())
    messages.push_back({{"role", "system"}, {"content", conversation->system}});
  for (const store::Message& message : store.branch(answer.id))
    if (message.id != answer.id && !trim(message.content).empty())
      messages.push_back({{"role", message.role}, {"content", message.content}});
  return messages;
}

Json data_of(const store::Message& message, const char* name) {
  const auto it = message.data.find(name);
  return it == message.data.end() ? Json() : *it;
}

Json context_of(store::Store& store, const Call& call, const store::Message& answer) {
  return {{"model", answer.model},
          {"params", data_of(answer, "params")},
          {"finish", data_of(answer, "finish")},
          {"status", answer.status},
          {"parent", answer.parent},
          {"messages", messages_before(store, call, answer)},
          {"answer", answer.content}};
}

std::string bounded(std::optional<std::string> text, const char* name, size_t most) {
  if (!text) return {};
  if (text->size() > most)
    server::bad_request(name, fmt::format("'{}' has at most {} bytes.", name, most), "too_long");
  return std::move(*text);
}

void read_rating(const Call& call, Fields& fields, store::Feedback& feedback) {
  const store::Message answer = read_answer(call, fields.required_string("message"), "message");
  feedback.message = answer.id;
  fields.required("rating");
  feedback.rating = *fields.integer("rating", -1, 1);
  if (feedback.rating == 0) server::bad_request("rating", "'rating' is 1 or -1.", "invalid_value");
  if (const Json* reasons = fields.array("reasons", 0, 20)) {
    feedback.reasons = Json::array();
    for (const Json& reason : *reasons) {
      if (!reason.is_string()) fields.bad_type("reasons", reason, "an array of strings");
      feedback.reasons.push_back(bounded(reason.get<std::string>(), "reasons", kMostReason));
    }
  }
  feedback.model = answer.model;
  feedback.context = context_of(call.services.store, call, answer);
}

void read_comparison(const Call& call, Fields& fields, store::Feedback& feedback) {
  const store::Message chosen = read_answer(call, fields.required_string("chosen"), "chosen");
  const store::Message rejected = read_answer(call, fields.required_string("rejected"), "rejected");
  if (chosen.id == rejected.id)
    server::bad_request("rejected", "An answer cannot be compared with itself.", "same_answer");
  if (chosen.parent != rejected.parent || chosen.conversation != rejected.conversation)
    server::bad_request("rejected", "Only answers to the same message can be compared.",
                        "different_prompts");
  feedback.message = chosen.id;
  feedback.other = rejected.id;
  feedback.tie = fields.boolean("tie", false);
  feedback.model = chosen.model;
  feedback.context = context_of(call.services.store, call, chosen);
  feedback.context["other"] = rejected.content;
  feedback.context["other_model"] = rejected.model;
  feedback.context["other_params"] = data_of(rejected, "params");
}

void read_correction(const Call& call, Fields& fields, store::Feedback& feedback) {
  const store::Message answer = read_answer(call, fields.required_string("message"), "message");
  feedback.message = answer.id;
  feedback.text = bounded(fields.required_string("text"), "text", kMostCorrection);
  if (trim(feedback.text).empty())
    server::bad_request("text", "The corrected answer is empty.", "empty");
  if (trim(feedback.text) == trim(answer.content))
    server::bad_request("text", "The corrected answer is the same as the answer.", "unchanged");
  feedback.model = answer.model;
  feedback.context = context_of(call.services.store, call, answer);
}

http::Task add_feedback(Call& call) {
  const Json body = call.body();
  auto add = [&] {
    Fields fields(body);
    store::Feedback feedback{.id = store::make_id(), .user = call.user.id};
    feedback.kind = fields.required_string("kind");
    if (feedback.kind == "rating")
      read_rating(call, fields, feedback);
    else if (feedback.kind == "comparison")
      read_comparison(call, fields, feedback);
    else if (feedback.kind == "correction")
      read_correction(call, fields, feedback);
    else
      server::bad_request("kind", "'kind' is 'rating', 'comparison' or 'correction'.",
                          "invalid_value");
    feedback.comment = bounded(fields.string("comment"), "comment", kMostComment);
    fields.reject_unknown();
    feedback.created = store::now();
    call.services.store.add_feedback(feedback);
    return to_json(feedback);
  };
  const Json json = co_await call.blocking(add);
  co_await call.reply(json);
}

http::Task remove_feedback(Call& call) {
  auto remove = [&] { call.services.store.remove_feedback(call.user.id, call.parts[0]); };
  co_await call.blocking(remove);
  const Json nothing = Json::object();
  co_await call.reply(nothing);
}

// Feedback of admins' `all=1` is everybody's. ApiError 403.
store::Id whose(const Call& call) {
  const bool all = call.number("all", 0, 0, 1) == 1;
  if (all && call.user.role != "admin")
    throw ApiError(403, "Only administrators see the feedback of others.", {}, "admin_only");
  return all ? store::Id() : call.user.id;
}

// "TIME_ID"
std::optional<std::pair<store::Time, store::Id>> read_cursor(const Call& call) {
  const std::string before = call.text("before");
  if (before.empty()) return std::nullopt;
  const size_t end = before.find('_');
  std::pair<store::Time, store::Id> cursor{0,
                                           end == std::string::npos ? "" : before.substr(end + 1)};
  const char* const last = before.data() + std::min(end, before.size());
  const auto [at, error] = std::from_chars(before.data(), last, cursor.first);
  if (error != std::errc() || at != last || cursor.second.empty())
    server::bad_request("before", "'before' is what an answer gave as 'next'.", "invalid_value");
  return cursor;
}

// What the answer was to: the last message of the prompt.
std::string question_of(const store::Feedback& feedback) {
  const auto messages = feedback.context.find("messages");
  if (messages == feedback.context.end() || !messages->is_array() || messages->empty()) return {};
  const Json& last = messages->back();
  const auto content = last.find("content");
  return content != last.end() && content->is_string() ? content->get<std::string>()
                                                       : std::string();
}

http::Task list_feedback(Call& call) {
  const store::Id user = whose(call);
  const std::string kind = call.text("kind");
  if (!kind.empty() && kind != "rating" && kind != "comparison" && kind != "correction")
    server::bad_request("kind", "'kind' is 'rating', 'comparison' or 'correction'.",
                        "invalid_value");
  const int64_t limit = call.number("limit", 50, 1, 200);
  const auto before = read_cursor(call);
  auto read = [&] { return call.services.store.feedback(user, kind, limit, before); };
  const std::vector<store::Feedback> found = co_await call.blocking(read);
  Json list = Json::array();
  for (const store::Feedback& feedback : found) {
    Json row = to_json(feedback);
    row["prompt"] = question_of(feedback);
    row["answer"] = context_text(feedback, "answer");
    row["other"] = context_text(feedback, "other");
    list.push_back(std::move(row));
  }
  const bool more = std::ssize(found) == limit;
  const Json json = {
      {"feedback", std::move(list)},
      {"next", more ? Json(fmt::format("{}_{}", found.back().created, found.back().id)) : Json()}};
  co_await call.reply(json);
}

http::Task show_stats(Call& call) {
  // Administrators see what all have given; others their own.
  const bool all = call.user.role == "admin";
  auto count = [&] {
    FeedbackStats stats;
    call.services.store.each_feedback([&](const store::Feedback& feedback) {
      if (all || feedback.user == call.user.id) stats.add(feedback);
    });
    return stats.json();
  };
  const Json json = co_await call.blocking(count);
  co_await call.reply(json);
}

}  // namespace

Json to_json(const store::Feedback& feedback) {
  return {{"id", feedback.id},
          {"kind", feedback.kind},
          {"message", feedback.message},
          {"other", feedback.other.empty() ? Json() : Json(feedback.other)},
          {"rating", feedback.rating},
          {"reasons", feedback.reasons},
          {"comment", feedback.comment},
          {"text", feedback.text},
          {"tie", feedback.tie},
          {"model", feedback.model},
          {"created", feedback.created},
          {"user", feedback.user}};
}

std::vector<Route> feedback_routes() {
  return {
      {"POST", "/app/api/feedback", Access::kUser, add_feedback},
      {"GET", "/app/api/feedback", Access::kUser, list_feedback},
      {"GET", "/app/api/feedback/stats", Access::kUser, show_stats},
      {"DELETE", "/app/api/feedback/{id}", Access::kUser, remove_feedback},
  };
}

}  // namespace parley::app
