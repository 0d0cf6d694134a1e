// An answer as server-sent events.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "app/call.h"

namespace parley::app {

// UTF-16 code units of a text in UTF-8.
int64_t utf16_length(std::string_view utf8);

// Makes events of a text that arrives in pieces, for a reader who has its first `from` UTF-16 code
// units. A character of two units is never split: its event begins with all of it.
class Deltas {
 public:
  explicit Deltas(int64_t from) : from_(from) {}

  // What follows; the first time, everything so far. Empty: there is nothing to tell.
  std::string next(std::string_view text);

 private:
  int64_t from_;
  int64_t at_ = 0;  // where the next text begins
  bool first_ = true;
};

// The user's own; an answer whose server ended is marked. ApiError 404. Blocks. (messages.cc)
store::Message own_message(const Services& services, const store::User& user, const store::Id& id);

http::Task stream_message(Call& call);
// Stops an answer that another server writes, which shares the store.
http::Task stop_elsewhere(Call& call, const store::Id& id);

}  // namespace parley::app
