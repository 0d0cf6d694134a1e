#include "base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace parley::base {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

int terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 100;
  return size.ws_col;
}

// 1234567 -> "1.23M"
std::string human_count(double n) {
  const char* units[] = {"", "k", "M", "G", "T"};
  int unit = 0;
  while (n >= 999.5 && unit < 4) n /= 1000, ++unit;
  return fmt::format("{:.{}g}{}", n, n < 999.5 ? 3 : 4, units[unit]);
}

}  // namespace

std::string human_duration(double seconds) {
  constexpr double kLongest = 1e9;  // 31 years: a rate close to zero, nothing to wait for
  if (!(seconds < kLongest)) return "-:--";
  const auto s = static_cast<int64_t>(std::max(0.0, seconds) + 0.5);
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

Progress::Progress(std::string label, uint64_t total, std::string unit, bool quiet)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      drawn_(start_) {}

Progress::~Progress() { finish(); }

void Progress::update(uint64_t done, std::string_view detail) {
  const auto now = Clock::now();
  if (!started_) {
    started_ = true;
    first_done_ = done;
    first_ = now;
  }
  done_ = done;
  detail_ = detail;
  if (seconds_between(drawn_, now) < (terminal_ ? 0.1 : 10.0)) return;
  drawn_ = now;
  draw(false);
}

// Counted from the first update on: what a resumed run did before is not this run's
// speed. With one update there is nothing better than the whole.
double Progress::per_second() const {
  const auto now = Clock::now();
  if (started_ && done_ > first_done_)
    return static_cast<double>(done_ - first_done_) / std::max(1e-9, seconds_between(first_, now));
  return static_cast<double>(done_) / std::max(1e-9, seconds_between(start_, now));
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  draw(true);
}

void Progress::print_line(std::string_view line) {
  if (terminal_ && !quiet_) std::fputs("\r\x1b[K", stderr);
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  if (!finished_ && terminal_) draw(false);
}

void Progress::draw(bool last) {
  if (quiet_) return;
  const double elapsed = seconds_between(start_, Clock::now());
  const double rate = per_second();
  std::string head = label_ + " ", tail;
  if (total_ > 0) {
    const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
    if (terminal_) {
      constexpr int kWidth = 24;
      const int filled = static_cast<int>(share * kWidth);
      for (int i = 0; i < kWidth; ++i) head += i < filled ? "█" : "░";
    }
    head += fmt::format(" {:3.0f}%", share * 100);
    tail = fmt::format(" {}/{} {}", human_count(static_cast<double>(done_)),
                       human_count(static_cast<double>(total_)), unit_);
  } else {
    tail = fmt::format(" {} {}", human_count(static_cast<double>(done_)), unit_);
  }
  tail += fmt::format(" {}/s", human_count(rate));
  if (last)
    tail += " in " + human_duration(elapsed);
  else if (total_ > done_ && rate > 0)
    tail += " ETA " + human_duration(static_cast<double>(total_ - done_) / rate);
  if (!detail_.empty()) tail += "  " + detail_;
  if (!terminal_) {
    std::fprintf(stderr, "%s%s\n", head.c_str(), tail.c_str());
    return;
  }
  // Cut the tail so that the line never wraps; the bar's blocks are one column each.
  const int columns = terminal_width() - 1;
  const int head_columns = static_cast<int>(label_.size()) + 1 + (total_ > 0 ? 24 + 5 : 0);
  tail.resize(std::min(tail.size(), static_cast<size_t>(std::max(0, columns - head_columns))));
  std::fprintf(stderr, "\r\x1b[K%s%s%s", head.c_str(), tail.c_str(), last ? "\n" : "");
  std::fflush(stderr);
}

}  // namespace parley::base
