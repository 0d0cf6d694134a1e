// What the app remembers of a user: shown, changed and forgotten by them alone.
#include "app/call.h"
#include "app/prompt_text.h"
#include "text/text_stream.h"

namespace parley::app {
namespace {

constexpr int64_t kMostCharacters = 500;
constexpr size_t kMostMemories = 1000;

std::string read_text(Fields& fields) {
  std::string text = one_line(fields.required_string("text"));
  if (text.empty()) server::bad_request("text", "A memory cannot be empty.", "empty");
  const int64_t characters = text::count_characters(text);
  if (characters > kMostCharacters)
    server::bad_request("text",
                        fmt::format("A memory has at most {} characters; this one has {}.",
                                    kMostCharacters, characters),
                        "too_long");
  return text;
}

Json list_of(const std::vector<store::Memory>& memories) {
  Json list = Json::array();
  for (const store::Memory& memory : memories) list.push_back(to_json(memory));
  return list;
}

store::Memory own_memory(const Call& call) {
  for (store::Memory& memory : call.services.store.memories(call.user.id))
    if (memory.id == call.parts[0]) return std::move(memory);
  throw not_found("memory");
}

http::Task list_memories(Call& call) {
  auto read = [&] {
    return Json({{"memories", list_of(call.services.store.memories(call.user.id))}});
  };
  const Json json = co_await call.blocking(read);
  co_await call.reply(json);
}

http::Task add_memory(Call& call) {
  const Json body = call.body();
  Fields fields(body);
  store::Memory memory{.id = store::make_id(), .user = call.user.id, .text = read_text(fields)};
  if (const auto source = fields.string("source")) memory.source = *source;
  fields.reject_unknown();
  memory.created = memory.updated = store::now();
  auto add = [&] {
    store::Store& store = call.services.store;
    const std::vector<store::Memory> all = store.memories(call.user.id);
    if (all.size() >= kMostMemories)
      throw ApiError(409,
                     fmt::format("There are {} memories already, which is the most. Delete some "
                                 "first.",
                                 all.size()),
                     {}, "too_many");
    if (!memory.source.empty() && !store.conversation(call.user.id, memory.source))
      throw not_found("conversation");
    try {
      store.add_memory(memory);
    } catch (const store::Conflict&) {
      throw ApiError(409, "This is remembered already.", "text", "exists");
    }
  };
  co_await call.blocking(add);
  const Json json = to_json(memory);
  co_await call.reply(json, 201);
}

http::Task change_memory(Call& call) {
  const Json body = call.body();
  auto change = [&] {
    store::Memory memory = own_memory(call);
    Fields fields(body);
    if (fields.find("text")) memory.text = read_text(fields);
    memory.enabled = fields.boolean("enabled", memory.enabled);
    fields.reject_unknown();
    memory.updated = store::now();
    try {
      call.services.store.update_memory(memory);
    } catch (const store::Conflict&) {
      throw ApiError(409, "Another memory says the same.", "text", "exists");
    }
    return to_json(memory);
  };
  const Json json = co_await call.blocking(change);
  co_await call.reply(json);
}

http::Task remove_memory(Call& call) {
  auto remove = [&] { call.services.store.remove_memory(call.user.id, own_memory(call).id); };
  co_await call.blocking(remove);
  const Json nothing = Json::object();
  co_await call.reply(nothing);
}

http::Task remove_memories(Call& call) {
  auto remove = [&] { call.services.store.remove_memories(call.user.id); };
  co_await call.blocking(remove);
  const Json nothing = Json::object();
  co_await call.reply(nothing);
}

http::Task export_memories(Call& call) {
  auto read = [&] {
    return Json({{"format", "parley-memories"},
                 {"version", 1},
                 {"memories", list_of(call.services.store.memories(call.user.id))}});
  };
  const Json json = co_await call.blocking(read);
  std::string bytes = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  co_await call.reply_file(std::move(bytes), "application/json", "memories.json");
}

}  // namespace

Json to_json(const store::Memory& memory) {
  return {{"id", memory.id},
          {"text", memory.text},
          {"enabled", memory.enabled},
          {"created", memory.created},
          {"updated", memory.updated},
          {"source", memory.source.empty() ? Json() : Json(memory.source)}};
}

std::vector<Route> memory_routes() {
  return {
      {"GET", "/app/api/memories", Access::kUser, list_memories},
      {"POST", "/app/api/memories", Access::kUser, add_memory},
      {"DELETE", "/app/api/memories", Access::kUser, remove_memories},
      {"GET", "/app/api/memories/export", Access::kUser, export_memories},
      {"PATCH", "/app/api/memories/{id}", Access::kUser, change_memory},
      {"DELETE", "/app/api/memories/{id}", Access::kUser, remove_memory},
  };
}

}  // namespace parley::app
