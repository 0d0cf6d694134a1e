#include "data/records.h"

#include "base/error.h"
#include "base/log.h"
#include "data/json_lines.h"

namespace parley::data {
namespace {

constexpr size_t kFirstProblems = 5;

// How messages name their fields.
enum class Form { kOpenAi, kShareGpt };

// "user" and so on for the names that data sets use. Error for anything else.
std::string role_of(std::string_view name, size_t number) {
  if (name == "user" || name == "human") return "user";
  if (name == "assistant" || name == "gpt") return "assistant";
  if (name == "system" || name == "developer") return "system";
  if (name == "tool" || name == "function")
    base::fail(
        "message {} has the role \"{}\": calls of tools cannot be learned from; leave out "
        "conversations with them",
        number, name);
  base::fail("message {} has the role \"{}\"; roles are system, user and assistant", number, name);
}

Message read_message(Element element, Form form, size_t number) {
  if (!element.is_object()) base::fail("message {} is not an object", number);
  const char* role_field = form == Form::kOpenAi ? "role" : "from";
  const char* content_field = form == Form::kOpenAi ? "content" : "value";
  const auto role = find_field(element, role_field);
  std::string_view name;
  if (!role || role->get(name)) base::fail("message {} has no text \"{}\"", number, role_field);
  Message message;
  message.role = role_of(name, number);
  const auto content = find_field(element, content_field);
  if (!content) {
    if (find_field(element, "tool_calls") || find_field(element, "function_call"))
      base::fail("message {} calls a tool: that cannot be learned from", number);
    base::fail("message {} has no \"{}\"", number, content_field);
  }
  message.content =
      text_of(*content, fmt::format("the \"{}\" of message {}", content_field, number));
  // OpenAI's mark for "do not learn this answer": to learn it all the same would be wrong.
  double weight = 1;
  if (const auto field = find_field(element, "weight"); field && !field->get(weight) && weight != 1)
    base::fail("message {} has the weight {}: weights other than 1 are not supported", number,
               weight);
  return message;
}

std::vector<Message> read_messages(Element list, Form form) {
  const char* field = form == Form::kOpenAi ? "messages" : "conversations";
  simdjson::dom::array array;
  if (list.get(array)) base::fail("\"{}\" is not a list", field);
  std::vector<Message> messages;
  for (const Element element : array) {
    Message message = read_message(element, form, messages.size() + 1);
    if (message.role == "system" && !messages.empty())
      base::fail("message {} is a system message; only the first may be one", messages.size() + 1);
    messages.push_back(std::move(message));
  }
  if (messages.empty()) base::fail("\"{}\" is empty", field);
  return messages;
}

// Alpaca's: an instruction, perhaps with an input it is about, and its answer.
std::vector<Message> read_instruction(Element instruction, Element record) {
  std::string question = text_of(instruction, "\"instruction\"");
  if (const auto input = find_field(record, "input")) {
    std::string_view text;
    if (input->get(text)) base::fail("\"input\" is not a text");
    if (!text.empty()) question.append("\n\n").append(text);
  }
  std::vector<Message> messages = {{"user", std::move(question)}};
  if (const auto output = find_field(record, "output"))
    messages.push_back({"assistant", text_of(*output, "\"output\"")});
  return messages;
}

}  // namespace

void read_records(const std::vector<fs::path>& files, const ReadOptions& options,
                  ReadReport& report,
                  const std::function<void(Element, const std::string& where)>& read) {
  const ReadReport before = report;
  const auto bad = [&](const std::string& problem) {
    const std::string message =
        fmt::format("{}; repair the record, or pass over such records with --skip-bad", problem);
    if (!options.skip_bad) throw base::Error(message);
    ++report.bad;
    if (report.first_problems.size() < kFirstProblems) report.first_problems.push_back(problem);
  };
  for (const fs::path& file : files) {
    if (fs::is_directory(file))
      base::fail("{}: a folder; name the files in it, such as {}/*.jsonl", file.string(),
                 file.string());
    JsonLines lines(file);
    Element record;
    std::string problem;
    for (auto status = lines.next(record, problem); status != JsonLines::Status::kEnd;
         status = lines.next(record, problem)) {
      const std::string where = lines.where();
      if (status == JsonLines::Status::kBad || !record.is_object()) {
        if (status != JsonLines::Status::kBad) problem = "not a JSON object";
        bad(
            fmt::format("{}: {}; every line must be one object (jq -c '.[]' makes lines of a "
                        "JSON array)",
                        where, problem));
        continue;
      }
      std::optional<std::string> broken;
      try {
        read(record, where);
        ++report.records;
      } catch (const base::Error& error) {
        broken = error.what();
      }
      if (broken) bad(where + ": " + *broken);
    }
  }
  const int64_t passed = report.bad - before.bad;
  if (report.records == before.records)
    base::fail("{}: {}; give a file with records that can be used",
               files.empty() ? std::string("no file") : files.front().string(),
               passed > 0 ? fmt::format("all {} records are broken (the first: {})", passed,
                                        report.first_problems.front())
                          : std::string("no records"));
  if (passed > 0 && !options.quiet)
    spdlog::warn("{} broken records passed over, {} read; the first: {}", passed,
                 report.records - before.records, report.first_problems.front());
}

std::optional<Element> find_field(Element record, std::string_view name) {
  Element value;
  if (record[name].get(value) || value.is_null()) return std::nullopt;
  return value;
}

std::string text_of(Element value, std::string_view what) {
  std::string_view text;
  if (value.get(text)) base::fail("{} is not a text", what);
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) base::fail("{} is empty", what);
  return std::string(text);
}

std::optional<std::vector<Message>> find_messages(Element record) {
  if (const auto list = find_field(record, "messages")) return read_messages(*list, Form::kOpenAi);
  if (const auto list = find_field(record, "conversations"))
    return read_messages(*list, Form::kShareGpt);
  if (const auto instruction = find_field(record, "instruction"))
    return read_instruction(*instruction, record);
  return std::nullopt;
}

void check_ends_with_user(const std::vector<Message>& messages) {
  if (messages.empty() || messages.back().role != "user")
    base::fail("the messages do not end with the user's turn");
}

std::vector<Message> prompt_messages(Element record) {
  std::vector<Message> messages;
  if (auto found = find_messages(record))
    messages = std::move(*found);
  else if (const auto prompt = find_field(record, "prompt"))
    messages = {{"user", text_of(*prompt, "\"prompt\"")}};
  else
    base::fail("neither \"messages\" nor \"prompt\" in this record");
  check_ends_with_user(messages);
  return messages;
}

}  // namespace parley::data
