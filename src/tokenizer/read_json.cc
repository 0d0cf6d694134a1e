// Readers of tokenizer.json (Hugging Face), of vocab.json with merges.txt (GPT-2), and
// of tokenizer_config.json.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "tokenizer/vocabulary.h"

namespace parley::tokenizer {
namespace {

using Json = nlohmann::json;
using Ids = std::unordered_map<std::string_view, int32_t>;

constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;

Json parse_json(std::string_view text, const std::string& source) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    base::fail("{}: not JSON: {}", source, error.what());
  }
}

// object[key], or null if it is not there.
const Json& field(const Json& object, const char* key) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}
bool is_true(const Json& value) { return value.is_boolean() && value.get<bool>(); }
std::string type_of(const Json& value) { return text_of(field(value, "type")); }

// A normalizer, pre-tokenizer or decoder may be a Sequence of them, or null.
std::vector<const Json*> parts_of(const Json& value, const char* list_key) {
  std::vector<const Json*> parts;
  if (value.is_null()) return parts;
  if (type_of(value) != "Sequence") return {&value};
  if (const Json& list = field(value, list_key); list.is_array())
    for (const Json& part : list) parts.push_back(&part);
  return parts;
}

// ---- Normalizer and pre-tokenizer: what text goes through before BPE.

void read_normalizer(const Json& normalizer, VocabularyDraft& draft) {
  for (const Json* part : parts_of(normalizer, "normalizers")) {
    const std::string type = type_of(*part);
    if (type == "NFC") {
      draft.rest.nfc = true;
    } else if (type == "Prepend" && text_of(field(*part, "prepend")) == kSpaceMark) {
      draft.rest.kind = BpeKind::kSentencePiece;
      draft.rest.leading_space = true;
    } else if (type == "Replace" && text_of(field(*part, "content")) == kSpaceMark &&
               text_of(field(field(*part, "pattern"), "String")) == " ") {
      draft.rest.kind = BpeKind::kSentencePiece;
    } else {
      base::fail("{}: the normalizer \"{}\" is not supported (NFC and Llama-2's are)", draft.source,
                 type);
    }
  }
}

void read_split(const Json& part, VocabularyDraft& draft) {
  const Json& pattern = field(part, "pattern");
  const std::string behavior = text_of(field(part, "behavior"));
  const bool inverted = is_true(field(part, "invert"));
  if (!field(pattern, "Regex").is_string() ||
      !(behavior == "Isolated" || (behavior == "Removed" && inverted)))
    base::fail("{}: the pre-tokenizer Split needs a Regex and the behavior \"Isolated\"",
               draft.source);
  draft.rest.splitter.add_regex(text_of(field(pattern, "Regex")));
}

// True if there is a ByteLevel step.
bool read_pre_tokenizer(const Json& pre_tokenizer, VocabularyDraft& draft) {
  bool byte_level = false;
  for (const Json* part : parts_of(pre_tokenizer, "pretokenizers")) {
    const std::string type = type_of(*part);
    if (type == "ByteLevel") {
      byte_level = true;
      if (is_true(field(*part, "add_prefix_space")))
        base::fail(
            "{}: ByteLevel with add_prefix_space is not supported: it changes the text, which "
            "could not be decoded again; set it to false",
            draft.source);
      const Json& use_regex = field(*part, "use_regex");
      if (use_regex.is_null() || is_true(use_regex))
        draft.rest.splitter.add_regex(pattern_regex(Pattern::kGpt2));
    } else if (type == "Split") {
      read_split(*part, draft);
    } else if (type == "Digits") {
      draft.rest.splitter.add_regex(is_true(field(*part, "individual_digits")) ? "\\p{N}"
                                                                               : "\\p{N}+");
    } else if (type == "Metaspace" && text_of(field(*part, "replacement")) == kSpaceMark &&
               field(*part, "split") == false) {
      // The library leaves out the leading space where the text has one of its own. That
      // loses a space, so here, as in SentencePiece, it is always put.
      draft.rest.kind = BpeKind::kSentencePiece;
      draft.rest.leading_space = text_of(field(*part, "prepend_scheme")) != "never";
    } else {
      base::fail("{}: the pre-tokenizer \"{}\" is not supported", draft.source, type);
    }
  }
  return byte_level;
}

// ---- The model: vocabulary and merges.

// Fills the draft's tokens, and `ids` with the text the file has for each.
void read_vocab(const Json& vocab, const char* where, VocabularyDraft& draft, Ids& ids) {
  if (!vocab.is_object()) base::fail("{}: {} is not an object", draft.source, where);
  for (const auto& [text, id] : vocab.get_ref<const Json::object_t&>()) {
    if (!id.is_number_integer())
      base::fail("{}: {}[{}] is not a whole number", draft.source, where, Json(text).dump());
    const auto number = id.get<int64_t>();
    std::string bytes = text;
    bool is_byte = false;
    if (draft.rest.kind == BpeKind::kByteLevel) {
      // A text outside GPT-2's alphabet names a special token; it stays as it is.
      if (!printable_to_bytes(text, bytes)) bytes = text;
    } else if (const auto byte = byte_token(text)) {
      bytes = std::string(1, *byte);
      is_byte = true;
    } else {
      bytes = replace_all(text, kSpaceMark, " ");
    }
    if (!text.empty()) draft.set_token(number, std::move(bytes));
    ids.emplace(text, static_cast<int32_t>(number));
    if (is_byte) {
      draft.is_byte.resize(draft.tokens.size());
      draft.is_byte[static_cast<size_t>(number)] = true;
    }
  }
  draft.is_byte.resize(draft.tokens.size());
}

void add_merge(std::string_view left, std::string_view right, size_t number, const Ids& ids,
               VocabularyDraft& draft) {
  const auto id_of = [&](const std::string& text) {
    const auto found = ids.find(text);
    if (found == ids.end())
      base::fail(
          "{}: merge {} (\"{}\" and \"{}\") needs the token \"{}\", which the vocabulary lacks",
          draft.source, number, left, right, text);
    return found->second;
  };
  const int32_t l = id_of(std::string(left)), r = id_of(std::string(right));
  const int32_t merged = id_of(std::string(left).append(right));
  const auto size = [&](int32_t id) { return draft.tokens[static_cast<size_t>(id)].size(); };
  if (size(merged) != size(l) + size(r))
    base::fail("{}: merge {} joins \"{}\" and \"{}\", which are not text", draft.source, number,
               left, right);
  draft.merges.push_back({l, r, {static_cast<uint32_t>(number), merged}});
}

void add_merge_line(std::string_view line, size_t number, const Ids& ids, VocabularyDraft& draft) {
  const size_t space = line.find(' ');
  if (space == line.npos || line.find(' ', space + 1) != line.npos)
    base::fail("{}: merge {} is not two tokens with a space between: \"{}\"", draft.source, number,
               line);
  add_merge(line.substr(0, space), line.substr(space + 1), number, ids, draft);
}

void read_merges(const Json& merges, const Ids& ids, VocabularyDraft& draft) {
  if (!merges.is_array()) base::fail("{}: model.merges is not an array", draft.source);
  for (size_t i = 0; i < merges.size(); ++i) {
    const Json& merge = merges[i];
    if (merge.is_string()) {
      add_merge_line(merge.get_ref<const std::string&>(), i, ids, draft);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      add_merge(merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>(), i,
                ids, draft);
    } else {
      base::fail("{}: merge {} is neither \"left right\" nor [left, right]", draft.source, i);
    }
  }
}

void read_added_tokens(const Json& added, VocabularyDraft& draft) {
  if (added.is_null()) return;
  if (!added.is_array()) base::fail("{}: added_tokens is not an array", draft.source);
  for (size_t i = 0; i < added.size(); ++i) {
    const Json& token = added[i];
    const Json& id = field(token, "id");
    const std::string text = text_of(field(token, "content"));
    if (!id.is_number_integer() || text.empty())
      base::fail("{}: added_tokens[{}] needs an id and a content", draft.source, i);
    const auto number = id.get<int64_t>();
    if (number < 0 || number >= kMaxVocabulary)
      base::fail("{}: added_tokens[{}] has id {}; ids lie between 0 and {}", draft.source, i,
                 number, kMaxVocabulary - 1);
    if (is_true(field(token, "single_word")))
      base::fail("{}: added_tokens[{}]: single_word is not supported", draft.source, i);
    draft.add_special({text, static_cast<int32_t>(number), is_true(field(token, "special")),
                       is_true(field(token, "lstrip")), is_true(field(token, "rstrip"))});
  }
}

// True if the post-processor puts a special token before a text.
bool puts_token_first(const Json& post_processor) {
  for (const Json* part : parts_of(post_processor, "processors")) {
    if (type_of(*part) != "TemplateProcessing") continue;
    const Json& single = field(*part, "single");
    if (single.is_array() && !single.empty() && !field(single[0], "SpecialToken").is_null())
      return true;
  }
  return false;
}

std::string unknown_token(const Json& model) { return text_of(field(model, "unk_token")); }

VocabularyDraft draft_from_json(const Json& root, std::string source) {
  VocabularyDraft draft;
  draft.source = std::move(source);
  const Json& model = field(root, "model");
  const std::string type = type_of(model);
  if (!model.is_object() || (type != "BPE" && !type.empty()))
    base::fail("{}: the model is \"{}\"; only BPE is supported", draft.source, type);
  if (!text_of(field(model, "end_of_word_suffix")).empty() ||
      !text_of(field(model, "continuing_subword_prefix")).empty())
    base::fail(
        "{}: BPE with marks on word ends (as GPT-1 has) is not supported: it drops case and "
        "white space, so text could not be decoded again",
        draft.source);

  read_normalizer(field(root, "normalizer"), draft);
  const bool byte_level = read_pre_tokenizer(field(root, "pre_tokenizer"), draft);
  if (is_true(field(model, "byte_fallback"))) draft.rest.kind = BpeKind::kSentencePiece;
  if (byte_level == (draft.rest.kind == BpeKind::kSentencePiece))
    base::fail("{}: it is neither byte-level BPE nor BPE as Llama-2 has it", draft.source);
  draft.rest.whole_pieces = is_true(field(model, "ignore_merges"));

  Ids ids;
  read_vocab(field(model, "vocab"), "model.vocab", draft, ids);
  read_merges(field(model, "merges"), ids, draft);
  if (const auto found = ids.find(unknown_token(model)); found != ids.end())
    draft.rest.unknown = found->second;
  read_added_tokens(field(root, "added_tokens"), draft);
  draft.is_byte.resize(draft.tokens.size());
  draft.rest.adds_bos = puts_token_first(field(root, "post_processor"));
  return draft;
}

}  // namespace

VocabularyDraft parse_tokenizer_json(std::string_view json, std::string source) {
  const Json root = parse_json(json, source);
  return draft_from_json(root, std::move(source));
}

VocabularyDraft read_tokenizer_json(const std::filesystem::path& path) {
  return parse_tokenizer_json(base::read_file(path, kMaxFileBytes), path.string());
}

VocabularyDraft read_vocab_and_merges(const std::filesystem::path& vocab_json,
                                      const std::filesystem::path& merges_txt) {
  VocabularyDraft draft;
  draft.source = vocab_json.string();
  draft.rest.splitter = Splitter(Pattern::kGpt2);
  const Json vocab = parse_json(base::read_file(vocab_json, kMaxFileBytes), draft.source);
  Ids ids;
  read_vocab(vocab, "the file", draft, ids);

  draft.source = merges_txt.string();
  const std::string merges = base::read_file(merges_txt, kMaxFileBytes);
  std::string_view rest = merges;
  for (size_t number = 0; !rest.empty();) {
    const size_t stop = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, stop);
    rest.remove_prefix(std::min(stop + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    add_merge_line(line, number++, ids, draft);
  }
  if (const auto end = ids.find("<|endoftext|>"); end != ids.end())
    draft.add_special({"<|endoftext|>", end->second, true, false, false});
  return draft;
}

void read_tokenizer_config(const std::filesystem::path& path, VocabularyDraft& draft) {
  if (!std::filesystem::exists(path)) return;
  const Json config = parse_json(base::read_file(path, kMaxFileBytes), path.string());
  const auto id_of = [&](const char* key) -> int32_t {
    const Json& value = field(config, key);
    const std::string name = value.is_object() ? text_of(field(value, "content")) : text_of(value);
    for (const AddedToken& token : draft.rest.added)
      if (token.text == name) return token.id;
    return -1;
  };
  draft.rest.eos = id_of("eos_token");
  draft.rest.bos = id_of("bos_token");
  draft.rest.pad = id_of("pad_token");
  if (const Json& adds = field(config, "add_bos_token"); adds.is_boolean())
    draft.rest.adds_bos = adds.get<bool>();
}

void guess_special_roles(VocabularyDraft& draft) {
  const auto guess = [&draft](int32_t& role, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names)
      for (const AddedToken& token : draft.rest.added)
        if (role < 0 && token.text == name) role = token.id;
  };
  guess(draft.rest.eos,
        {"<|endoftext|>", "</s>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>", "<eos>"});
  guess(draft.rest.bos, {"<s>", "<|begin_of_text|>", "<bos>"});
  guess(draft.rest.pad, {"<|pad|>", "<pad>", "[PAD]"});
  if (draft.rest.bos < 0) draft.rest.adds_bos = false;
}

}  // namespace parley::tokenizer
