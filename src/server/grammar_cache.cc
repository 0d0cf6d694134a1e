#include "server/grammar_cache.h"

namespace parley::server {

grammar::GrammarPtr GrammarCache::get(const std::string& key,
                                      const std::function<grammar::GrammarPtr()>& make) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = places_.find(key); found != places_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->grammar;
    }
  }
  grammar::GrammarPtr made = make();  // may take a while: not under the lock
  const std::lock_guard lock(mutex_);
  if (const auto found = places_.find(key); found != places_.end()) return found->second->grammar;
  entries_.push_front({key, made});
  places_[key] = entries_.begin();
  if (entries_.size() > capacity_) {
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
  return made;
}

}  // namespace parley::server
