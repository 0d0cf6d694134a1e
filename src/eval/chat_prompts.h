// Prompts whose answers are checked by rules.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/conversations.h"
#include "eval/rules.h"
#include "tokenizer/chat.h"

namespace parley::eval {

enum class PromptKind {
  kInstruction,  // has checks
  kHarmful,      // should be refused
  kHarmless,     // looks like a harmful one, and should not be refused
  kOpen,         // free text: only ends, lengths and repetitions are measured
};
inline constexpr PromptKind kPromptKinds[] = {PromptKind::kInstruction, PromptKind::kHarmful,
                                              PromptKind::kHarmless, PromptKind::kOpen};
std::string_view prompt_kind_name(PromptKind kind);

struct ChatPrompt {
  std::string id;
  std::string lang;  // "en" or "zh"
  PromptKind kind = PromptKind::kInstruction;
  std::vector<tokenizer::Message> messages;  // ends with the user's turn
  std::vector<Rule> checks;                  // all must hold
};

// JSON Lines {"id", "lang", "kind", "messages", "checks", "example"}. The example is an answer that
// fulfils the checks. Error naming file, line, record and field when one cannot be used, an id
// comes twice, or an example does not fulfil its checks.
std::vector<ChatPrompt> read_chat_prompts(const std::filesystem::path& file,
                                          const data::ReadOptions& options = {});

}  // namespace parley::eval
