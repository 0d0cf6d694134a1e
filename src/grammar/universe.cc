#include "grammar/universe.h"

#include <map>
#include <set>

namespace parley::grammar {
namespace {

// Beyond these what an ambiguous grammar may still mean is cut to the readings nearest to an end:
// fewer texts are allowed then, never a wrong one.
constexpr size_t kMaxFrames = 256, kMaxEntries = 256, kMaxClosure = 5000;
constexpr int kMaxUnionDepth = 200;

}  // namespace

Universe::Universe(const Network& network, const TokenTable::Data& tokens)
    : network_(network), tokens_(tokens), state_distances_(network.distances(tokens.single)) {
  uint16_t depth = 0;
  for (const TokenTable::Data::Node& node : tokens.nodes) depth = std::max(depth, node.depth);
  path_.resize(size_t{depth} + 1);
  stacks_.intern({});
  stack_distances_.push_back(0);
  bottom_ = intern_stacks({pack(kBottom, 0)});
  below_ = intern_stacks({pack(kBelow, 0)});
  intern_config({});  // kDead
  const uint64_t entry = pack(network.start(0), bottom_);
  start_ = close({&entry, 1});
  memory_ += state_distances_.size() * sizeof(int32_t);
}

bool Universe::may_end(Config config) const {
  const auto entries = configs_[config];
  return !entries.empty() && state_of(entries[0]) == kBottom;
}

bool Universe::finished(Config config) const {
  return may_end(config) && configs_[config].size() == 1;
}

// A call that has nothing left to do behind it leaves no frame, so repetition by right recursion
// takes no memory.
Universe::Stacks Universe::push(int32_t state, Stacks below) {
  const bool nothing_left = network_.state(state).accepting && network_.byte_edges(state).empty() &&
                            network_.call_edges(state).empty();
  return nothing_left ? below : intern_stacks({pack(state, below)});
}

Universe::Stacks Universe::intern_stacks(std::vector<uint64_t> frames) {
  std::ranges::sort(frames);
  frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
  if (frames.size() > kMaxFrames) {
    std::ranges::stable_sort(frames, {}, [this](uint64_t frame) { return entry_distance(frame); });
    frames.resize(kMaxFrames);
    std::ranges::sort(frames);
  }
  const Stacks stacks = stacks_.intern(frames);
  if (stacks == stack_distances_.size()) {
    int32_t distance = kUnreachable;
    for (const uint64_t frame : frames) distance = std::min(distance, entry_distance(frame));
    stack_distances_.push_back(distance);
  }
  return stacks;
}

Universe::Stacks Universe::unite(Stacks a, Stacks b, int depth) {
  if (a == b) return a;
  const uint64_t key = uint64_t{std::min(a, b)} << 32 | std::max(a, b);
  if (const auto found = unions_.find(key); found != unions_.end()) return found->second;
  std::vector<uint64_t> frames;
  std::ranges::merge(stacks_[a], stacks_[b], std::back_inserter(frames));
  if (depth < kMaxUnionDepth) {  // frames that return to the same state become one
    std::vector<uint64_t> united;
    for (const uint64_t frame : frames) {
      if (!united.empty() && state_of(united.back()) == state_of(frame)) {
        united.back() =
            pack(state_of(frame), unite(stacks_of(united.back()), stacks_of(frame), depth + 1));
      } else {
        united.push_back(frame);
      }
    }
    frames = std::move(united);
  }
  const Stacks result = intern_stacks(std::move(frames));
  unions_[key] = result;
  memory_ += 32;
  return result;
}

Universe::Config Universe::intern_config(std::vector<uint64_t> entries) {
  if (entries.size() > kMaxEntries) {
    std::ranges::stable_sort(entries, {}, [this](uint64_t entry) { return entry_distance(entry); });
    entries.resize(kMaxEntries);
    std::ranges::sort(entries);
  }
  const Config config = configs_.intern(entries);
  if (config == distances_.size()) {
    int32_t distance = kUnreachable;
    for (const uint64_t entry : entries) distance = std::min(distance, entry_distance(entry));
    distances_.push_back(distance);
    rows_.emplace_back();
    facts_.emplace_back();
    memory_ += sizeof(int32_t) + sizeof(rows_[0]) + sizeof(facts_[0]);
  }
  return config;
}

Universe::Config Universe::step(Config config, uint8_t byte) {
  std::vector<uint64_t> reached;
  for (const uint64_t entry : configs_[config]) {
    if (state_of(entry) < 0) continue;
    for (const ByteEdge& edge : network_.byte_edges(state_of(entry))) {
      if (edge.first > byte) break;
      if (edge.last >= byte) reached.push_back(pack(edge.target, stacks_of(entry)));
    }
  }
  const Config result = close(reached);
  if (!rows_[config]) {
    rows_[config] = std::make_unique<Row>();
    rows_[config]->fill(kUnknown);
    memory_ += sizeof(Row);
  }
  (*rows_[config])[byte] = result;
  return result;
}

// Follows calls and ends of rules until only bytes can lead on. Callers are taken before those they
// call, so that what several of them push is put together before it is followed.
Universe::Config Universe::close(std::span<const uint64_t> entries) {
  std::map<std::pair<int32_t, int32_t>, Stacks> pending;  // (rank, state)
  std::vector<uint64_t> result;
  const auto add = [&](int32_t state, Stacks stacks) {
    if (state < 0) return result.push_back(pack(state, stacks));
    if (entry_distance(pack(state, stacks)) >= kUnreachable) return;
    if (!network_.byte_edges(state).empty()) result.push_back(pack(state, stacks));
    if (!network_.state(state).accepting && network_.call_edges(state).empty()) return;
    const auto key = std::pair(network_.rank(network_.state(state).rule), state);
    const auto [place, is_new] = pending.try_emplace(key, stacks);
    if (!is_new) place->second = unite(place->second, stacks, 0);
  };
  for (const uint64_t entry : entries) add(state_of(entry), stacks_of(entry));
  std::set<uint64_t> done;
  while (!pending.empty() && done.size() < kMaxClosure) {
    const auto [key, stacks] = *pending.begin();
    pending.erase(pending.begin());
    const int32_t state = key.second;
    if (!done.insert(pack(state, stacks)).second) continue;
    if (network_.state(state).accepting) {
      const auto frames = stacks_[stacks];
      const std::vector<uint64_t> copy(frames.begin(), frames.end());  // add() makes new ones
      for (const uint64_t frame : copy) add(state_of(frame), stacks_of(frame));
    }
    for (const CallEdge& call : network_.call_edges(state)) {
      if (state_distance(call.target) < kUnreachable)
        add(network_.start(call.rule), push(call.target, stacks));
    }
  }
  std::ranges::sort(result);
  std::vector<uint64_t> united;
  for (const uint64_t entry : result) {
    if (!united.empty() && state_of(united.back()) == state_of(entry)) {
      united.back() = pack(state_of(entry), unite(stacks_of(united.back()), stacks_of(entry), 0));
    } else {
      united.push_back(entry);
    }
  }
  return intern_config(std::move(united));
}

Universe::Config Universe::transfer(const Universe& other, Config config) {
  std::vector<bool> needed(other.stacks_.size());
  for (const uint64_t entry : other.configs_[config]) needed[stacks_of(entry)] = true;
  for (Stacks s = other.stacks_.size(); s-- > 0;)  // what is below a frame has a lower index
    if (needed[s])
      for (const uint64_t frame : other.stacks_[s]) needed[stacks_of(frame)] = true;
  std::vector<Stacks> moved(other.stacks_.size());
  const auto move = [&](std::span<const uint64_t> list) {
    std::vector<uint64_t> result;
    for (const uint64_t item : list) result.push_back(pack(state_of(item), moved[stacks_of(item)]));
    std::ranges::sort(result);
    return result;
  };
  for (Stacks s = 1; s < other.stacks_.size(); ++s)
    if (needed[s]) moved[s] = intern_stacks(move(other.stacks_[s]));
  return intern_config(move(other.configs_[config]));
}

}  // namespace parley::grammar
