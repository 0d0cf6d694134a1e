// Any bytes as a tokenizer file (tokenizer.json, a rank file, llama2.c's): read and used, or
// refused with an Error.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/vocabulary.h"

namespace {

using namespace parley::tokenizer;

void use(VocabularyDraft draft) {
  guess_special_roles(draft);
  const Tokenizer tokenizer(std::move(draft).build());
  for (const std::string_view text : {"Hello, world 123", "你好 <|endoftext|>\n", "\xff\xfe"}) {
    const auto ids = tokenizer.encode(text);
    for (const int32_t id : ids)
      // The unknown token of a SentencePiece vocabulary is special and may well appear.
      if (tokenizer.is_special(id) && id != tokenizer.vocabulary().unknown) std::abort();
    (void)tokenizer.decode(ids);
    (void)tokenizer.decode(tokenizer.encode_with_special(text));
  }
  // What is written can be read.
  const std::string json = to_tokenizer_json(tokenizer.vocabulary());
  try {
    (void)parse_tokenizer_json(json, "written").build();
  } catch (const parley::base::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  try {
    if (file.starts_with('{')) {
      use(parse_tokenizer_json(file, "input"));
    } else if (file.starts_with('\0')) {
      use(parse_llama2c(file, "input"));
    } else {
      use(parse_tiktoken(file, "input", "cl100k_base"));
    }
  } catch (const parley::base::Error&) {
  }
  return 0;
}
