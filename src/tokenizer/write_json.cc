// tokenizer.json and tokenizer_config.json, as transformers reads them.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tokenizer/chat.h"
#include "tokenizer/vocabulary.h"

namespace parley::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

const AddedToken* added_by_id(const Vocabulary& v, int32_t id) {
  for (const AddedToken& token : v.added)
    if (token.id == id) return &token;
  return nullptr;
}

// A token as the file writes it.
std::string token_text(const Vocabulary& v, int32_t id) {
  if (const AddedToken* added = added_by_id(v, id)) return added->text;
  const std::string_view bytes = v.tokens.bytes(id);
  if (v.kind == BpeKind::kByteLevel) return bytes_to_printable(bytes);
  if (bytes.size() == 1 && v.byte_ids[static_cast<uint8_t>(bytes[0])] == id)
    return fmt::format("<0x{:02X}>", static_cast<uint8_t>(bytes[0]));
  return replace_all(bytes, " ", kSpaceMark);
}

Json split_json(std::string_view regex) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", regex}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

Json pre_tokenizer_json(const Vocabulary& v) {
  if (v.kind == BpeKind::kSentencePiece) return nullptr;
  Json steps = Json::array();
  for (const Splitter::Stage& stage : v.splitter.stages()) {
    if (stage.pattern == Pattern::kNone) continue;
    steps.push_back(split_json(stage.regex ? std::string_view(stage.regex->regex())
                                           : pattern_regex(stage.pattern)));
  }
  steps.push_back({{"type", "ByteLevel"},
                   {"add_prefix_space", false},
                   {"trim_offsets", false},
                   {"use_regex", false}});
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

Json normalizer_json(const Vocabulary& v) {
  if (v.nfc) return {{"type", "NFC"}};
  if (v.kind == BpeKind::kByteLevel) return nullptr;
  Json steps = Json::array();
  if (v.leading_space) steps.push_back({{"type", "Prepend"}, {"prepend", kSpaceMark}});
  steps.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpaceMark}});
  return {{"type", "Sequence"}, {"normalizers", steps}};
}

Json decoder_json(const Vocabulary& v) {
  if (v.kind == BpeKind::kByteLevel)
    return {{"type", "ByteLevel"},
            {"add_prefix_space", true},
            {"trim_offsets", true},
            {"use_regex", true}};
  Json steps = {{{"type", "Replace"}, {"pattern", {{"String", kSpaceMark}}}, {"content", " "}},
                {{"type", "ByteFallback"}},
                {{"type", "Fuse"}}};
  if (v.leading_space)
    steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return {{"type", "Sequence"}, {"decoders", steps}};
}

Json post_processor_json(const Vocabulary& v) {
  if (!v.adds_bos || v.bos < 0) return nullptr;
  const std::string bos = token_text(v, v.bos);
  const auto special = [&bos](int type) {
    return Json{{"SpecialToken", {{"id", bos}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* name, int type) {
    return Json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  Json tokens;
  tokens[bos] = {{"id", bos}, {"ids", {v.bos}}, {"tokens", {bos}}};
  return {{"type", "TemplateProcessing"},
          {"single", Json::array({special(0), sequence("A", 0)})},
          {"pair", Json::array({special(0), sequence("A", 0), special(1), sequence("B", 1)})},
          {"special_tokens", tokens}};
}

Json added_tokens_json(const Vocabulary& v) {
  std::vector<AddedToken> added = v.added;
  std::sort(added.begin(), added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  Json list = Json::array();
  for (const AddedToken& token : added)
    list.push_back({{"id", token.id},
                    {"content", token.text},
                    {"single_word", false},
                    {"lstrip", token.strip_left},
                    {"rstrip", token.strip_right},
                    {"normalized", false},
                    {"special", token.special}});
  return list;
}

// A JSON list or object with one item a line: large ones stay readable, and ordered_json
// would take quadratic time for an object of this size.
template <typename Items, typename Line>
std::string lines(char open, char close, const Items& items, Line&& line) {
  std::string text(1, open);
  bool first = true;
  for (const auto& item : items) {
    const std::string content = line(item);
    if (content.empty()) continue;
    text += first ? "\n      " : ",\n      ";
    text += content;
    first = false;
  }
  text += first ? "" : "\n    ";
  text += close;
  return text;
}

}  // namespace

std::string to_tokenizer_json(const Vocabulary& v) {
  const auto quote = [](const std::string& text) { return Json(text).dump(); };
  std::vector<std::string> texts(static_cast<size_t>(v.tokens.size()));
  for (int32_t id = 0; id < v.tokens.size(); ++id)
    if (!v.tokens.bytes(id).empty()) texts[static_cast<size_t>(id)] = token_text(v, id);

  // Added tokens are in the vocabulary too: the library gives one that is not the next free
  // id, whatever id the list of added tokens says.
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < v.tokens.size(); ++id)
    if (!texts[static_cast<size_t>(id)].empty()) ids.push_back(id);
  const std::string vocab = lines('{', '}', ids, [&](int32_t id) {
    return fmt::format("{}: {}", quote(texts[static_cast<size_t>(id)]), id);
  });
  const std::string merges = lines('[', ']', v.merges.sorted(), [&](const MergeTable::Entry& m) {
    return fmt::format("[{}, {}]", quote(texts[static_cast<size_t>(m.left)]),
                       quote(texts[static_cast<size_t>(m.right)]));
  });
  const Json unknown = v.unknown < 0 ? Json() : Json(token_text(v, v.unknown));

  std::string json = "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null";
  const auto member = [&json](const char* name, const Json& value) {
    json += fmt::format(",\n  \"{}\": {}", name, value.dump());
  };
  member("added_tokens", added_tokens_json(v));
  member("normalizer", normalizer_json(v));
  member("pre_tokenizer", pre_tokenizer_json(v));
  member("post_processor", post_processor_json(v));
  member("decoder", decoder_json(v));
  json += fmt::format(
      ",\n  \"model\": {{\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": {},\n"
      "    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n"
      "    \"fuse_unk\": false,\n    \"byte_fallback\": {},\n    \"ignore_merges\": {},\n"
      "    \"vocab\": {},\n    \"merges\": {}\n  }}\n}}\n",
      unknown.dump(), v.byte_fallback, v.whole_pieces, vocab, merges);
  return json;
}

std::string to_tokenizer_config_json(const Vocabulary& v) {
  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"clean_up_tokenization_spaces", false},
                 {"add_bos_token", v.adds_bos},
                 {"model_max_length", 1'000'000'000}};
  const auto role = [&](const char* key, int32_t id) {
    if (id >= 0) config[key] = token_text(v, id);
  };
  role("bos_token", v.bos);
  role("eos_token", v.eos);
  role("pad_token", v.pad);
  role("unk_token", v.unknown);
  const auto has = [&v](std::string_view name) {
    return std::any_of(v.added.begin(), v.added.end(),
                       [name](const AddedToken& token) { return token.text == name; });
  };
  if (has("<|im_start|>") && has("<|im_end|>")) config["chat_template"] = kChatMlTemplate;
  return config.dump(2) + "\n";
}

}  // namespace parley::tokenizer
