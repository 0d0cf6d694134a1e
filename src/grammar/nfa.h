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

// What all rules of a grammar together may still cost.
struct AutomatonBudget {
  int64_t states = 200'000;
  int64_t work = 24'000'000;  // members of sets of states, of the powerset construction
};

// Takes what it uses off the budget. Error naming `name` when that is not enough.
RuleAutomaton build_automaton(const Expression& body, const std::string& name,
                              AutomatonBudget& budget);

}  // namespace parley::grammar
