#include "tokenizer/chat_render.h"

#include <algorithm>
#include <array>

#include "tokenizer/unicode.h"
#include "tokenizer/vocabulary.h"

namespace parley::tokenizer {
namespace {

constexpr char kOfTemplate = static_cast<char>(Origin::kTemplate);
constexpr char kOfAssistant = static_cast<char>(Origin::kAssistant);

// A special (or other added) token in the text.
struct Found {
  size_t begin, end;
  const AddedToken* token;
};

std::vector<Found> find_tokens(const Vocabulary& v, const MarkedText& text) {
  std::array<bool, 256> begins{};
  for (const AddedToken& token : v.added) begins[static_cast<uint8_t>(token.text[0])] = true;
  std::vector<Found> found;
  const std::string_view bytes = text.bytes;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (text.origins[i] != kOfTemplate || !begins[static_cast<uint8_t>(bytes[i])]) continue;
    for (const AddedToken& token : v.added) {
      const size_t end = i + token.text.size();
      if (!bytes.substr(i).starts_with(token.text) || !text.from_template(i, end)) continue;
      found.push_back({i, end, &token});
      i = end - 1;
      break;
    }
  }
  return found;
}

// The first of `found` at or behind `at` that is special, not just added; or nullptr.
const Found* special_behind(const std::vector<Found>& found, size_t at) {
  for (const Found& f : found)
    if (f.begin >= at && f.token->special) return &f;
  return nullptr;
}

// A byte set for each byte that is to be learned.
std::string learned_bytes(const MarkedText& text, const std::vector<Found>& found,
                          std::string_view generation_prompt) {
  const size_t n = text.bytes.size();
  std::string learned(n, 0);
  const auto learn = [&](size_t begin, size_t end) {
    std::fill(learned.begin() + static_cast<ptrdiff_t>(begin),
              learned.begin() + static_cast<ptrdiff_t>(end), 1);
  };
  const auto next_message = [&](size_t at) {
    return std::min(n, text.origins.find_first_not_of(kOfTemplate, at));
  };
  size_t template_begin = 0;  // of the template's text before the current run
  size_t at = next_message(0);
  auto token = found.begin();
  while (at < n) {
    const size_t end = std::min(n, text.origins.find_first_not_of(text.origins[at], at));
    if (text.origins[at] == kOfAssistant) {
      learn(at, end);
      const auto before = std::string_view(text.bytes).substr(template_begin, at - template_begin);
      const size_t prompt =
          generation_prompt.empty() ? before.npos : before.rfind(generation_prompt);
      if (prompt != before.npos) learn(template_begin + prompt + generation_prompt.size(), at);
      const size_t next = next_message(end);
      while (token != found.end() && (token->begin < end || !token->token->special)) ++token;
      if (token != found.end() && token->end <= next) {
        learn(end, token->end);
      } else if (next < n && text.origins[next] == kOfAssistant) {
        learn(end, next);  // two parts of one answer
      }
    }
    template_begin = end;
    at = next_message(end);
  }
  return learned;
}

bool is_ascii_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Encodes ordinary text, where `learned` says which bytes of it are.
void encode_text(const Tokenizer& tokenizer, std::string_view text, std::string_view learned,
                 RenderedChat& chat) {
  const size_t first = chat.ids.size();
  tokenizer.encode_append(text, chat.ids);
  chat.trained.resize(chat.ids.size(), 0);
  if (learned.find('\1') == learned.npos) return;
  if (learned.find('\0') == learned.npos) {
    std::fill(chat.trained.begin() + static_cast<ptrdiff_t>(first), chat.trained.end(), 1);
    return;
  }
  // Where the tokens' bytes are: normalization may have changed how many there are.
  const Vocabulary& v = tokenizer.vocabulary();
  std::string normal;
  if (v.nfc) {
    for (size_t i = 0; i < text.size();) {
      const size_t end = std::min(text.size(), learned.find_first_not_of(learned[i], i));
      const std::string part = normalize_nfc(text.substr(i, end - i));
      normal.append(part.size(), learned[i]);
      i = end;
    }
    learned = normal;
  }
  size_t at = 0;
  bool added_space = v.kind == BpeKind::kSentencePiece && v.leading_space;
  for (size_t i = first; i < chat.ids.size(); ++i) {
    size_t bytes = tokenizer.token_bytes(chat.ids[i]).size();
    if (added_space && bytes > 0) {
      --bytes;
      added_space = false;
    }
    const auto own = learned.substr(std::min(at, learned.size()), bytes);
    // A token of no bytes of the text is the space put before it: it goes with what follows.
    chat.trained[i] = bytes == 0 ? !learned.empty() && learned[std::min(at, learned.size() - 1)]
                                 : own.find('\1') != own.npos;
    at += bytes;
  }
}

}  // namespace

RenderedChat encode_marked(const Tokenizer& tokenizer, const RenderedText& rendered,
                           std::string_view generation_prompt) {
  const MarkedText& text = rendered.text;
  const std::vector<Found> found = find_tokens(tokenizer.vocabulary(), text);
  const std::string learned = rendered.generated.empty()
                                  ? learned_bytes(text, found, generation_prompt)
                                  : rendered.generated;
  const std::string_view bytes = text.bytes;
  RenderedChat chat;
  size_t done = 0;
  const auto encode_until = [&](size_t stop) {
    if (stop <= done) return;
    encode_text(tokenizer, bytes.substr(done, stop - done),
                std::string_view(learned).substr(done, stop - done), chat);
  };
  for (const Found& f : found) {
    size_t stop = f.begin;
    if (f.token->strip_left)
      while (stop > done && is_ascii_space(bytes[stop - 1])) --stop;
    encode_until(stop);
    chat.ids.push_back(f.token->id);
    chat.trained.push_back(static_cast<uint8_t>(learned[f.begin]));
    done = f.end;
    if (f.token->strip_right)
      while (done < bytes.size() && is_ascii_space(bytes[done])) ++done;
  }
  encode_until(bytes.size());
  return chat;
}

int32_t token_behind_answer(const Tokenizer& tokenizer, const MarkedText& text) {
  const size_t answer = text.origins.find(kOfAssistant);
  if (answer == std::string::npos) return -1;
  const auto found = find_tokens(tokenizer.vocabulary(), text);  // `end` points into it
  const Found* end = special_behind(found, answer);
  return end ? end->token->id : -1;
}

}  // namespace parley::tokenizer
