// Conversations to files and back.
#include "app/conversations.h"
#include "app/transfer_import.h"
#include "tokenizer/unicode.h"

namespace parley::app {
namespace {

constexpr int64_t kPage = 20;

Json export_head() { return {{"format", "parley"}, {"version", 1}, {"exported", store::now()}}; }

// "Reise nach Köln" -> "Reise nach Köln.json", without what file systems dislike.
std::string file_name(const store::Conversation& conversation, std::string_view ending) {
  std::string name;
  for (const char c : conversation.title)
    name += std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos || (c >= 0 && c < ' ')
                ? '_'
                : c;
  if (name.size() > 100) name.resize(tokenizer::valid_utf8_prefix(name.substr(0, 100)));
  if (name.empty() || name[0] == '.') name = "conversation" + name;
  return name + std::string(ending);
}

// The branch that is shown, to be read.
std::string markdown(store::Store& store, const store::Conversation& conversation) {
  std::string text =
      fmt::format("# {}\n", conversation.title.empty() ? "Chat" : conversation.title);
  if (!conversation.system.empty()) text += fmt::format("\n> {}\n", conversation.system);
  if (conversation.leaf.empty()) return text;
  for (const store::Message& message : store.branch(conversation.leaf)) {
    const bool user = message.role == "user";
    text += fmt::format("\n## {}\n\n{}\n", user ? "User" : "Assistant", message.content);
    const auto citations = message.data.find("citations");
    if (citations == message.data.end() || !citations->is_array() || citations->empty()) continue;
    text += "\n";
    for (const Json& citation : *citations)
      text += fmt::format("- [{}] {}\n", citation.value("number", int64_t{0}),
                          citation.value("name", std::string()));
  }
  return text;
}

http::Task export_one(Call& call) {
  const std::string format = call.text("format");
  if (!format.empty() && format != "json" && format != "markdown")
    server::bad_request("format", "'format' must be json or markdown.", "invalid_value");
  const bool as_markdown = format == "markdown";
  std::string name;
  auto work = [&] {
    const auto conversation = own_conversation(call.services.store, call.user, call.parts[0]);
    name = file_name(conversation, as_markdown ? ".md" : ".json");
    if (as_markdown) return markdown(call.services.store, conversation);
    Json json = export_head();
    json["conversations"] = Json::array({conversation_json(call.services, conversation)});
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
  };
  std::string bytes = co_await call.blocking(work);
  co_await call.reply_file(std::move(bytes),
                           as_markdown ? "text/markdown; charset=utf-8" : "application/json", name);
}

// Page by page, so that no more than one is in memory.
http::Task export_all(Call& call) {
  http::Response head{.status = 200, .headers = call.headers, .body = {}};
  head.headers.set("Content-Type", "application/json");
  head.headers.set("Cache-Control", "no-store");
  head.headers.set("X-Content-Type-Options", "nosniff");
  head.headers.set("Content-Disposition", "attachment; filename=\"parley.json\"");
  co_await call.exchange.begin(std::move(head));
  std::string text = server::dump(export_head());
  text.back() = ',';
  text += "\"conversations\":[";
  co_await call.exchange.write(text);
  bool first = true;
  for (const bool archived : {false, true}) {
    std::optional<std::pair<store::Time, store::Id>> before;
    bool more = true;
    while (more) {
      auto page = [&] {
        std::string out;
        const auto list = call.services.store.conversations(call.user.id, archived, kPage, before);
        for (const store::Conversation& conversation : list) {
          out += std::exchange(first, false) ? "\n" : ",\n";
          out += server::dump(conversation_json(call.services, conversation));
          before = {conversation.updated, conversation.id};
        }
        more = std::ssize(list) == kPage;
        return out;
      };
      text = co_await call.blocking(page);
      co_await call.exchange.write(text);
    }
  }
  text = "\n]}\n";
  co_await call.exchange.write(text);
  co_await call.exchange.end();
}

http::Task import(Call& call) {
  auto work = [&] {
    Imported read = read_import(call.exchange.request().body, call.user.id);
    int64_t imported = 0;
    Json problems = Json::array();
    for (const Imported::One& one : read.conversations) {
      try {
        call.services.store.import_conversation(one.conversation, one.messages);
        ++imported;
      } catch (const base::Error& error) {  // this one not at all
        ++read.skipped;
        read.problems.push_back(
            fmt::format("'{}' could not be stored: {}", one.conversation.title, error.what()));
      }
    }
    for (const std::string& problem : read.problems) problems.push_back(problem);
    return Json(
        {{"imported", imported}, {"skipped", read.skipped}, {"problems", std::move(problems)}});
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

}  // namespace

std::vector<Route> transfer_routes() {
  return {
      {"GET", "/app/api/conversations/{id}/export", Access::kUser, export_one},
      {"GET", "/app/api/export", Access::kUser, export_all},
      {"POST", "/app/api/import", Access::kUser, import},
  };
}

}  // namespace parley::app
