#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <atomic>
#include <charconv>

#include "base/error.h"
#include "tokenizer/unicode.h"

namespace parley::tokenizer {
namespace {

// GPT-2's encoder.py: bytes that print stand for themselves, the others, in order, for
// the code points from U+0100 on.
const std::array<uint16_t, 256>& printable_code_points() {
  static const auto table = [] {
    std::array<uint16_t, 256> points{};
    uint16_t next = 256;
    for (int b = 0; b < 256; ++b) {
      const bool prints = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      points[static_cast<size_t>(b)] = prints ? static_cast<uint16_t>(b) : next++;
    }
    return points;
  }();
  return table;
}

// How a token appears in a message: its start, with what does not print escaped.
std::string readable(std::string_view bytes) {
  std::string result = "\"";
  for (const char c : bytes.substr(0, 40)) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= ' ' && byte <= '~') {
      result += c;
    } else {
      result += fmt::format("\\x{:02x}", byte);
    }
  }
  result += bytes.size() > 40 ? "...\"" : "\"";
  return result;
}

bool spaces_lead(const VocabularyDraft& draft) {
  for (size_t id = 0; id < draft.tokens.size(); ++id) {
    if (id < draft.is_byte.size() && draft.is_byte[id]) continue;
    const std::string& token = draft.tokens[id];
    for (size_t i = 1; i < token.size(); ++i)
      if (token[i] == ' ' && token[i - 1] != ' ') return false;
  }
  return true;
}

}  // namespace

std::string bytes_to_printable(std::string_view bytes) {
  std::string result;
  for (const char c : bytes) append_utf8(printable_code_points()[static_cast<uint8_t>(c)], result);
  return result;
}

bool printable_to_bytes(std::string_view text, std::string& bytes) {
  static const auto reverse = [] {
    std::array<int16_t, 512> table;
    table.fill(-1);
    for (size_t b = 0; b < 256; ++b) table[printable_code_points()[b]] = static_cast<int16_t>(b);
    return table;
  }();
  bytes.clear();
  if (valid_utf8_prefix(text) != text.size()) return false;
  for (size_t i = 0; i < text.size();) {
    const CodePoint c = decode_valid(text.data() + i);
    if (c.value >= reverse.size() || reverse[c.value] < 0) return false;
    bytes += static_cast<char>(reverse[c.value]);
    i += c.bytes;
  }
  return true;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (size_t at; (at = text.find(from)) != text.npos; text.remove_prefix(at + from.size())) {
    result += text.substr(0, at);
    result += to;
  }
  result += text;
  return result;
}

std::optional<char> byte_token(std::string_view text) {
  uint8_t value = 0;
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, value, 16);
  if (error != std::errc() || end != text.data() + 5) return std::nullopt;
  if (text != fmt::format("<0x{:02X}>", value)) return std::nullopt;  // lower case
  return static_cast<char>(value);
}

void VocabularyDraft::set_token(int64_t id, std::string bytes) {
  if (id < 0 || id >= kMaxVocabulary)
    base::fail("{}: token {} has id {}; ids lie between 0 and {}", source, readable(bytes), id,
               kMaxVocabulary - 1);
  if (bytes.empty()) base::fail("{}: token {} is empty", source, id);
  if (bytes.size() > kMaxTokenBytes)
    base::fail("{}: token {} has {} bytes; at most {} are sensible", source, id, bytes.size(),
               kMaxTokenBytes);
  const auto index = static_cast<size_t>(id);
  if (index >= tokens.size()) tokens.resize(index + 1);
  if (!tokens[index].empty())
    base::fail("{}: id {} is given to both {} and {}", source, id, readable(tokens[index]),
               readable(bytes));
  tokens[index] = std::move(bytes);
}

void VocabularyDraft::add_special(AddedToken token) {
  for (const AddedToken& other : rest.added)
    if (other.id == token.id || other.text == token.text)
      base::fail("{}: added tokens {} and {} have the same {}", source, readable(other.text),
                 readable(token.text), other.id == token.id ? "id" : "text");
  if (token.id >= 0 && token.id < static_cast<int64_t>(tokens.size())) {
    std::string& known = tokens[static_cast<size_t>(token.id)];
    if (!known.empty() && known != replace_all(token.text, kSpaceMark, " ") && known != token.text)
      base::fail("{}: id {} is given to both {} and {}", source, token.id, readable(known),
                 readable(token.text));
    known.clear();
  }
  set_token(token.id, token.text);
  rest.added.push_back(std::move(token));
}

void VocabularyDraft::merge_by_token_rank() {
  const TokenTable table(tokens);
  for (size_t id = 0; id < tokens.size(); ++id) {
    const std::string_view token = tokens[id];
    for (size_t cut = 1; cut < token.size(); ++cut) {
      const int32_t left = table.find(token.substr(0, cut));
      if (left < 0) continue;
      const int32_t right = table.find(token.substr(cut));
      if (right < 0) continue;
      merges.push_back({left, right, {static_cast<uint32_t>(id), static_cast<int32_t>(id)}});
    }
  }
}

std::shared_ptr<const Vocabulary> VocabularyDraft::build() && {
  static std::atomic<uint32_t> serial{0};
  auto result = std::make_shared<Vocabulary>(std::move(rest));
  Vocabulary& v = *result;
  v.serial = ++serial;
  if (tokens.empty()) base::fail("{}: there are no tokens", source);

  // Added tokens stay outside BPE, whatever the file's merges say: no ordinary text becomes
  // one. Nor is a byte token found by what it stands for.
  std::vector<bool> added(tokens.size(), false);
  for (const AddedToken& token : v.added) added[static_cast<size_t>(token.id)] = true;
  std::vector<bool> findable(tokens.size(), true);
  for (size_t id = 0; id < tokens.size(); ++id)
    findable[id] = !added[id] && !(id < is_byte.size() && is_byte[id]);
  v.tokens = TokenTable(tokens, findable);
  std::erase_if(merges, [&added](const MergeTable::Entry& entry) {
    return added[static_cast<size_t>(entry.left)] || added[static_cast<size_t>(entry.right)] ||
           added[static_cast<size_t>(entry.merge.id)];
  });
  v.merges = MergeTable(merges);
  std::sort(v.added.begin(), v.added.end(), [](const AddedToken& a, const AddedToken& b) {
    return a.text.size() != b.text.size() ? a.text.size() > b.text.size() : a.text < b.text;
  });

  v.byte_ids.fill(-1);
  if (v.kind == BpeKind::kByteLevel) {
    for (int b = 0; b < 256; ++b) {
      const char byte = static_cast<char>(b);
      const int32_t id = v.tokens.find({&byte, 1});
      if (id < 0)
        base::fail("{}: byte 0x{:02X} has no token, so not every text could be encoded", source, b);
      v.byte_ids[static_cast<size_t>(b)] = id;
    }
    for (const std::string& token : tokens) v.seams.add(token);
    v.byte_merges.resize(size_t{1} << 16);
    for (size_t pair = 0; pair < v.byte_merges.size(); ++pair)
      v.byte_merges[pair] = v.merges.find(v.byte_ids[pair >> 8], v.byte_ids[pair & 255]);
  } else {
    for (size_t id = 0; id < tokens.size(); ++id) {
      if (id < is_byte.size() && is_byte[id]) {
        int32_t& byte_id = v.byte_ids[static_cast<uint8_t>(tokens[id][0])];
        if (byte_id >= 0) base::fail("{}: tokens {} and {} are the same byte", source, byte_id, id);
        byte_id = static_cast<int32_t>(id);
      } else if (valid_utf8_prefix(tokens[id]) != tokens[id].size()) {
        base::fail("{}: token {} is not UTF-8: {}", source, id, readable(tokens[id]));
      }
    }
    v.byte_fallback = std::find(v.byte_ids.begin(), v.byte_ids.end(), -1) == v.byte_ids.end();
    if (!v.byte_fallback && v.unknown < 0)
      base::fail("{}: it has neither the 256 byte tokens nor an unknown token", source);
    v.spaces_lead = spaces_lead(*this);
  }
  return result;
}

}  // namespace parley::tokenizer
