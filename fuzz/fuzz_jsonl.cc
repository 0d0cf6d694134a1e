// JSON Lines, text, gzip and zstd input of the training data: any bytes give documents of
// valid UTF-8 or an Error, never more.
#include <simdjson.h>

#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "data/text_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const char* name : {"input.jsonl", "input.txt"}) {
    for (const bool skip_bad : {false, true}) {
      try {
        parley::data::TextSource source(bytes, name);
        source.set_skip_bad(skip_bad);
        // A few hundred bytes of gzip may hold a gigabyte: read some of it.
        uint64_t read = 0;
        for (std::string document; read < (4u << 20) && source.next(document);) {
          read += document.size();
          if (document.empty() || !simdjson::validate_utf8(document)) std::abort();
        }
        (void)source.where();
        if (source.bytes_read() > size) std::abort();
      } catch (const parley::base::Error&) {
      }
    }
  }
  return 0;
}
