#include "tokenizer/chat_template.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "tokenizer/chat_render.h"
#include "tokenizer/jinja.h"
#include "tokenizer/vocabulary.h"

namespace parley::tokenizer {

struct ChatTemplate::State {
  std::string source;
  TemplateTokens tokens;
  std::shared_ptr<const jinja::Template> program;  // null: ChatML, which needs no interpreter
  std::optional<std::chrono::sys_seconds> now;
  std::string generation_prompt;  // what stands before an answer

  // Error if a role is unknown or the template fails.
  RenderedText render(std::span<const Message> messages, bool add_generation_prompt) const;
};

namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;
constexpr char kTemplateOrigin = static_cast<char>(Origin::kTemplate);
constexpr std::string_view kChatMlPrompt = "<|im_start|>assistant\n";

void check_chatml(const Tokenizer& tokenizer) {
  if (!tokenizer.special("<|im_start|>") || !tokenizer.special("<|im_end|>"))
    base::fail(
        "the tokenizer has no <|im_start|> and <|im_end|>, which chat needs; use a tokenizer "
        "made by `parley tokenizer train`, or a chat model's");
}

Origin origin_of(const Message& message) {
  return message.role == "assistant" ? Origin::kAssistant : Origin::kMessage;
}

MarkedText chatml_text(std::span<const Message> messages, bool add_generation_prompt) {
  MarkedText text;
  for (const Message& message : messages) {
    text.append("<|im_start|>" + message.role + "\n", Origin::kTemplate);
    text.append(message.content, origin_of(message));
    text.append("<|im_end|>\n", Origin::kTemplate);
  }
  if (add_generation_prompt) text.append(kChatMlPrompt, Origin::kTemplate);
  return text;
}

// What transformers gives a template. Roles are among three known words, and count as the
// template's own: some make special tokens of them, as '<|' + role + '|>'.
jinja::Template::Variables variables_of(std::span<const Message> messages,
                                        bool add_generation_prompt, const TemplateTokens& tokens) {
  using jinja::Value;
  const auto key = [](std::string_view name) { return MarkedText(name, Origin::kTemplate); };
  std::vector<Value> list;
  for (const Message& message : messages)
    list.push_back(
        Value::dict({{key("role"), Value::text(message.role)},
                     {key("content"), MarkedText(message.content, origin_of(message))}}));
  jinja::Template::Variables variables = {{"messages", Value::list(std::move(list))},
                                          {"tools", jinja::None{}},
                                          {"documents", jinja::None{}},
                                          {"add_generation_prompt", add_generation_prompt}};
  const auto token = [&](const char* name, const std::string& text) {
    if (!text.empty()) variables.emplace_back(name, Value::text(text));
  };
  token("bos_token", tokens.bos);
  token("eos_token", tokens.eos);
  token("pad_token", tokens.pad);
  token("unk_token", tokens.unknown);
  return variables;
}

// A conversation every template takes.
std::vector<Message> sample_conversation() { return {{"user", "a"}, {"assistant", "b"}}; }

std::string token_text(const Tokenizer& tokenizer, int32_t id) {
  return id < 0 ? std::string() : std::string(tokenizer.token_bytes(id));
}

// chat_template of tokenizer_config.json; nothing if it has none.
std::optional<std::string> read_config_template(const fs::path& path) {
  const Json config = Json::parse(base::read_file(path, kMaxFileBytes), nullptr, false);
  if (!config.is_object()) base::fail("{}: not a JSON object", path.string());
  const auto found = config.find("chat_template");
  if (found == config.end() || found->is_null()) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  if (found->is_array())
    for (const Json& item : *found)
      if (item.is_object() && item.value("name", Json()) == "default" &&
          item.contains("template") && item["template"].is_string())
        return item["template"].get<std::string>();
  base::fail(
      "{}: chat_template is neither a string nor a list of {{name, template}} with a \"default\"",
      path.string());
}

}  // namespace

RenderedText ChatTemplate::State::render(std::span<const Message> messages,
                                         bool add_generation_prompt) const {
  for (const Message& message : messages)
    if (message.role != "system" && message.role != "user" && message.role != "assistant")
      base::fail("a message has the role \"{}\"; roles are system, user and assistant",
                 message.role);
  if (!program) return {chatml_text(messages, add_generation_prompt), {}};
  const auto time =
      now ? *now
          : std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  jinja::Rendered rendered =
      program->render(variables_of(messages, add_generation_prompt, tokens), time);
  return {std::move(rendered.text), std::move(rendered.generated)};
}

ChatTemplate ChatTemplate::chatml() {
  static const auto state = [] {
    auto chatml = std::make_shared<State>();
    chatml->source = kChatMlTemplate;
    chatml->generation_prompt = kChatMlPrompt;
    return chatml;
  }();
  return ChatTemplate(state);
}

ChatTemplate ChatTemplate::parse(std::string_view source, std::string where,
                                 TemplateTokens tokens) {
  if (source == kChatMlTemplate) return chatml();
  auto state = std::make_shared<State>();
  state->source = source;
  state->tokens = std::move(tokens);
  state->program = std::make_shared<const jinja::Template>(source, std::move(where));
  const std::vector<Message> question = {sample_conversation().front()};
  try {
    const MarkedText without = state->render(question, false).text;
    const std::string with = state->render(question, true).text.bytes;
    if (with.starts_with(without.bytes)) state->generation_prompt = with.substr(without.size());
    // Where nothing opens an answer, it comes after what ends the question (" [/INST]").
    if (state->generation_prompt.empty())
      state->generation_prompt =
          with.substr(std::min(with.size(), without.origins.find_last_not_of(kTemplateOrigin) + 1));
  } catch (const base::Error&) {
    // It wants another conversation than this; then the content alone is what is learned.
  }
  return ChatTemplate(state);
}

ChatTemplate ChatTemplate::load(const fs::path& directory, const Tokenizer& tokenizer) {
  const fs::path file = directory / "chat_template.jinja";
  const fs::path config = directory / "tokenizer_config.json";
  std::optional<std::string> source;
  std::string where;
  if (fs::exists(file)) {
    source = base::read_file(file, kMaxFileBytes);
    where = file.string();
  } else if (fs::exists(config)) {
    source = read_config_template(config);
    where = config.string() + ": chat_template";
  }
  if (source && *source != kChatMlTemplate)
    return parse(*source, std::move(where),
                 {token_text(tokenizer, tokenizer.bos()), token_text(tokenizer, tokenizer.eos()),
                  token_text(tokenizer, tokenizer.pad()),
                  token_text(tokenizer, tokenizer.vocabulary().unknown)});
  if (!source && (!tokenizer.special("<|im_start|>") || !tokenizer.special("<|im_end|>")))
    base::fail(
        "{}: no chat template: neither chat_template.jinja nor chat_template in "
        "tokenizer_config.json, and the tokenizer has no <|im_start|> and <|im_end|>; take a "
        "chat model, or put the template its model was taught there",
        directory.string());
  check_chatml(tokenizer);
  return chatml();
}

std::vector<int32_t> ChatTemplate::render(const Tokenizer& tokenizer,
                                          std::span<const Message> messages,
                                          bool add_generation_prompt) const {
  if (is_chatml()) check_chatml(tokenizer);
  return encode_marked(tokenizer, state_->render(messages, add_generation_prompt), {}).ids;
}

RenderedChat ChatTemplate::render_for_training(const Tokenizer& tokenizer,
                                               std::span<const Message> messages) const {
  if (is_chatml()) check_chatml(tokenizer);
  return encode_marked(tokenizer, state_->render(messages, false), state_->generation_prompt);
}

std::string ChatTemplate::render_text(std::span<const Message> messages,
                                      bool add_generation_prompt) const {
  return state_->render(messages, add_generation_prompt).text.bytes;
}

bool ChatTemplate::is_chatml() const { return state_->program == nullptr; }

int32_t ChatTemplate::end_of_turn(const Tokenizer& tokenizer) const {
  try {
    return token_behind_answer(tokenizer, state_->render(sample_conversation(), false).text);
  } catch (const base::Error&) {
    return -1;
  }
}

const std::string& ChatTemplate::source() const { return state_->source; }

ChatTemplate ChatTemplate::at_time(std::chrono::sys_seconds now) const {
  auto state = std::make_shared<State>(*state_);
  state->now = now;
  return ChatTemplate(state);
}

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
