// Users, conversations and messages as docs/app_api.md shows them.
#include "app/call.h"

namespace parley::app {
namespace {

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

Json to_json(const store::User& user) {
  return {{"id", user.id},
          {"name", user.name},
          {"role", user.role},
          {"disabled", user.disabled},
          {"daily_tokens", user.daily_tokens},
          {"created", user.created}};
}

Json to_json(const store::Conversation& conversation) {
  return {{"id", conversation.id},
          {"title", conversation.title},
          {"model", conversation.model},
          {"archived", conversation.archived},
          {"created", conversation.created},
          {"updated", conversation.updated},
          {"system", conversation.system},
          {"params", conversation.params},
          {"leaf", or_null(conversation.leaf)},
          {"draft", conversation.draft}};
}

Json to_json(const store::Message& message, const std::vector<store::Feedback>& feedback) {
  Json json = {{"id", message.id},
               {"conversation", message.conversation},
               {"parent", or_null(message.parent)},
               {"role", message.role},
               {"content", message.content},
               {"created", message.created},
               {"status", message.status},
               {"model", or_null(message.model)},
               {"params", Json::object()},
               {"finish", nullptr},
               {"error", nullptr},
               {"prompt_tokens", 0},
               {"answer_tokens", 0},
               {"first_token_ms", nullptr},
               {"total_ms", nullptr},
               {"documents", Json::array()},
               {"citations", Json::array()},
               {"used_memories", Json::array()},
               {"saved_memory", nullptr},
               {"suggested_memory", nullptr},
               {"dropped", 0},
               {"feedback", Json::array()}};
  if (message.data.is_object())
    for (const char* name : {"params", "finish", "error", "prompt_tokens", "answer_tokens",
                             "first_token_ms", "total_ms", "documents", "citations",
                             "used_memories", "saved_memory", "suggested_memory", "dropped"})
      if (const auto found = message.data.find(name); found != message.data.end())
        json[name] = *found;
  for (const store::Feedback& one : feedback) json["feedback"].push_back(to_json(one));
  return json;
}

}  // namespace parley::app
