// Any bytes as a safetensors file: parsed and read, or refused with an Error.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "formats/convert.h"
#include "formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace parley;
  // As they are; and with a correct header length, which chance would seldom find: the header
  // ends with the last '}'.
  std::vector<std::byte> file(size);
  if (size > 0) std::memcpy(file.data(), data, size);
  for (const bool repair : {false, true}) {
    if (repair) {
      size_t end = size;
      while (end > 0 && data[end - 1] != '}') --end;
      const uint64_t header_bytes = end;
      file.insert(file.begin(), sizeof header_bytes, std::byte{0});
      std::memcpy(file.data(), &header_bytes, sizeof header_bytes);
    }
    try {
      for (const formats::StoredTensor& t : formats::parse_safetensors(file, "input")) {
        if (!formats::is_convertible(t.dtype)) continue;
        std::vector<float> out(static_cast<size_t>(t.size()));
        formats::read_f32(t, out);
        if (t.shape.size() == 2) formats::read_f32_transposed(t, out);
      }
    } catch (const base::Error&) {
    }
  }
  return 0;
}
