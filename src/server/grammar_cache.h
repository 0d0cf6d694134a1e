// Compiled grammars by what they were made from, the latest ones.
#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

#include "grammar/grammar.h"

namespace parley::server {

// Thread-safe.
class GrammarCache {
 public:
  explicit GrammarCache(size_t capacity = 64) : capacity_(capacity) {}

  // The grammar under `key`, made by `make` if it is not there. What `make` throws is thrown on.
  grammar::GrammarPtr get(const std::string& key, const std::function<grammar::GrammarPtr()>& make);

 private:
  struct Entry {
    std::string key;
    grammar::GrammarPtr grammar;
  };
  size_t capacity_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the latest used first
  std::unordered_map<std::string, std::list<Entry>::iterator> places_;
};

}  // namespace parley::server
