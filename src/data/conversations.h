// Conversations and preferences from JSON Lines: what SFT, reward models, DPO and PPO read.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "tokenizer/chat.h"

namespace parley::data {

namespace fs = base::fs;
using tokenizer::Message;

// How records are read, and what became of them: nothing is dropped without a count.
struct ReadOptions {
  bool skip_bad = false;  // count broken records and go on, instead of failing at the first
  bool quiet = false;
};
struct ReadReport {
  int64_t records = 0;                      // read and good
  int64_t bad = 0;                          // broken, passed over (skip_bad)
  std::vector<std::string> first_problems;  // "file:line: problem", at most five
};

// A conversation to learn from.
struct Conversation {
  std::vector<Message> messages;  // at least one of them an assistant's
  std::string where;              // "file:line"
};

// Reads {"messages": [{"role", "content"}, …]} (OpenAI's fine-tuning format), {"conversations":
// [{"from", "value"}, …]} (ShareGPT's), and plain instructions {"instruction", "input",
// "output"} (Alpaca's; "input" may be missing or empty), in any mix; plain, gzip or zstd.
// Error naming file, line and remedy: not JSON, no messages, an unknown role, an empty or
// non-string content, a system message that is not first, no assistant message, not UTF-8.
// Roles may also be called human, gpt and developer; those of tools are refused. The assistant
// may speak first, the user last, and either twice in a row: real conversations do, and messages
// stay as they are.
std::vector<Conversation> read_conversations(const std::vector<fs::path>& files,
                                             const ReadOptions& options, ReadReport& report);

// Answers to one prompt, best first.
struct Preference {
  std::vector<Message> messages;     // ends with the user's turn
  std::vector<std::string> answers;  // 2 to 9
  std::vector<double> ranks;         // of each answer, lower is better; equal: a tie
  std::string where;
};

// Reads {"messages", "chosen", "rejected"}, also with "prompt" (a string) for "messages", and
// rankings {"messages", "answers": [best, …, worst]} or with "ranks": [1, 2, 2, …] beside the
// answers. Error also when chosen and rejected are equal, and for fewer than 2 or more than 9
// answers.
std::vector<Preference> read_preferences(const std::vector<fs::path>& files,
                                         const ReadOptions& options, ReadReport& report);

// A prompt to answer, with all its record says (a rule may need "answer" or "tests").
struct Prompt {
  std::vector<Message> messages;  // ends with the user's turn; empty when `text` is given
  std::string text;               // of {"prompt": "…"}: continued as it is, without a template
  nlohmann::json record;
  std::string where;
};

// Reads {"messages"} (an assistant's last turn is left away) or {"prompt"}.
std::vector<Prompt> read_prompts(const std::vector<fs::path>& files, const ReadOptions& options,
                                 ReadReport& report);

}  // namespace parley::data
