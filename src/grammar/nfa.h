// One rule as an automaton over bytes and calls of other rules: first with empty steps (Thompson's
// construction), then without them and, where that stays small, deterministic.
#pragma once

#include <cstdint>
#include <vector>

#include "grammar/expression.h"

namespace parley::grammar {

struct ByteEdge {
  uint8_t first, last;
  int32_t target;
};
struct CallEdge {
  int32_t rule;
  int32_t target;  // where to go on when the rule has ended
};
struct RuleState {
  std::vector<ByteEdge> bytes;  // sorted by `first`
  std::vector<CallEdge> calls;  // sorted by rule
  bool accepting = false;       // the rule may end here
};

// States of one rule, numbered from 0, where it begins.
using RuleAutomaton = std::vector<RuleState>;

// `room`: how many states may still be made; what is used is taken off. Error naming `name` when
// it is not enough.
RuleAutomaton build_automaton(const Expression& body, const std::string& name, int64_t& room);

}  // namespace parley::grammar
