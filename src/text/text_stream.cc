#include "text/text_stream.h"

#include <algorithm>

#include "base/error.h"

namespace parley::text {

int64_t count_characters(std::string_view utf8) {
  return std::ranges::count_if(utf8, [](char c) { return (c & 0xc0) != 0x80; });
}

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
  if (std::ranges::any_of(stops_, &std::string::empty))
    throw base::UsageError("a stop string is empty: it would end every answer at once");
}

std::string StopMatcher::push(std::string_view text) {
  if (stopped_) return {};
  held_ += text;

  // The earliest stop string wins.
  size_t end = std::string::npos;
  for (const std::string& stop : stops_) end = std::min(end, held_.find(stop));
  if (end != std::string::npos) {
    stopped_ = true;
    held_.resize(end);
    return std::exchange(held_, {});
  }

  // The longest tail that is the head of a stop string has to wait.
  size_t tail = 0;
  for (const std::string& stop : stops_)
    for (size_t n = std::min(stop.size() - 1, held_.size()); n > tail; --n)
      if (std::string_view(held_).ends_with(std::string_view(stop).substr(0, n))) tail = n;
  std::string shown = held_.substr(0, held_.size() - tail);
  held_.erase(0, shown.size());
  return shown;
}

std::string StopMatcher::finish() { return std::exchange(held_, {}); }

}  // namespace parley::text
