// Chat templates: a conversation to token ids, in the form a model was taught.
//
// A model directory says that form as a Jinja template, `chat_template`. It is rendered as
// transformers' apply_chat_template(tokenize=True) renders it, but knows of every byte of the
// text whether the template or a message wrote it: special tokens come of the template's text
// only. A message that says "<|im_end|>" says just that, as ordinary text.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/chat.h"
#include "tokenizer/tokenizer.h"

namespace parley::tokenizer {

// A conversation as token ids, with what is to be learned.
struct RenderedChat {
  std::vector<int32_t> ids;
  // 1 for the tokens an assistant writes: its content and the token(s) that end its turn; as
  // long as `ids`. A token that is partly content counts as content.
  std::vector<uint8_t> trained;
};

// The special tokens' texts a template may use; empty ones are not defined in it.
struct TemplateTokens {
  std::string bos, eos, pad, unknown;
};

// Immutable once made, cheap to copy, safe to use from any number of threads.
class ChatTemplate {
 public:
  // The template of a model directory: chat_template.jinja, or chat_template of
  // tokenizer_config.json (a string, or a list of {name, template}, of which "default" is
  // taken); without one ChatML, if the tokenizer has <|im_start|> and <|im_end|>. Error when
  // there is neither, or the template is malformed, with file and line.
  static ChatTemplate load(const fs::path& directory, const Tokenizer& tokenizer);
  static ChatTemplate chatml();
  // `where` names the template in messages.
  static ChatTemplate parse(std::string_view jinja, std::string where, TemplateTokens tokens = {});

  // The ids of the prompt. With `add_generation_prompt` they end where the assistant's answer
  // begins. Roles are "system", "user" and "assistant". BOS is there only if the template
  // writes it, as in transformers. Error if a role is unknown, the template refuses the
  // conversation (raise_exception), or the tokenizer lacks the tokens of ChatML.
  std::vector<int32_t> render(const Tokenizer& tokenizer, std::span<const Message> messages,
                              bool add_generation_prompt) const;
  // The whole conversation, and which tokens of it the assistant wrote, in every turn. A
  // template with {% generation %} blocks says so itself; for others it is what stands
  // between the generation prompt and the next special token behind the content, inclusive. An
  // answer without content teaches nothing.
  RenderedChat render_for_training(const Tokenizer& tokenizer,
                                   std::span<const Message> messages) const;
  // The text alone, for people and tests.
  std::string render_text(std::span<const Message> messages, bool add_generation_prompt) const;

  bool is_chatml() const;
  // The token that ends an assistant's turn (<|im_end|>, </s>, <|eot_id|>, …); -1 if none can
  // be told.
  int32_t end_of_turn(const Tokenizer& tokenizer) const;
  const std::string& source() const;  // Jinja text, for tokenizer_config.json

  // What strftime_now() takes for the present, in UTC; without it the clock's time.
  ChatTemplate at_time(std::chrono::sys_seconds now) const;

 private:
  struct State;
  explicit ChatTemplate(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

// Sets chat_template in the tokenizer_config.json of a directory that Tokenizer::save (or
// transformers) wrote, and takes away a chat_template.jinja beside it, so that the directory
// keeps the form its model was taught. `eos` >= 0 also becomes eos_token: after chat training
// the token that ends a turn ends generation. Error if the file is missing or not JSON.
void save_chat_template(const fs::path& directory, const ChatTemplate& chat_template,
                        const Tokenizer& tokenizer, int32_t eos = -1);

}  // namespace parley::tokenizer
