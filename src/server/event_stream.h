// Answers as server-sent events: one `data:` frame for each piece.
#pragma once

#include <string>
#include <string_view>

#include "server/context.h"

namespace parley::server {

class EventStream {
 public:
  // `head`: what every frame begins with (id, object, created, model). With `include_usage` there
  // is a last frame with the usage, and "usage": null in the others.
  EventStream(Call& call, const Json& head, bool include_usage);

  // A frame with this choice, as JSON text.
  void add(std::string_view choice);
  // Sends the frames that were added, the first time with the head of the response. Frames that
  // follow each other faster than a person sees go out together: a system call for every
  // token of a small model would cost more than the token.
  http::Task send();
  // The usage frame, and [DONE].
  http::Task finish(const Json& usage);

 private:
  Call& call_;
  std::string head_;  // "{…," without an end
  bool include_usage_, begun_ = false;
  std::string frames_;
  Clock::time_point sent_{};
};

// Throws what an answer that failed means to the client: ApiError 500, or Disconnected when it was
// cancelled.
void fail_on_error(const Piece& piece);

}  // namespace parley::server
