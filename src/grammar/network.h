// A compiled grammar: the automata of all rules in one numbering (a recursive transition network).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "grammar/expression.h"
#include "grammar/nfa.h"

namespace parley::grammar {

inline constexpr int32_t kUnreachable = 1 << 29;  // as a distance: no way

class Network {
 public:
  // Error if a rule is left-recursive, if no finite answer exists, or if it is too large.
  explicit Network(const RuleSet& rules);

  struct State {
    uint32_t bytes, calls;  // where its edges begin; they end where those of the next begin
    int32_t rule;
    bool accepting;
  };

  int32_t states() const { return static_cast<int32_t>(states_.size()) - 1; }
  int32_t rules() const { return static_cast<int32_t>(starts_.size()); }
  int32_t start(int32_t rule) const { return starts_[static_cast<size_t>(rule)]; }
  // Rules that call before they read have lower ranks than those they call.
  int32_t rank(int32_t rule) const { return ranks_[static_cast<size_t>(rule)]; }
  const State& state(int32_t s) const { return states_[static_cast<size_t>(s)]; }
  std::span<const ByteEdge> byte_edges(int32_t s) const {
    return {bytes_.data() + state(s).bytes, bytes_.data() + state(s + 1).bytes};
  }
  std::span<const CallEdge> call_edges(int32_t s) const {
    return {calls_.data() + state(s).calls, calls_.data() + state(s + 1).calls};
  }

  // For each state the fewest bytes to the end of its rule, made of `available` bytes only;
  // kUnreachable without any (Knuth, "A generalization of Dijkstra's algorithm", 1977).
  std::vector<int32_t> distances(const std::array<bool, 256>& available) const;

 private:
  void append(const RuleAutomaton& automaton, int32_t rule);
  void rank_rules(const RuleSet& rules, const std::vector<int32_t>& distance);

  std::vector<State> states_;  // and one behind the last
  std::vector<ByteEdge> bytes_;
  std::vector<CallEdge> calls_;
  std::vector<int32_t> starts_, ranks_;
};

}  // namespace parley::grammar
