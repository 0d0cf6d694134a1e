#include "grammar/nfa.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace parley::grammar {
namespace {

struct Nfa {
  struct State {
    std::vector<int32_t> empty;
    std::vector<ByteEdge> bytes;
    std::vector<CallEdge> calls;
  };
  std::vector<State> states;
  int32_t accept = 0;
};

class Thompson {
 public:
  Thompson(const std::string& name, int64_t room) : name_(name), room_(room) {}

  Nfa build(const Expression& body) && {
    const int32_t start = state();
    nfa_.accept = state();
    add(body, start, nfa_.accept);
    return std::move(nfa_);
  }

 private:
  int32_t state() {
    if (static_cast<int64_t>(nfa_.states.size()) >= room_)
      base::fail("rule '{}' is too large: repeat less, or give it fewer alternatives", name_);
    nfa_.states.emplace_back();
    return static_cast<int32_t>(nfa_.states.size()) - 1;
  }
  void empty(int32_t from, int32_t to) { at(from).empty.push_back(to); }
  void edge(int32_t from, uint32_t first, uint32_t last, int32_t to) {
    at(from).bytes.push_back({static_cast<uint8_t>(first), static_cast<uint8_t>(last), to});
  }
  Nfa::State& at(int32_t index) { return nfa_.states[static_cast<size_t>(index)]; }

  // Adds paths that spell the expression between two states.
  void add(const Expression& e, int32_t from, int32_t to) {
    switch (e.kind) {
      case Expression::Kind::kBytes: add_bytes(e.bytes, from, to); break;
      case Expression::Kind::kChars: add_chars(e.chars, from, to); break;
      case Expression::Kind::kSequence: add_sequence(e, from, to); break;
      case Expression::Kind::kChoice:
        for (const ExpressionPtr& part : e.parts) add(*part, from, to);
        break;
      case Expression::Kind::kRepeat: add_repeat(e, from, to); break;
      case Expression::Kind::kRule: at(from).calls.push_back({e.rule, to}); break;
      case Expression::Kind::kList: add_list(e, from, to); break;
    }
  }

  void add_bytes(std::string_view text, int32_t from, int32_t to) {
    if (text.empty()) return empty(from, to);
    for (size_t i = 0; i < text.size(); ++i) {
      const int32_t next = i + 1 < text.size() ? state() : to;
      const auto byte = static_cast<uint8_t>(text[i]);
      edge(from, byte, byte, next);
      from = next;
    }
  }

  void add_sequence(const Expression& e, int32_t from, int32_t to) {
    if (e.parts.empty()) return empty(from, to);
    for (size_t i = 0; i < e.parts.size(); ++i) {
      const int32_t next = i + 1 < e.parts.size() ? state() : to;
      add(*e.parts[i], from, next);
      from = next;
    }
  }

  void add_repeat(const Expression& e, int32_t from, int32_t to) {
    const Expression& part = *e.parts[0];
    for (int64_t i = 0; i < e.min; ++i) {
      const int32_t next = state();
      add(part, from, next);
      from = next;
    }
    if (e.max < 0) {
      // A state of its own, entered and left by empty steps: loops around it stay there.
      const int32_t loop = state();
      empty(from, loop);
      add(part, loop, loop);
      empty(loop, to);
      return;
    }
    // All that is left out ends in one state behind, so that no closure grows with the count.
    for (int64_t i = e.min; i < e.max; ++i) {
      const int32_t next = state();
      add(part, from, next);
      empty(from, to);
      from = next;
    }
    empty(from, to);
  }

  // Two rows of states: before item i with nothing written yet, and with something written.
  void add_list(const Expression& e, int32_t from, int32_t to) {
    int32_t nothing = state(), something = state();
    empty(from, nothing);
    for (const ListItem& item : e.items) {
      const int32_t next_nothing = state(), next_something = state();
      const int32_t behind = item.repeated ? something : next_something;
      const int32_t separated = state();
      add(*item.item, nothing, behind);
      add(*e.separator, something, separated);
      add(*item.item, separated, behind);
      if (item.optional || item.repeated) {
        empty(nothing, next_nothing);
        empty(something, next_something);
      }
      nothing = next_nothing;
      something = next_something;
    }
    empty(nothing, to);
    empty(something, to);
  }

  void add_chars(const CharSet& set, int32_t from, int32_t to) {
    static constexpr uint32_t kEnds[] = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};
    // Continuation bytes, shared by all characters of this set: [n] is n bytes before the end.
    int32_t tails[4] = {to, -1, -1, -1};
    for (const CharRange& range : set) {
      uint32_t first = range.first;
      for (int more = 0; more < 4 && first <= range.last; ++more) {
        if (first > kEnds[more]) continue;
        const uint32_t last = std::min(range.last, kEnds[more]);
        add_utf8(first, last, more, more, from, tails);
        first = last + 1;
      }
    }
  }

  // Characters of 1 + `more` bytes, of which `left` continuation bytes follow the one at hand.
  void add_utf8(uint32_t first, uint32_t last, int more, int left, int32_t from,
                int32_t (&tails)[4]) {
    static constexpr uint32_t kLeads[] = {0, 0xC0, 0xE0, 0xF0};
    const auto byte_of = [&](uint32_t c) {
      const uint32_t bits = c >> (6 * left);
      return left == more ? kLeads[more] | bits : 0x80 | (bits & 0x3F);
    };
    if (left == 0) return edge(from, byte_of(first), byte_of(last), tails[0]);
    const uint32_t step = 1U << (6 * left), mask = step - 1;
    // A part block at either end, whole blocks between them.
    if ((first & mask) != 0 || (first | mask) > last) {
      const uint32_t end = std::min(first | mask, last);
      const int32_t next = state();
      edge(from, byte_of(first), byte_of(first), next);
      add_utf8(first, end, more, left - 1, next, tails);
      if (end == last) return;
      return add_utf8(end + 1, last, more, left, from, tails);
    }
    const uint32_t whole = (last + 1) & ~mask;  // behind the last whole block
    edge(from, byte_of(first), byte_of(whole - 1), tail(left, tails));
    if (whole <= last) add_utf8(whole, last, more, left, from, tails);
  }

  int32_t tail(int left, int32_t (&tails)[4]) {
    if (left > 0 && tails[left] < 0) {
      const int32_t next = tail(left - 1, tails);
      tails[left] = state();
      edge(tails[left], 0x80, 0xBF, next);
    }
    return tails[left];
  }

  const std::string& name_;
  int64_t room_;
  Nfa nfa_;
};

// States that empty steps lead to, sorted; only those that matter: with edges, or accepting.
class Closures {
 public:
  explicit Closures(const Nfa& nfa) : nfa_(nfa), seen_(nfa.states.size()) {}

  void close(std::vector<int32_t>& set) {
    ++round_;
    std::vector<int32_t> result, work;
    for (const int32_t s : set) visit(s, work);
    while (!work.empty()) {
      const int32_t s = work.back();
      work.pop_back();
      const Nfa::State& state = nfa_.states[static_cast<size_t>(s)];
      if (!state.bytes.empty() || !state.calls.empty() || s == nfa_.accept) result.push_back(s);
      for (const int32_t next : state.empty) visit(next, work);
    }
    std::ranges::sort(result);
    set = std::move(result);
  }

 private:
  void visit(int32_t s, std::vector<int32_t>& work) {
    if (seen_[static_cast<size_t>(s)] == round_) return;
    seen_[static_cast<size_t>(s)] = round_;
    work.push_back(s);
  }

  const Nfa& nfa_;
  std::vector<uint32_t> seen_;
  uint32_t round_ = 0;
};

struct VectorHash {
  size_t operator()(const std::vector<int32_t>& v) const {
    uint64_t h = v.size();
    for (const int32_t x : v) h = (h ^ static_cast<uint32_t>(x)) * 0x9E3779B97F4A7C15 + (h >> 29);
    return h;
  }
};

// The powerset construction with bytes and calls as its letters, until it takes `max_states` or
// `max_work` members of sets; then the result is of no use.
class Powerset {
 public:
  Powerset(const Nfa& nfa, int64_t max_states, int64_t max_work)
      : nfa_(nfa), closures_(nfa), max_states_(max_states), work_(max_work) {}

  bool build(RuleAutomaton& result) {
    std::vector<int32_t> start = {0};
    intern(std::move(start));
    for (size_t i = 0; i < sets_.size(); ++i) {
      if (static_cast<int64_t>(sets_.size()) > max_states_ || work_ < 0) return false;
      expand(i);
    }
    result = std::move(states_);
    return true;
  }
  int64_t work_left() const { return work_; }

 private:
  int32_t intern(std::vector<int32_t> set) {
    closures_.close(set);
    work_ -= static_cast<int64_t>(set.size()) + 1;
    const auto [place, is_new] = ids_.try_emplace(set, static_cast<int32_t>(sets_.size()));
    if (is_new) {
      states_.emplace_back().accepting = std::ranges::binary_search(set, nfa_.accept);
      sets_.push_back(&place->first);
    }
    return place->second;
  }

  void expand(size_t index) {
    const std::vector<int32_t>& set = *sets_[index];
    std::vector<ByteEdge> edges;
    std::map<int32_t, std::vector<int32_t>> calls;
    for (const int32_t s : set) {
      const Nfa::State& state = nfa_.states[static_cast<size_t>(s)];
      edges.insert(edges.end(), state.bytes.begin(), state.bytes.end());
      for (const CallEdge& call : state.calls) calls[call.rule].push_back(call.target);
    }
    bool cuts[257] = {};
    for (const ByteEdge& edge : edges) cuts[edge.first] = cuts[edge.last + 1] = true;
    std::ranges::sort(edges, {}, &ByteEdge::first);
    std::vector<ByteEdge> bytes;
    std::vector<ByteEdge> active;
    size_t next_edge = 0;
    for (int first = 0; first < 256;) {
      int end = first + 1;
      while (end < 256 && !cuts[end]) ++end;
      std::erase_if(active, [&](const ByteEdge& edge) { return edge.last < first; });
      while (next_edge < edges.size() && edges[next_edge].first <= first)
        active.push_back(edges[next_edge++]);
      if (!active.empty()) {
        std::vector<int32_t> targets;
        targets.reserve(active.size());
        for (const ByteEdge& edge : active) targets.push_back(edge.target);
        const int32_t target = intern(std::move(targets));
        if (!bytes.empty() && bytes.back().target == target && bytes.back().last + 1 == first) {
          bytes.back().last = static_cast<uint8_t>(end - 1);
        } else {
          bytes.push_back({static_cast<uint8_t>(first), static_cast<uint8_t>(end - 1), target});
        }
      }
      first = end;
    }
    std::vector<CallEdge> call_edges;
    call_edges.reserve(calls.size());
    for (auto& [rule, targets] : calls) call_edges.push_back({rule, intern(std::move(targets))});
    states_[index].bytes = std::move(bytes);
    states_[index].calls = std::move(call_edges);
  }

  const Nfa& nfa_;
  Closures closures_;
  int64_t max_states_, work_;
  std::unordered_map<std::vector<int32_t>, int32_t, VectorHash> ids_;
  std::vector<const std::vector<int32_t>*> sets_;
  RuleAutomaton states_;
};

// The same states without empty steps, where a deterministic automaton would be too large.
// False if this is too large too.
bool without_empty_steps(const Nfa& nfa, int64_t max_edges, RuleAutomaton& result) {
  Closures closures(nfa);
  std::vector<int32_t> ids(nfa.states.size(), -1), order = {0};
  ids[0] = 0;
  const auto id_of = [&](int32_t s) {
    int32_t& id = ids[static_cast<size_t>(s)];
    if (id < 0) {
      id = static_cast<int32_t>(order.size());
      order.push_back(s);
    }
    return id;
  };
  for (size_t i = 0; i < order.size(); ++i) {
    std::vector<int32_t> set = {order[i]};
    closures.close(set);
    RuleState made;
    for (const int32_t s : set) {
      made.accepting |= s == nfa.accept;
      const Nfa::State& state = nfa.states[static_cast<size_t>(s)];
      for (const ByteEdge& edge : state.bytes)
        made.bytes.push_back({edge.first, edge.last, id_of(edge.target)});
      for (const CallEdge& call : state.calls)
        made.calls.push_back({call.rule, id_of(call.target)});
    }
    max_edges -= static_cast<int64_t>(made.bytes.size() + made.calls.size());
    if (max_edges < 0) return false;
    std::ranges::sort(made.bytes, {}, &ByteEdge::first);
    result.push_back(std::move(made));
  }
  return true;
}

}  // namespace

RuleAutomaton build_automaton(const Expression& body, const std::string& name,
                              AutomatonBudget& budget) {
  const Nfa nfa = Thompson(name, budget.states).build(body);
  const auto size = static_cast<int64_t>(nfa.states.size());
  RuleAutomaton result;
  Powerset powerset(nfa, std::min(budget.states, 2000 + 2 * size), budget.work / 2);
  const bool deterministic = powerset.build(result);
  budget.work -= budget.work / 2 - powerset.work_left();
  if (!deterministic) {
    result.clear();
    if (!without_empty_steps(nfa, 100'000, result))
      base::fail("rule '{}' is too large: repeat less, or give it fewer alternatives", name);
  }
  budget.states -= static_cast<int64_t>(std::max(nfa.states.size(), result.size()));
  return result;
}

}  // namespace parley::grammar
