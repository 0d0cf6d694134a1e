#include "tokenizer/chat_template.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "tokenizer/chat_render.h"

namespace parley::tokenizer {

struct ChatTemplate::State {
  bool chatml = true;
  std::string source;
};

namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;

void check_roles(std::span<const Message> messages) {
  for (const Message& message : messages)
    if (message.role != "system" && message.role != "user" && message.role != "assistant")
      base::fail("a message has the role \"{}\"; roles are system, user and assistant",
                 message.role);
}

constexpr std::string_view kChatMlPrompt = "<|im_start|>assistant\n";

void check_chatml(const Tokenizer& tokenizer) {
  if (!tokenizer.special("<|im_start|>") || !tokenizer.special("<|im_end|>"))
    base::fail(
        "the tokenizer has no <|im_start|> and <|im_end|>, which chat needs; use a tokenizer "
        "made by `parley tokenizer train`, or a chat model's");
}

MarkedText chatml_text(std::span<const Message> messages, bool add_generation_prompt) {
  MarkedText text;
  for (const Message& message : messages) {
    text.append("<|im_start|>" + message.role + "\n", Origin::kTemplate);
    text.append(message.content,
                message.role == "assistant" ? Origin::kAssistant : Origin::kMessage);
    text.append("<|im_end|>\n", Origin::kTemplate);
  }
  if (add_generation_prompt) text.append(kChatMlPrompt, Origin::kTemplate);
  return text;
}

}  // namespace

ChatTemplate ChatTemplate::chatml() {
  static const auto state =
      std::make_shared<const State>(State{true, std::string(kChatMlTemplate)});
  return ChatTemplate(state);
}

ChatTemplate ChatTemplate::load(const fs::path&, const Tokenizer& tokenizer) {
  check_chatml(tokenizer);
  return chatml();
}

ChatTemplate ChatTemplate::parse(std::string_view jinja, std::string where, TemplateTokens) {
  if (jinja == kChatMlTemplate) return chatml();
  base::fail("{}: only ChatML is supported as yet", where);
}

std::vector<int32_t> ChatTemplate::render(const Tokenizer& tokenizer,
                                          std::span<const Message> messages,
                                          bool add_generation_prompt) const {
  check_roles(messages);
  check_chatml(tokenizer);
  return encode_marked(tokenizer, chatml_text(messages, add_generation_prompt), {}).ids;
}

RenderedChat ChatTemplate::render_for_training(const Tokenizer& tokenizer,
                                               std::span<const Message> messages) const {
  check_roles(messages);
  check_chatml(tokenizer);
  return encode_marked(tokenizer, chatml_text(messages, false), kChatMlPrompt);
}

std::string ChatTemplate::render_text(std::span<const Message> messages,
                                      bool add_generation_prompt) const {
  check_roles(messages);
  return chatml_text(messages, add_generation_prompt).bytes;
}

bool ChatTemplate::is_chatml() const { return state_->chatml; }

int32_t ChatTemplate::end_of_turn(const Tokenizer& tokenizer) const {
  return tokenizer.special("<|im_end|>").value_or(-1);
}

const std::string& ChatTemplate::source() const { return state_->source; }

ChatTemplate ChatTemplate::at_time(std::chrono::sys_seconds) const { return *this; }

void save_chat_template(const fs::path& directory, const ChatTemplate& chat_template,
                        const Tokenizer& tokenizer, int32_t eos) {
  const fs::path path = directory / "tokenizer_config.json";
  Json config = Json::parse(base::read_file(path, kMaxFileBytes), nullptr, false);
  if (!config.is_object()) base::fail("{}: not a JSON object", path.string());
  config["chat_template"] = chat_template.source();
  if (eos >= 0) config["eos_token"] = tokenizer.token_bytes(eos);
  base::write_file(path, config.dump(2) + "\n");
  fs::remove(directory / "chat_template.jinja");
}

}  // namespace parley::tokenizer
