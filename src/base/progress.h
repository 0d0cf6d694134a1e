// Progress of long work: a bar with rate and ETA on a terminal, plain lines otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace parley::base {

// "1:02:03", "2:05"
std::string human_duration(double seconds);

// Draws on stderr at most ten times a second (terminal) or once in ten seconds
// (not a terminal). Nothing is drawn when `quiet`.
class Progress {
 public:
  // `unit` names what is counted ("B", "tokens", "steps"); total 0: not known.
  Progress(std::string label, uint64_t total, std::string unit, bool quiet = false);
  ~Progress();

  // `done` of the total so far; `detail` is shown behind the bar ("loss 3.21").
  void update(uint64_t done, std::string_view detail = {});
  // Draws the last state and ends the line. Idempotent.
  void finish();
  // Prints a line of text without breaking the bar.
  void print_line(std::string_view line);

 private:
  double per_second() const;
  void draw(bool last);

  std::string label_, unit_, detail_;
  uint64_t total_, done_ = 0, first_done_ = 0;
  bool quiet_, terminal_, finished_ = false, started_ = false;
  std::chrono::steady_clock::time_point start_, first_, drawn_;
};

}  // namespace parley::base
