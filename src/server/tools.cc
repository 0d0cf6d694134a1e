#include "server/tools.h"

#include <algorithm>

#include "server/context.h"

namespace parley::server {
namespace {

constexpr std::string_view kOpen = "<tool_call>";
constexpr std::string_view kName = "\n{\"name\": \"", kArguments = "\", \"arguments\": ";
constexpr std::string_view kClose = "}\n</tool_call>";

bool is_function_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// {"name", "description", "parameters", "strict"}
void read_function(const Json& function, const std::string& path, Tools& tools) {
  Fields fields(function, path + ".");
  grammar::Tool tool;
  tool.name = fields.required_string("name");
  if (!is_function_name(tool.name))
    bad_request(path + ".name",
                fmt::format("Invalid '{}.name': 1 to 64 letters, digits, underscores and dashes "
                            "are allowed.",
                            path),
                "invalid_value");
  if (std::ranges::find(tools.tools, tool.name, &grammar::Tool::name) != tools.tools.end())
    bad_request(path + ".name", fmt::format("Two functions are called '{}'.", tool.name),
                "invalid_value");
  Json signature = {{"name", tool.name}};
  if (auto description = fields.string("description"))
    signature["description"] = std::move(*description);
  if (const Json* parameters = fields.object("parameters"); parameters && !parameters->empty()) {
    tool.parameters = *parameters;
    signature["parameters"] = *parameters;
  }
  fields.boolean("strict", false);  // arguments always keep to the schema
  fields.reject_unknown();
  tools.tools.push_back(std::move(tool));
  tools.signatures.push_back({{"type", "function"}, {"function", std::move(signature)}});
}

// Leaves only the named function, which must be called.
void require_function(Tools& tools, const std::string& name, const std::string& param) {
  const auto chosen = std::ranges::find(tools.tools, name, &grammar::Tool::name);
  if (chosen == tools.tools.end())
    bad_request(param,
                fmt::format("Invalid '{}': there is no function '{}' among those given.", param,
                            name.substr(0, 100)),
                "invalid_value");
  tools.tools = {*chosen};
  tools.choice = grammar::ToolChoice::kRequired;
  tools.parallel = false;
}

void read_choice(Fields& fields, std::string_view field, Tools& tools) {
  const Json* choice = fields.find(field);
  if (!choice) return;
  const std::string param(field);
  if (choice->is_string()) {
    const std::string value = choice->get<std::string>();
    if (value == "none") {
      tools.tools.clear();
    } else if (value == "required" && !tools.legacy) {
      tools.choice = grammar::ToolChoice::kRequired;
    } else if (value != "auto") {
      bad_request(param,
                  fmt::format("Invalid value: '{}'. Supported values are: 'none', 'auto'{} and a "
                              "named function.",
                              value.substr(0, 100), tools.legacy ? "" : ", 'required'"),
                  "invalid_value");
    }
    return;
  }
  Fields named(*choice, param + ".");
  if (tools.legacy) {
    require_function(tools, named.required_string("name"), param + ".name");
  } else {
    if (named.required_string("type") != "function")
      bad_request(param + ".type", "Only functions can be chosen: 'type' must be 'function'.",
                  "invalid_value");
    Fields function(named.required("function"), param + ".function.");
    require_function(tools, function.required_string("name"), param + ".function.name");
  }
}

}  // namespace

Tools read_tools(Fields& fields) {
  Tools tools;
  const Json* list = fields.array("tools", 0, 128);
  const Json* functions = fields.array("functions", 1, 128);
  if (list && functions)
    bad_request("functions", "'functions' and 'tools' cannot be combined; use 'tools'.");
  tools.legacy = functions != nullptr;
  for (size_t i = 0; list && i < list->size(); ++i) {
    const std::string path = fmt::format("tools[{}]", i);
    Fields tool((*list)[i], path + ".");
    if (const std::string type = tool.required_string("type"); type != "function")
      bad_request(path + ".type",
                  fmt::format("Invalid value: '{}'. Only tools of type 'function' "
                              "are supported.",
                              type.substr(0, 100)),
                  "invalid_value");
    read_function(tool.required("function"), path + ".function", tools);
    tool.reject_unknown();
  }
  for (size_t i = 0; functions && i < functions->size(); ++i)
    read_function((*functions)[i], fmt::format("functions[{}]", i), tools);

  const bool none = tools.empty();
  const bool parallel_given = fields.find("parallel_tool_calls") != nullptr;
  tools.parallel = fields.boolean("parallel_tool_calls", true) && !tools.legacy;
  if (none && fields.find("tool_choice") && *fields.find("tool_choice") != "none" &&
      *fields.find("tool_choice") != "auto")
    bad_request("tool_choice", "'tool_choice' is only allowed when 'tools' are specified.");
  if (none && parallel_given && !list)
    bad_request("parallel_tool_calls",
                "'parallel_tool_calls' is only allowed when 'tools' are specified.");
  if (none) {
    fields.ignore("function_call");
    return tools;
  }
  read_choice(fields, tools.legacy ? "function_call" : "tool_choice", tools);
  fields.ignore(tools.legacy ? "tool_choice" : "function_call");
  return tools;
}

grammar::GrammarPtr compile_tools(const Tools& tools, GrammarCache& grammars) {
  Json key = {tools.choice == grammar::ToolChoice::kAuto, tools.parallel};
  for (const grammar::Tool& tool : tools.tools) {
    key.push_back(tool.name);
    key.push_back(tool.parameters);
  }
  try {
    return grammars.get("tools\n" + dump(key), [&] {
      return grammar::tool_calls(tools.tools, tools.choice, tools.parallel);
    });
  } catch (const base::Error& error) {
    const std::string param = tools.legacy ? "functions" : "tools";
    bad_request(param, fmt::format("Invalid '{}': {}", param, error.what()),
                "invalid_function_parameters");
  }
}

std::string describe_tools(const Tools& tools) {
  std::string text =
      "# Tools\n\nYou can call the functions described between <tools> and </tools>, as JSON "
      "schemas:\n<tools>\n";
  for (const Json& signature : tools.signatures) text += dump(signature) + "\n";
  return text +
         "</tools>\n\nTo call one, write its name and arguments as JSON like this:\n<tool_call>\n"
         "{\"name\": \"the function\", \"arguments\": {\"the\": \"arguments\"}}\n</tool_call>";
}

std::string call_text(const std::string& name, const std::string& arguments) {
  std::string text(kOpen);
  text += kName;
  text += name;
  text += kArguments;
  text += arguments;
  text += kClose;
  return text;
}

std::string result_text(const std::string& content) {
  return "<tool_response>\n" + content + "\n</tool_response>";
}

std::vector<ToolCallReader::Event> ToolCallReader::push(std::string_view text) {
  held_ += text;
  std::vector<Event> events;
  while (step(events)) {
  }
  return events;
}

// Reads what is sure; false when more text is needed.
bool ToolCallReader::step(std::vector<Event>& events) {
  // Everything before `mark`, or before what may be its beginning.
  const auto before = [&](std::string_view mark, bool& found) {
    const size_t place = held_.find(mark);
    found = place != std::string::npos;
    size_t end = found ? place : held_.size();
    if (!found)
      for (size_t n = std::min(mark.size() - 1, held_.size()); n > 0; --n)
        if (held_.ends_with(mark.substr(0, n))) {
          end = held_.size() - n;
          break;
        }
    std::string text = held_.substr(0, end);
    held_.erase(0, found ? end + mark.size() : end);
    return text;
  };

  bool found = false;
  switch (state_) {
    case State::kText: {
      // Line breaks between text and calls belong to neither.
      const size_t calls_before = calls_;
      std::string text = before(kOpen, found);
      if (found) {
        text.erase(std::min(text.find_last_not_of('\n') + 1, text.size()));
        state_ = State::kName;
      } else {
        // They wait until it is clear what follows.
        const size_t end = text.find_last_not_of('\n') + 1;
        held_.insert(0, text.substr(end));
        text.erase(end);
      }
      if (!text.empty() && calls_before == 0)
        events.push_back({Event::Kind::kText, std::move(text), 0});
      return found;
    }
    case State::kName: {
      const size_t end = held_.find(kArguments);
      if (end == std::string::npos) return false;
      const size_t begin = std::min(held_.find(kName) == 0 ? kName.size() : 0, end);
      events.push_back({Event::Kind::kBegin, held_.substr(begin, end - begin), calls_});
      held_.erase(0, end + kArguments.size());
      state_ = State::kArguments;
      return true;
    }
    case State::kArguments: {
      std::string text = before(kClose, found);
      if (!text.empty()) events.push_back({Event::Kind::kArguments, std::move(text), calls_});
      if (found) {
        ++calls_;
        state_ = State::kText;
      }
      return found;
    }
  }
  return false;
}

std::vector<ToolCallReader::Event> ToolCallReader::finish() {
  std::vector<Event> events;
  if (state_ == State::kText && calls_ == 0 && !held_.empty())
    events.push_back({Event::Kind::kText, std::exchange(held_, {}), 0});
  if (state_ == State::kArguments) {
    // A brace may be theirs; with what follows it, it begins the end of the call.
    if (held_.size() == 1)
      events.push_back({Event::Kind::kArguments, std::exchange(held_, {}), calls_});
    ++calls_;  // cut short
  }
  held_.clear();
  return events;
}

}  // namespace parley::server
