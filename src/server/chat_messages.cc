#include "server/chat_messages.h"

#include <algorithm>
#include <cctype>

namespace parley::server {
namespace {

constexpr size_t kMaxMessages = 10'000;

// Text, or an array of {"type": "text", "text"}; none when missing.
std::optional<std::string> read_content(Fields& message) {
  const Json* content = message.find("content");
  if (!content) return std::nullopt;
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array())
    message.bad_type("content", *content, "a string or an array of content parts");
  std::string text;
  for (size_t i = 0; i < content->size(); ++i) {
    const std::string path = fmt::format("{}[{}]", message.path("content"), i);
    Fields part((*content)[i], path + ".");
    const std::string type = part.required_string("type");
    if (type != "text" && type != "refusal")
      bad_request(path + ".type",
                  fmt::format("Invalid value: '{}'. This model reads text only: parts of type "
                              "'text' are supported.",
                              type.substr(0, 100)),
                  "invalid_value");
    text += part.required_string(type);
  }
  return text;
}

// An assistant's message with the calls it made.
std::string read_assistant(Fields& message, std::vector<std::string>& open_calls) {
  std::optional<std::string> content = read_content(message);
  const Json* calls = message.array("tool_calls", 1, 128);
  const Json* call = message.object("function_call");
  if (!content && !calls && !call) {
    if (const auto refusal = message.string("refusal")) return *refusal;
    bad_request(message.path("content"),
                fmt::format("Invalid value for '{}': expected a string, unless there are "
                            "'tool_calls' or a 'function_call'.",
                            message.path("content")),
                "invalid_value");
  }
  std::string text = content.value_or("");
  const auto append = [&](Fields function) {
    if (!text.empty()) text += '\n';
    const std::string name = function.required_string("name");
    text += call_text(name, function.required_string("arguments"));
  };
  for (size_t i = 0; calls && i < calls->size(); ++i) {
    const std::string path = fmt::format("{}[{}].", message.path("tool_calls"), i);
    Fields each((*calls)[i], path);
    open_calls.push_back(each.required_string("id"));
    append(Fields(each.required("function"), path + "function."));
  }
  if (call) append(Fields(*call, message.path("function_call") + "."));
  return text;
}

// The result of a call, which the conversation must have made.
std::string read_result(Fields& message, const std::vector<std::string>& open_calls,
                        bool after_calls) {
  if (!after_calls)
    bad_request(message.path("role"),
                "Invalid parameter: messages with role 'tool' must be a response to a preceding "
                "message with 'tool_calls'.");
  const std::string id = message.required_string("tool_call_id");
  if (std::ranges::find(open_calls, id) == open_calls.end())
    bad_request(message.path("tool_call_id"),
                fmt::format("Invalid parameter: '{}' is '{}', which is no id of a preceding "
                            "message's 'tool_calls'.",
                            message.path("tool_call_id"), id.substr(0, 100)));
  return result_text(read_content(message).value_or(""));
}

void add_to_system(std::vector<text::Message>& messages, const std::string& text) {
  if (!messages.empty() && messages.front().role == "system")
    messages.front().content += "\n\n" + text;
  else
    messages.insert(messages.begin(), {"system", text});
}

}  // namespace

std::vector<text::Message> read_messages(Fields& fields, const Tools& tools) {
  const Json* list = fields.array("messages", 1, kMaxMessages);
  if (!list) fields.required("messages");
  std::vector<text::Message> messages;
  std::vector<std::string> open_calls;  // ids of the last assistant's message
  std::string last_role;
  for (size_t i = 0; i < list->size(); ++i) {
    Fields message((*list)[i], fmt::format("messages[{}].", i));
    const std::string role = message.required_string("role");
    message.string("name");
    const auto content = [&] {
      auto text = read_content(message);
      if (!text) message.required("content");
      return std::move(*text);
    };
    if (role == "system" || role == "developer") {
      messages.push_back({"system", content()});
    } else if (role == "user") {
      messages.push_back({"user", content()});
    } else if (role == "assistant") {
      open_calls.clear();
      messages.push_back({"assistant", read_assistant(message, open_calls)});
    } else if (role == "tool" || role == "function") {
      std::string text;
      if (role == "tool") {
        text = read_result(message, open_calls, last_role == "assistant" || last_role == "tool");
      } else {
        message.required_string("name");
        text = result_text(content());
      }
      if (last_role == role)  // results of one turn belong together
        messages.back().content += "\n" + text;
      else
        messages.push_back({"user", std::move(text)});
    } else {
      bad_request(message.path("role"),
                  fmt::format("Invalid value: '{}'. Supported values are: 'system', 'developer', "
                              "'user', 'assistant', 'tool' and 'function'.",
                              role.substr(0, 100)),
                  "invalid_value");
    }
    last_role = role;
  }
  if (!tools.empty()) add_to_system(messages, describe_tools(tools));
  return messages;
}

bool mention_json(const std::vector<text::Message>& messages) {
  return std::ranges::any_of(messages, [](const text::Message& message) {
    std::string lower = message.content;
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower.find("json") != std::string::npos;
  });
}

}  // namespace parley::server
