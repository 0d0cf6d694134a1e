#include "grammar/matcher.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "grammar/compiled.h"

namespace parley::grammar {
namespace {

constexpr size_t kUniverseBytes = size_t{32} << 20;

}  // namespace

struct Matcher::Impl {
  GrammarPtr grammar;
  std::shared_ptr<const TokenTable> tokens;
  std::vector<int32_t> stop_ids;
  int64_t left;  // tokens, the one that stops among them
  std::shared_ptr<Universe> universe;
  Universe::Config config = Universe::kDead;
  size_t max_memory = kUniverseBytes;
  bool stops_are_ordinary = false;  // a stop token is one that text may hold
  bool stopped = false;
  bool ready = false;
  std::span<const uint64_t> allowed;
  std::vector<uint64_t> own;  // where a mask is not the cached one

  bool is_stop(int32_t token) const { return std::ranges::find(stop_ids, token) != stop_ids.end(); }
  void renew();
  void find_allowed();
};

// Leaves a universe that has become too large, and whose other users are leaving it as well.
void Matcher::Impl::renew() {
  if (universe->memory() <= max_memory) return;
  const auto fresh = grammar->universe(tokens, universe.get());
  config = fresh->transfer(*universe, config);
  universe = fresh;
  max_memory = std::max(kUniverseBytes, 2 * universe->memory());
}

void Matcher::Impl::find_allowed() {
  const auto word = [this](int32_t token) -> uint64_t& {
    return own[static_cast<size_t>(token) / 64];
  };
  const auto bit = [](int32_t token) { return uint64_t{1} << (token % 64); };
  const bool may_end = stopped || universe->may_end(config);
  const bool at_end = stopped || universe->finished(config);
  if (at_end) {
    // Without a stop token nothing can hold the answer here; see finished().
    const bool none = stop_ids.empty();
    own.assign(static_cast<size_t>(tokens->data().words), 0);
    if (none)
      for (const int32_t token : tokens->data().tokens) word(token) |= bit(token);
    for (const int32_t token : stop_ids) word(token) |= bit(token);
    allowed = own;
    return;
  }
  const Universe::Mask& mask = universe->mask(config);
  const int64_t limit = left - 1 - (stop_ids.empty() ? 0 : 1);
  const int64_t distance = universe->distance(config);
  if (mask.max_distance <= limit || distance > limit + 1) {
    // There is room enough, or there never was.
    allowed = mask.words;
    if (!may_end && !stops_are_ordinary) return;
    own = mask.words;
  } else if (limit >= distance) {
    own = mask.words;
    for (const auto& [farther, token] : universe->farther(config)) {
      if (farther <= limit) break;
      word(token) &= ~bit(token);
    }
  } else {
    universe->mask_within(config, static_cast<int32_t>(limit), own);
  }
  for (const int32_t token : stop_ids) {
    if (may_end) {
      word(token) |= bit(token);
    } else {
      word(token) &= ~bit(token);
    }
  }
  allowed = own;
}

Matcher::Matcher(GrammarPtr grammar, std::shared_ptr<const TokenTable> tokens,
                 std::vector<int32_t> stop_ids, int64_t max_tokens)
    : impl_(std::make_unique<Impl>()) {
  PARLEY_CHECK(grammar && tokens, "a matcher without a grammar or a vocabulary");
  const auto V = static_cast<int64_t>(tokens->data().bytes.size());
  std::erase_if(stop_ids, [&](int32_t token) { return token < 0 || token >= V; });
  impl_->stops_are_ordinary = std::ranges::any_of(stop_ids, [&](int32_t token) {
    return !tokens->data().bytes[static_cast<size_t>(token)].empty();
  });
  impl_->grammar = std::move(grammar);
  impl_->tokens = std::move(tokens);
  impl_->stop_ids = std::move(stop_ids);
  impl_->left = max_tokens;
  const std::lock_guard lock(impl_->grammar->mutex());
  impl_->universe = impl_->grammar->universe(impl_->tokens);
  impl_->config = impl_->universe->start();
  if (impl_->config == Universe::kDead)
    base::fail(
        "the grammar needs bytes that are no tokens of this model's vocabulary: no answer "
        "could be written");
}

Matcher::~Matcher() = default;

std::span<const uint64_t> Matcher::allowed() {
  if (impl_->ready) return impl_->allowed;
  const std::lock_guard lock(impl_->grammar->mutex());
  impl_->renew();
  impl_->find_allowed();
  impl_->ready = true;
  return impl_->allowed;
}

void Matcher::accept(int32_t token) {
  const auto& bytes = impl_->tokens->data().bytes;
  PARLEY_CHECK(token >= 0 && static_cast<size_t>(token) < bytes.size(), "token {} of {}", token,
               bytes.size());
  --impl_->left;
  impl_->ready = false;
  const std::lock_guard lock(impl_->grammar->mutex());
  if (impl_->stopped || impl_->universe->finished(impl_->config) ||
      (impl_->is_stop(token) && impl_->universe->may_end(impl_->config))) {
    impl_->stopped = true;
    return;
  }
  const std::string& text = bytes[static_cast<size_t>(token)];
  Universe::Config config = text.empty() ? Universe::kDead : impl_->config;
  for (const char byte : text)
    if (config != Universe::kDead)
      config = impl_->universe->next(config, static_cast<uint8_t>(byte));
  PARLEY_CHECK(config != Universe::kDead, "token {} was not allowed", token);
  impl_->config = config;
}

bool Matcher::may_end() const {
  const std::lock_guard lock(impl_->grammar->mutex());
  return impl_->stopped || impl_->universe->may_end(impl_->config);
}

bool Matcher::finished() const {
  const std::lock_guard lock(impl_->grammar->mutex());
  return impl_->stopped || impl_->universe->finished(impl_->config);
}

}  // namespace parley::grammar
