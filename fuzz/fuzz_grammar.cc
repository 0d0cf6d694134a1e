// Any bytes as a grammar (first byte even: GBNF, odd: a regular expression): compiled and followed
// for a few tokens of one byte, or refused with an Error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "random_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  using namespace parley;
  try {
    const grammar::GrammarPtr grammar =
        data[0] % 2 ? grammar::from_regex(text) : grammar::from_gbnf(text);
    bool stopped = false;
    (void)fuzz::write_answer(grammar, size, 24, stopped);
  } catch (const base::Error&) {
  }
  return 0;
}
