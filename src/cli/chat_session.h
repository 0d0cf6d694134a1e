// A conversation with a model: messages in, answers out; no terminal.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/engine_flags.h"
#include "infer/generate.h"
#include "text/chat_prompt.h"
#include "text/loaded_model.h"
#include "tokenizer/chat_template.h"

namespace parley::cli {

using tokenizer::Message;

using text::ChatFormat;

struct Reply {
  std::string text;
  infer::FinishReason reason = infer::FinishReason::kStop;
  int64_t prompt_tokens = 0;     // of the whole conversation
  int64_t prefilled_tokens = 0;  // of those, how many had to run
  int64_t answer_tokens = 0;
  int64_t dropped_messages = 0;  // old ones that no longer fit, with this answer
  double seconds = 0;
};

class ChatSession {
 public:
  // Keeps a reference: the model must outlive the session.
  ChatSession(const text::LoadedModel& model, ChatFormat format, infer::SamplingParams params,
              std::vector<std::string> stops, const EngineFlags& engine = {});

  // Says something and gets the answer, whose text comes in pieces as it is chosen; a
  // false from `on_text`, or true from `give_up`, ends it there. What there was of it
  // stays in the conversation. Error when the message does not fit into the context:
  // the conversation is then as before.
  using OnText = std::function<bool(std::string_view)>;
  Reply say(std::string text, const OnText& on_text, const std::function<bool()>& give_up);
  // Answers the last message anew. Error when there is none.
  Reply regenerate(const OnText& on_text, const std::function<bool()>& give_up);
  // Takes back the last message and its answer. False when there is none.
  bool undo();
  // Forgets the messages; the system prompt stays.
  void reset();

  void set_system(std::string text);  // empty: none
  const std::string& system() const { return system_; }
  infer::SamplingParams& params() { return params_; }

  // The conversation as one line of SFT data, {"messages": [...]}; Error on a malformed one.
  void save(const base::fs::path& file) const;
  void load(const base::fs::path& file);
  const std::vector<Message>& messages() const { return messages_; }
  // Tokens in the KV cache: those of full blocks.
  int64_t cached_tokens() const {
    return engine_.engine().stats().blocks.cached * infer::BlockManager::kBlock;
  }

 private:
  // The tokens up to the next answer of the system prompt and the messages from
  // number `first` on.
  std::vector<int32_t> render(size_t first) const;
  Reply answer(const OnText& on_text, const std::function<bool()>& give_up);

  const text::LoadedModel& model_;
  ChatFormat format_;
  infer::SamplingParams params_;
  std::vector<std::string> stops_;
  LoadedEngine engine_;  // for the session's life: earlier turns are in its prefix cache

  std::string system_;
  std::vector<Message> messages_;  // user and assistant in turn, an answer last
  size_t first_ = 0;               // the oldest message that is still in the context
  uint64_t answers_ = 0;           // so far: each draws from a stream of its own
};

}  // namespace parley::cli
