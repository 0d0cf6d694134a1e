#include "data/encoder.h"

#include <string>

#include "base/error.h"
#include "tokenizer/vocabulary.h"

namespace parley::data {

using tokenizer::Tokenizer;

TextEncoder make_encoder(const Tokenizer& tokenizer,
                         std::optional<tokenizer::ChatTemplate> chat_template) {
  TextEncoder encoder;
  encoder.encode = [tokenizer](std::string_view text, std::vector<int32_t>& tokens) {
    tokenizer.encode_append(text, tokens);
  };
  encoder.fingerprint =
      fmt::format("{:016x}", fnv1a(tokenizer::to_tokenizer_json(tokenizer.vocabulary())));
  encoder.vocab_size = tokenizer.vocab_size();
  if (!chat_template && tokenizer.special("<|im_start|>") && tokenizer.special("<|im_end|>"))
    chat_template = tokenizer::ChatTemplate::chatml();
  if (!chat_template) return encoder;
  encoder.chat_fingerprint = fmt::format("{:016x}", fnv1a(chat_template->source()));
  encoder.encode_chat = [tokenizer, form = std::move(*chat_template)](
                            std::span<const tokenizer::Message> messages,
                            std::vector<int32_t>& tokens) {
    const std::vector<int32_t> ids =
        form.render(tokenizer, messages, /*add_generation_prompt=*/false);
    tokens.insert(tokens.end(), ids.begin(), ids.end());
  };
  return encoder;
}

int32_t document_separator(const Tokenizer& tokenizer) {
  // A chat model ends its answers with another token than its texts.
  const int32_t separator = tokenizer.adds_bos()
                                ? tokenizer.bos()
                                : tokenizer.special("<|endoftext|>").value_or(tokenizer.eos());
  if (separator < 0)
    base::fail(
        "the tokenizer has no end-of-text token to put between documents; add <|endoftext|> to its "
        "tokenizer.json and name it as eos_token in tokenizer_config.json");
  return separator;
}

std::vector<int32_t> token_byte_lengths(const Tokenizer& tokenizer) {
  std::vector<int32_t> lengths(static_cast<size_t>(tokenizer.vocab_size()));
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id)
    if (!tokenizer.is_special(id))
      lengths[static_cast<size_t>(id)] = static_cast<int32_t>(tokenizer.token_bytes(id).size());
  return lengths;
}

FimOptions make_fim_options(const Tokenizer& tokenizer, double rate, uint64_t seed) {
  FimOptions fim{.rate = rate, .seed = seed};
  if (rate == 0) return fim;
  const auto find = [&](const std::string& part) {
    for (const std::string& name : {"<|fim_" + part + "|>", "<fim_" + part + ">"})
      if (const auto id = tokenizer.special(name)) return *id;
    base::fail(
        "--fim-rate needs a tokenizer with the special token <|fim_{}|>; leave out --tokenizer to "
        "have one trained that has it, or set --fim-rate 0",
        part);
  };
  fim.prefix_token = find("prefix");
  fim.suffix_token = find("suffix");
  fim.middle_token = find("middle");
  return fim;
}

}  // namespace parley::data
