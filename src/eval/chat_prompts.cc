#include "eval/chat_prompts.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "base/error.h"
#include "data/records.h"

namespace parley::eval {
namespace {

std::string field_text(data::Element record, std::string_view name) {
  const auto field = data::find_field(record, name);
  if (!field) base::fail("no \"{}\"", name);
  return data::text_of(*field, fmt::format("\"{}\"", name));
}

PromptKind kind_of(const std::string& name) {
  for (const PromptKind kind : kPromptKinds)
    if (name == prompt_kind_name(kind)) return kind;
  base::fail("\"kind\" is \"{}\"; kinds are instruction, harmful, harmless and open", name);
}

std::vector<Rule> read_checks(data::Element checks) {
  simdjson::dom::array list;
  if (checks.get(list)) base::fail("\"checks\" is not a list");
  std::vector<Rule> rules;
  for (const data::Element check : list) {
    try {
      rules.push_back(parse_rule(nlohmann::json::parse(simdjson::minify(check))));
    } catch (const base::Error& error) {
      base::fail("\"checks\"[{}]: {}", rules.size(), error.what());
    }
  }
  return rules;
}

void read_rest(data::Element record, ChatPrompt& prompt) {
  prompt.lang = field_text(record, "lang");
  if (prompt.lang != "en" && prompt.lang != "zh")
    base::fail("\"lang\" is \"{}\"; languages are en and zh", prompt.lang);
  prompt.kind = kind_of(field_text(record, "kind"));
  prompt.messages = data::prompt_messages(record);
  if (const auto checks = data::find_field(record, "checks")) prompt.checks = read_checks(*checks);
  if (prompt.kind == PromptKind::kInstruction && prompt.checks.empty())
    base::fail("an instruction without \"checks\" decides nothing");
  const auto example = data::find_field(record, "example");
  if (!example) return;
  const std::string answer = data::text_of(*example, "\"example\"");
  for (const Rule& rule : prompt.checks)
    if (!holds(rule, answer)) base::fail("the \"example\" does not fulfil {}", rule.text);
}

}  // namespace

std::string_view prompt_kind_name(PromptKind kind) {
  switch (kind) {
    case PromptKind::kInstruction: return "instruction";
    case PromptKind::kHarmful: return "harmful";
    case PromptKind::kHarmless: return "harmless";
    case PromptKind::kOpen: return "open";
  }
  return "";
}

std::vector<ChatPrompt> read_chat_prompts(const std::filesystem::path& file,
                                          const data::ReadOptions& options) {
  data::ReadReport report;
  std::vector<ChatPrompt> prompts;
  std::unordered_set<std::string> ids;
  data::read_records({file}, options, report, [&](data::Element record, const std::string&) {
    ChatPrompt prompt;
    prompt.id = field_text(record, "id");
    try {
      if (!ids.insert(prompt.id).second) base::fail("another record has this \"id\"");
      read_rest(record, prompt);
    } catch (const base::Error& error) {
      base::fail("record \"{}\": {}", prompt.id, error.what());
    }
    prompts.push_back(std::move(prompt));
  });
  return prompts;
}

}  // namespace parley::eval
