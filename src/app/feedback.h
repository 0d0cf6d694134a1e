// What people say of answers, with copies of all it is about, so that it outlives the conversation.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "app/call.h"

namespace parley::app {

// Counts over feedback, added one by one, in the order it was given. docs/app_api.md: GET
// /feedback/stats.
class FeedbackStats {
 public:
  void add(const store::Feedback& feedback);
  Json json() const;

 private:
  struct Model {
    int64_t up = 0, down = 0, wins = 0, losses = 0;
  };
  struct Day {
    int64_t up = 0, down = 0, comparisons = 0;
  };
  struct Pair {
    int64_t first = 0, second = 0, ties = 0;  // judgements for each of the two answers
  };
  int64_t up_ = 0, down_ = 0, comparisons_ = 0, ties_ = 0, corrections_ = 0;
  std::map<std::string, Model> models_;
  std::map<std::string, Day> days_;
  std::map<std::pair<std::string, std::string>, Pair> pairs_;
};

// A text of a feedback's context; empty when it is not there.
std::string context_text(const store::Feedback& feedback, const char* name);

}  // namespace parley::app
