#include "grammar/network.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "base/error.h"

namespace parley::grammar {
namespace {

// Distances become final from the nearest state on.
class Distances {
 public:
  Distances(const Network& network, const std::array<bool, 256>& available)
      : network_(network),
        distance_(static_cast<size_t>(network.states()), kUnreachable),
        final_(distance_.size()),
        into_(distance_.size()),
        callers_(static_cast<size_t>(network.rules())) {
    for (int32_t s = 0; s < network.states(); ++s) {
      for (const ByteEdge& edge : network.byte_edges(s))
        if (std::any_of(available.begin() + edge.first, available.begin() + edge.last + 1,
                        [](bool b) { return b; }))
          into(edge.target).push_back({s, -1});
      for (const CallEdge& edge : network.call_edges(s)) {
        into(edge.target).push_back({s, edge.rule});
        callers_[static_cast<size_t>(edge.rule)].push_back({s, edge.target});
      }
    }
  }

  std::vector<int32_t> find() && {
    for (int32_t s = 0; s < network_.states(); ++s)
      if (network_.state(s).accepting) relax(s, 0);
    while (!queue_.empty()) {
      const auto [negative, s] = queue_.top();
      queue_.pop();
      if (final_[static_cast<size_t>(s)]) continue;
      final_[static_cast<size_t>(s)] = true;
      settle(s, static_cast<int32_t>(-negative));
    }
    return std::move(distance_);
  }

 private:
  struct Source {
    int32_t state, rule;  // rule -1: a byte
  };

  std::vector<Source>& into(int32_t s) { return into_[static_cast<size_t>(s)]; }

  void settle(int32_t s, int32_t distance) {
    for (const Source& source : into(s)) {
      if (source.rule < 0) {
        relax(source.state, distance + 1);
      } else if (const int32_t start = network_.start(source.rule); final(start)) {
        relax(source.state, distance + at(start));
      }
    }
    const int32_t rule = network_.state(s).rule;
    if (network_.start(rule) != s) return;
    for (const Source& caller : callers_[static_cast<size_t>(rule)])
      if (final(caller.rule)) relax(caller.state, distance + at(caller.rule));
  }

  bool final(int32_t s) const { return final_[static_cast<size_t>(s)]; }
  int32_t at(int32_t s) const { return distance_[static_cast<size_t>(s)]; }

  void relax(int32_t s, int32_t distance) {
    if (distance >= at(s)) return;  // kUnreachable too: nobody has that much room
    distance_[static_cast<size_t>(s)] = distance;
    queue_.push({-distance, s});
  }

  const Network& network_;
  std::vector<int32_t> distance_;
  std::vector<bool> final_;
  std::vector<std::vector<Source>> into_;
  std::vector<std::vector<Source>> callers_;  // of each rule; `rule` is the state behind the call
  std::priority_queue<std::pair<int64_t, int32_t>> queue_;
};

}  // namespace

Network::Network(const RuleSet& rules) {
  AutomatonBudget budget;
  for (size_t i = 0; i < rules.rules.size(); ++i) {
    const RuleSet::Rule& rule = rules.rules[i];
    append(build_automaton(*rule.body, rule.name, budget), static_cast<int32_t>(i));
  }
  states_.push_back(
      {static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(calls_.size()), -1, false});
  std::array<bool, 256> all;
  all.fill(true);
  const std::vector<int32_t> distance = distances(all);
  rank_rules(rules, distance);
  if (distance[static_cast<size_t>(start(0))] >= kUnreachable)
    base::fail(
        "no finite answer follows this grammar: rule '{}' always needs itself, or what "
        "cannot be",
        rules.rules[0].name);
}

void Network::append(const RuleAutomaton& automaton, int32_t rule) {
  const auto first = static_cast<int32_t>(states_.size());
  starts_.push_back(first);
  for (const RuleState& state : automaton) {
    states_.push_back({static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(calls_.size()),
                       rule, state.accepting});
    for (ByteEdge edge : state.bytes) {
      edge.target += first;
      bytes_.push_back(edge);
    }
    for (CallEdge edge : state.calls) {
      edge.target += first;
      calls_.push_back(edge);
    }
  }
}

std::vector<int32_t> Network::distances(const std::array<bool, 256>& available) const {
  return Distances(*this, available).find();
}

// Depth-first over "may call before it has read a byte"; a circle is left recursion.
void Network::rank_rules(const RuleSet& rules, const std::vector<int32_t>& distance) {
  const auto left_calls = [&](int32_t rule) {
    std::vector<int32_t> called, work = {start(rule)};
    std::vector<int32_t> seen = work;
    while (!work.empty()) {
      const int32_t s = work.back();
      work.pop_back();
      for (const CallEdge& call : call_edges(s)) {
        called.push_back(call.rule);
        const bool nullable = distance[static_cast<size_t>(start(call.rule))] == 0;
        if (nullable && std::ranges::find(seen, call.target) == seen.end()) {
          seen.push_back(call.target);
          work.push_back(call.target);
        }
      }
    }
    std::ranges::sort(called);
    called.erase(std::unique(called.begin(), called.end()), called.end());
    return called;
  };
  enum : uint8_t { kNew, kOpen, kDone };
  struct Visit {
    int32_t rule;
    std::vector<int32_t> called;
    size_t next = 0;
  };
  std::vector<uint8_t> mark(starts_.size(), kNew);
  ranks_.assign(starts_.size(), 0);
  auto rank = static_cast<int32_t>(starts_.size());
  std::vector<Visit> path;
  const auto open = [&](int32_t rule) {
    mark[static_cast<size_t>(rule)] = kOpen;
    path.push_back({rule, left_calls(rule)});
  };
  for (int32_t root = 0; root < this->rules(); ++root) {
    if (mark[static_cast<size_t>(root)] == kNew) open(root);
    while (!path.empty()) {
      Visit& top = path.back();
      if (top.next == top.called.size()) {
        mark[static_cast<size_t>(top.rule)] = kDone;
        ranks_[static_cast<size_t>(top.rule)] = --rank;
        path.pop_back();
        continue;
      }
      const int32_t called = top.called[top.next++];
      if (mark[static_cast<size_t>(called)] == kOpen)
        base::fail(
            "rule '{}' is left-recursive: it may call itself before it has read anything; "
            "write the recursion at the right, or as a repetition",
            rules.rules[static_cast<size_t>(called)].name);
      if (mark[static_cast<size_t>(called)] == kNew) open(called);
    }
  }
}

}  // namespace parley::grammar
