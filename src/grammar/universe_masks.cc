// Which tokens a configuration allows.
//
// Most tokens are decided by the top of a stack alone: a word inside a string, or what can never
// follow. Those are found once for each state; only where a token runs beyond the end of its rule
// the rest is looked at for each configuration (Dong et al., "XGrammar: Flexible and Efficient
// Structured Generation Engine for Large Language Models", 2024).
#include "grammar/universe.h"

namespace parley::grammar {
namespace {

constexpr size_t kMaxComposed = 8;  // entries; with more, one walk for all is cheaper

void set_bits(std::span<const int32_t> tokens, std::vector<uint64_t>& words) {
  for (const int32_t t : tokens) words[static_cast<size_t>(t) / 64] |= uint64_t{1} << (t % 64);
}

}  // namespace

std::span<const int32_t> Universe::tokens_at(uint32_t node) const {
  const uint32_t first = tokens_.nodes[node].first_token;
  return {tokens_.tokens.data() + first, tokens_.nodes[node + 1].first_token - first};
}

template <typename Visit>
void Universe::walk(Config before, uint32_t first, uint32_t last, Visit&& visit) {
  path_[tokens_.nodes[first].depth - size_t{1}] = before;
  for (uint32_t i = first; i < last;) {
    const TokenTable::Data::Node& node = tokens_.nodes[i];
    const Config config = next(path_[node.depth - size_t{1}], node.byte);
    visit(i, config);
    path_[node.depth] = config;
    i = config == kDead ? node.end : i + 1;
  }
}

Universe::Config Universe::along(Config config, uint32_t node) {
  std::vector<uint8_t> bytes;
  for (; node != 0; node = tokens_.nodes[node].parent) bytes.push_back(tokens_.nodes[node].byte);
  for (size_t i = bytes.size(); i-- > 0 && config != kDead;) config = next(config, bytes[i]);
  return config;
}

const Universe::StateMask& Universe::state_mask(int32_t state) {
  const auto [place, is_new] = state_masks_.try_emplace(state);
  StateMask& mask = place->second;
  if (!is_new) return mask;
  mask.words.resize(static_cast<size_t>(tokens_.words));
  // What the state below would have to say is open from where the rule may have ended.
  const auto left = [this](Config config) {
    const auto entries = configs_[config];
    return !entries.empty() && state_of(entries[0]) == kBelow;
  };
  std::vector<bool> has_left(path_.size());  // somewhere on the way to this depth
  walk_all(intern_config({pack(state, below_)}), [&](uint32_t node, Config config) {
    const uint16_t depth = tokens_.nodes[node].depth;
    if (config == kDead) {
      if (has_left[depth - size_t{1}]) mask.open.push_back(node);
      return;
    }
    has_left[depth] = has_left[depth - size_t{1}] || left(config);
    const auto tokens = tokens_at(node);
    if (tokens.empty()) return;
    set_bits(tokens, mask.words);
    mask.max_distance = std::max(mask.max_distance, distance(config));
  });
  memory_ += mask.words.size() * 8 + mask.open.size() * 4 + sizeof(mask);
  return mask;
}

const Universe::Mask& Universe::mask(Config config) {
  if (!facts_[config].mask) {
    auto mask = std::make_unique<Mask>();
    mask->words.resize(static_cast<size_t>(tokens_.words));
    compose(config, *mask);
    facts_[config].mask = std::move(mask);
    memory_ += static_cast<size_t>(tokens_.words) * 8 + sizeof(Mask);
  }
  return *facts_[config].mask;
}

void Universe::compose(Config config, Mask& mask) {
  const auto list = configs_[config];
  const std::vector<uint64_t> entries(list.begin(), list.end());  // steps make new ones
  const auto take = [&](uint32_t node, Config reached) {
    const auto tokens = tokens_at(node);
    if (reached == kDead || tokens.empty()) return;
    set_bits(tokens, mask.words);
    mask.max_distance = std::max(mask.max_distance, distance(reached));
  };
  // A state met for the first time may never be met again: positions in a text of limited length.
  bool is_known = entries.size() <= kMaxComposed;
  for (const uint64_t entry : entries)
    if (state_of(entry) >= 0) is_known &= !met_.insert(state_of(entry)).second;
  if (!is_known) return walk_all(config, take);
  for (const uint64_t entry : entries) {
    if (state_of(entry) < 0) continue;
    const StateMask& by_state = state_mask(state_of(entry));
    for (size_t i = 0; i < mask.words.size(); ++i) mask.words[i] |= by_state.words[i];
    mask.max_distance =
        std::max(mask.max_distance, by_state.max_distance + stack_distances_[stacks_of(entry)]);
    for (const uint32_t node : by_state.open) {
      const Config before = along(config, tokens_.nodes[node].parent);
      if (before != kDead) walk(before, node, tokens_.nodes[node].end, take);
    }
  }
}

std::span<const std::pair<int32_t, int32_t>> Universe::farther(Config config) {
  if (!facts_[config].farther) {
    auto list = std::make_unique<std::vector<std::pair<int32_t, int32_t>>>();
    walk_all(config, [&](uint32_t node, Config reached) {
      if (reached == kDead || distance(reached) <= distance(config)) return;
      for (const int32_t token : tokens_at(node)) list->emplace_back(distance(reached), token);
    });
    std::ranges::sort(*list, std::greater{});
    memory_ += list->size() * 8;
    facts_[config].farther = std::move(list);
  }
  return *facts_[config].farther;
}

void Universe::mask_within(Config config, int32_t limit, std::vector<uint64_t>& words) {
  words.assign(static_cast<size_t>(tokens_.words), 0);
  walk_all(config, [&](uint32_t node, Config reached) {
    if (reached != kDead && distance(reached) <= limit) set_bits(tokens_at(node), words);
  });
}

}  // namespace parley::grammar
