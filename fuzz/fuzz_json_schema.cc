// Any JSON as a schema: compiled and followed, or refused with an Error. An answer that came to its
// end is JSON.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "random_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  using namespace parley;
  // As deep as a request may be; nlohmann's reader and its values recurse.
  int depth = 0;
  const auto schema = nlohmann::ordered_json::parse(
      text,
      [&](int at, auto event, const auto&) {
        depth = std::max(depth, at);
        return event != nlohmann::ordered_json::parse_event_t::object_start || at < 1000;
      },
      false);
  if (schema.is_discarded() || depth >= 1000) return 0;
  try {
    const grammar::GrammarPtr grammar = grammar::from_json_schema(schema);
    bool stopped = false;
    const std::string answer = fuzz::write_answer(grammar, size, 40, stopped);
    if (stopped && !nlohmann::json::accept(answer)) std::abort();
  } catch (const base::Error&) {
  }
  return 0;
}
