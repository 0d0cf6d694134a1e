// The inside of a Grammar.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "grammar/grammar.h"
#include "grammar/network.h"
#include "grammar/universe.h"

namespace parley::grammar {

class Grammar {
 public:
  explicit Grammar(const RuleSet& rules) : network_(rules) {}

  const Network& network() const { return network_; }

  // Held while a universe of this grammar is used.
  std::mutex& mutex() const { return mutex_; }
  // The universe over a vocabulary, shared by the matchers of both. `instead_of`: makes a new one
  // if this is still the present one. Under the mutex.
  std::shared_ptr<Universe> universe(const std::shared_ptr<const TokenTable>& tokens,
                                     const Universe* instead_of = nullptr) const;

 private:
  struct Entry {
    std::weak_ptr<const TokenTable> tokens;
    uint64_t serial;
    std::shared_ptr<Universe> universe;
  };

  Network network_;
  mutable std::mutex mutex_;
  mutable std::list<Entry> universes_;
};

GrammarPtr compile(const RuleSet& rules);

}  // namespace parley::grammar
