// What a model is given for the next answer of a conversation: system prompt, custom instructions,
// memories, passages of files, a summary of what no longer fits, and the turns that do.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/call.h"
#include "server/served_model.h"
#include "store/store.h"

namespace parley::app {

struct PromptRequest {
  const store::User& user;
  const store::Conversation& conversation;
  // From the root to the user's message that is answered. For `continued`: and then the answer
  // that goes on.
  const std::vector<store::Message>& branch;
  bool continued = false;
  int64_t answer_tokens = 0;  // asked for; 0: what is left, at least a quarter of the context
  // For summaries = "model": a text in at most so many tokens. Without it, or when it gives nothing
  // or throws, sentences are picked ("extract").
  std::function<std::string(std::string_view text, int64_t tokens)> summarise{};
};

struct Prompt {
  std::vector<int32_t> ids;
  int64_t max_tokens = 0;         // room for the answer
  Json messages = Json::array();  // what `ids` was rendered from, for feedback
  Json used_memories = Json::array(), citations = Json::array();
  int64_t dropped = 0;  // messages that did not fit
};

// Blocks (store). Adds a summary to the store when older turns stopped fitting. ApiError 400 when
// even the last message alone is too long for the context.
Prompt make_prompt(store::Store& store, const server::ServedModel& model, const AppOptions& options,
                   const PromptRequest& request);

// What a user's message says about memory: "remember that …" is to be saved, "my name is …" may be.
struct MemoryHint {
  std::string save, suggest;  // empty: nothing
};
MemoryHint memory_hint(std::string_view message);
// The same as far as the user's settings allow it (memory, suggest_memories).
MemoryHint memory_hint(const store::User& user, std::string_view message);

}  // namespace parley::app
