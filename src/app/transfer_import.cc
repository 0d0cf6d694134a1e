#include "app/transfer_import.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "app/conversations.h"
#include "app/title.h"
#include "tokenizer/unicode.h"

namespace parley::app {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMostProblems = 50;
constexpr size_t kMostMessages = 50'000;            // of a conversation
constexpr store::Time kLatest = 4'102'444'800'000;  // the year 2100

// One message as either format has it, by the file's own ids.
struct Node {
  std::string id, parent;  // parent empty: a root
  bool kept = false;       // said by a user or an assistant
  store::Message message{};
};

struct Import {
  Imported& result;
  const store::Id& user;
  std::string where{};  // "Conversation 3 ('Travel')"

  void problem(std::string_view text) {
    if (result.problems.size() < kMostProblems)
      result.problems.push_back(fmt::format("{}: {}", where, text));
    else if (result.problems.size() == kMostProblems)
      result.problems.emplace_back("There are more problems.");
  }
};

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string shortened(std::string text, size_t bytes) {
  if (text.size() <= bytes) return text;
  text.resize(tokenizer::valid_utf8_prefix(std::string_view(text).substr(0, bytes)));
  return text;
}

// Milliseconds; `scale` of the file's unit.
store::Time time_of(const Json& object, const char* name, double scale) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return 0;
  const double time = found->get<double>() * scale;
  return time > 0 && time < static_cast<double>(kLatest) ? static_cast<store::Time>(time) : 0;
}

// The messages that are kept, under those of their ancestors that are, with ids of their own;
// parents first. `ids`: what became of the file's. Nothing when the nodes are no forest.
std::vector<store::Message> plant(const std::vector<Node>& nodes, const std::string& conversation,
                                  store::Time created,
                                  std::unordered_map<std::string, std::string>& ids,
                                  std::string& wrong) {
  std::unordered_map<std::string, std::vector<const Node*>> children;
  std::unordered_map<std::string, const Node*> by_id;
  for (const Node& node : nodes)
    if (!by_id.emplace(node.id, &node).second) {
      wrong = "two messages have the same id";
      return {};
    }
  std::vector<const Node*> open;
  for (const Node& node : nodes) {
    if (node.parent.empty()) {
      open.push_back(&node);
    } else if (by_id.contains(node.parent)) {
      children[node.parent].push_back(&node);
    } else {
      wrong = "a message follows one that is not there";
      return {};
    }
  }
  // Breadth first, so that parents come before their children and siblings keep their order.
  std::vector<store::Message> messages;
  std::unordered_map<std::string, store::Time> times;
  for (size_t i = 0; i < open.size(); ++i) {
    const Node& node = *open[i];
    const std::string parent = node.parent.empty() ? "" : ids[node.parent];
    const store::Time earliest = parent.empty() ? created : times[parent] + 1;
    if (node.kept) {
      store::Message message = node.message;
      message.id = store::make_id();
      message.conversation = conversation;
      message.parent = parent;
      message.created = std::max(message.created, earliest);
      ids[node.id] = message.id;
      times[message.id] = message.created;
      messages.push_back(std::move(message));
    } else {
      ids[node.id] = parent;
    }
    const auto below = children.find(node.id);
    if (below != children.end())
      open.insert(open.end(), below->second.begin(), below->second.end());
  }
  // What was not reached goes round in a circle.
  if (open.size() != nodes.size()) {
    wrong = "messages follow each other in a circle";
    return {};
  }
  return messages;
}

void finish(Import& reader, store::Conversation conversation, const std::vector<Node>& nodes,
            const std::string& leaf) {
  const auto skip = [&](std::string_view why) {
    reader.problem(fmt::format("not taken, {}", why));
    ++reader.result.skipped;
  };
  if (nodes.size() > kMostMessages)
    return skip(fmt::format("it has more than {} messages", kMostMessages));
  conversation.id = store::make_id();
  conversation.user = reader.user;
  const store::Time now = store::now();
  if (conversation.created <= 0 || conversation.created > now) conversation.created = now;
  std::unordered_map<std::string, std::string> ids;
  std::string wrong;
  auto messages = plant(nodes, conversation.id, conversation.created, ids, wrong);
  if (!wrong.empty()) return skip(wrong);
  if (messages.empty()) return skip("nobody says anything in it");
  const auto known = ids.find(leaf);
  conversation.leaf =
      known != ids.end() && !known->second.empty() ? known->second : messages.back().id;
  conversation.updated = std::max(conversation.updated, conversation.created);
  if (conversation.updated > now) conversation.updated = now;
  if (conversation.title.empty()) conversation.title = make_title(messages.front().content);
  reader.result.conversations.push_back({std::move(conversation), std::move(messages)});
}

// ---- parley's own ----

void read_own_message(Import& reader, const Json& json, std::vector<Node>& nodes) {
  Node node;
  node.id = text_of(json, "id");
  node.parent = text_of(json, "parent");
  store::Message& message = node.message;
  message.role = text_of(json, "role");
  message.content = text_of(json, "content");
  message.created = time_of(json, "created", 1);
  message.model = shortened(text_of(json, "model"), 200);
  const std::string status = text_of(json, "status");
  if (status == "stopped" || status == "interrupted" || status == "error") message.status = status;
  if (status == "streaming") message.status = "interrupted";
  node.kept = message.role == "user" || message.role == "assistant";
  if (!node.kept)
    reader.problem(
        fmt::format("a message of the role '{}' was left out", shortened(message.role, 40)));
  // What is only shown; nothing that would point at things of this server.
  const std::string finish = text_of(json, "finish");
  if (finish == "stop" || finish == "length") message.data["finish"] = finish;
  for (const char* name : {"prompt_tokens", "answer_tokens", "first_token_ms", "total_ms"})
    if (const auto found = json.find(name); found != json.end() && found->is_number_integer())
      message.data[name] = *found;
  if (const auto params = json.find("params"); params != json.end() && params->is_object()) {
    try {
      message.data["params"] = checked_params(*params);
    } catch (const ApiError&) {  // of no use, and no harm
    }
  }
  nodes.push_back(std::move(node));
}

void read_own(Import& reader, const Json& json) {
  store::Conversation conversation;
  conversation.title = shortened(text_of(json, "title"), kMostTitle);
  conversation.system = text_of(json, "system");
  if (conversation.system.size() > kMostSystem) {
    reader.problem("its system prompt is too long and was left out");
    conversation.system.clear();
  }
  conversation.model = shortened(text_of(json, "model"), 200);
  conversation.created = time_of(json, "created", 1);
  conversation.updated = time_of(json, "updated", 1);
  const auto archived = json.find("archived");
  conversation.archived = archived != json.end() && archived->is_boolean() && archived->get<bool>();
  if (const auto params = json.find("params"); params != json.end() && params->is_object()) {
    try {
      conversation.params = checked_params(*params);
    } catch (const ApiError& error) {
      reader.problem(fmt::format("its parameters were left out ({})", error.what()));
    }
  }
  std::vector<Node> nodes;
  const auto messages = json.find("messages");
  static const Json nothing = Json::array();
  const bool some = messages != json.end() && messages->is_array();
  for (const Json& message : some ? *messages : nothing) {
    if (message.is_object())
      read_own_message(reader, message, nodes);
    else
      reader.problem("a message that is no object was left out");
  }
  finish(reader, std::move(conversation), nodes, text_of(json, "leaf"));
}

// ---- ChatGPT's ----

// The texts of content.parts; what is no text (images, calls of tools) gives nothing.
std::string chatgpt_text(Import& reader, const Json& message) {
  const auto content = message.find("content");
  if (content == message.end() || !content->is_object()) return {};
  const std::string type = text_of(*content, "content_type");
  if (!type.empty() && type != "text" && type != "multimodal_text") return {};
  const auto parts = content->find("parts");
  if (parts == content->end() || !parts->is_array()) return {};
  std::string text;
  for (const Json& part : *parts) {
    if (!part.is_string()) {
      reader.problem("something that is no text (a picture, a file) was left out");
      continue;
    }
    if (!text.empty()) text += "\n\n";
    text += part.get_ref<const std::string&>();
  }
  return text;
}

Node read_chatgpt_node(Import& reader, const std::string& id, const Json& json) {
  Node node;
  node.id = id;
  node.parent = text_of(json, "parent");
  const auto message = json.find("message");
  if (message == json.end() || !message->is_object()) return node;
  const auto author = message->find("author");
  if (author == message->end() || !author->is_object()) return node;
  node.message.role = text_of(*author, "role");
  if (node.message.role != "user" && node.message.role != "assistant") return node;
  node.message.content = chatgpt_text(reader, *message);
  node.message.created = time_of(*message, "create_time", 1000);
  if (node.message.role == "assistant") {
    const auto metadata = message->find("metadata");
    if (metadata != message->end() && metadata->is_object())
      node.message.model = shortened(text_of(*metadata, "model_slug"), 200);
    if (text_of(*message, "status") == "in_progress") node.message.status = "interrupted";
  }
  node.kept = !node.message.content.empty();
  return node;
}

void read_chatgpt(Import& reader, const Json& json) {
  store::Conversation conversation;
  conversation.title = shortened(text_of(json, "title"), kMostTitle);
  conversation.created = time_of(json, "create_time", 1000);
  conversation.updated = time_of(json, "update_time", 1000);
  const auto archived = json.find("is_archived");
  conversation.archived = archived != json.end() && archived->is_boolean() && archived->get<bool>();
  std::vector<Node> nodes;
  // Siblings in the order their parent names them; it is the order of the mapping elsewhere too.
  for (const auto& [id, node] : json["mapping"].items()) {
    if (node.is_object())
      nodes.push_back(read_chatgpt_node(reader, id, node));
    else
      reader.problem("a node that is no object was left out");
  }
  std::ranges::stable_sort(nodes, {}, [](const Node& node) { return node.message.created; });
  finish(reader, std::move(conversation), nodes, text_of(json, "current_node"));
}

Json parse(std::string_view text) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  Json json = Json::parse(text, limit_depth, /*allow_exceptions=*/false);
  if (too_deep)
    throw ApiError(400, fmt::format("The file is nested deeper than {} levels.", kMaxDepth), {},
                   "bad_file");
  if (json.is_discarded())
    throw ApiError(400,
                   "The file is no JSON. Choose an export of parley, or conversations.json of "
                   "ChatGPT's export.",
                   {}, "bad_file");
  return json;
}

}  // namespace

Imported read_import(std::string_view text, const store::Id& user) {
  const Json json = parse(text);
  Imported result;
  Import reader{.result = result, .user = user};
  const Json* list = json.is_array() ? &json : nullptr;
  const bool own = json.is_object() && text_of(json, "format") == "parley";
  if (own) {
    const auto version = json.find("version");
    if (version == json.end() || !version->is_number_integer() || version->get<int64_t>() != 1)
      throw ApiError(400, "The export is of a version that this server does not know.", {},
                     "bad_file");
    const auto found = json.find("conversations");
    if (found != json.end() && found->is_array()) list = &*found;
  }
  if (!list)
    throw ApiError(400,
                   "The file is neither an export of parley (\"format\": \"parley\") nor "
                   "conversations.json of ChatGPT's export (a list).",
                   {}, "bad_file");
  for (size_t i = 0; i < list->size(); ++i) {
    const Json& item = (*list)[i];
    reader.where = fmt::format("Conversation {}", i + 1);
    if (item.is_object() && !text_of(item, "title").empty())
      reader.where += fmt::format(" ('{}')", shortened(text_of(item, "title"), 60));
    const auto mapping = item.is_object() ? item.find("mapping") : item.end();
    if (item.is_object() && own) {
      read_own(reader, item);
    } else if (item.is_object() && mapping != item.end() && mapping->is_object()) {
      read_chatgpt(reader, item);
    } else {
      reader.problem("not taken, it is no conversation");
      ++result.skipped;
    }
  }
  return result;
}

}  // namespace parley::app
