#include "grammar/compiled.h"

namespace parley::grammar {

std::shared_ptr<Universe> Grammar::universe(const std::shared_ptr<const TokenTable>& tokens,
                                            const Universe* instead_of) const {
  universes_.remove_if([](const Entry& entry) { return entry.tokens.expired(); });
  for (Entry& entry : universes_) {
    if (entry.serial != tokens->data().serial) continue;
    if (entry.universe.get() == instead_of)
      entry.universe = std::make_shared<Universe>(network_, tokens->data());
    return entry.universe;
  }
  universes_.push_back(
      {tokens, tokens->data().serial, std::make_shared<Universe>(network_, tokens->data())});
  return universes_.back().universe;
}

GrammarPtr compile(const RuleSet& rules) { return std::make_shared<Grammar>(rules); }

}  // namespace parley::grammar
