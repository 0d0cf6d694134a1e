// Text that remembers who wrote each byte.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace parley::tokenizer {

enum class Origin : char {
  kTemplate,   // trusted: special tokens may come of it
  kMessage,    // a user's or system's words: ordinary text, whatever they say
  kAssistant,  // an assistant's words: ordinary text, and what is to be learned
};

struct MarkedText {
  std::string bytes;
  std::string origins;  // an Origin a byte, as long as `bytes`

  MarkedText() = default;
  MarkedText(std::string_view text, Origin origin)
      : bytes(text), origins(text.size(), static_cast<char>(origin)) {}

  size_t size() const { return bytes.size(); }
  void append(std::string_view text, Origin origin) {
    bytes += text;
    origins.append(text.size(), static_cast<char>(origin));
  }
  void append(const MarkedText& text) { append(text, 0, text.size()); }
  // Bytes [begin, end) of `text`.
  void append(const MarkedText& text, size_t begin, size_t end) {
    bytes.append(text.bytes, begin, end - begin);
    origins.append(text.origins, begin, end - begin);
  }
  MarkedText slice(size_t begin, size_t end) const {
    MarkedText part;
    part.append(*this, begin, end);
    return part;
  }
  // Whether the template wrote all of bytes [begin, end).
  bool from_template(size_t begin, size_t end) const {
    return std::all_of(origins.begin() + static_cast<std::ptrdiff_t>(begin),
                       origins.begin() + static_cast<std::ptrdiff_t>(end),
                       [](char origin) { return origin == static_cast<char>(Origin::kTemplate); });
  }
};

}  // namespace parley::tokenizer
