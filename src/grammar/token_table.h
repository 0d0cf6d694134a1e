// The inside of a TokenTable.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/matcher.h"

namespace parley::grammar {

// The tokens' bytes as a trie, its nodes in preorder; node 0 is the empty text.
struct TokenTable::Data {
  struct Node {
    uint32_t end;          // the first node that is not below this one
    uint32_t parent;       //
    uint32_t first_token;  // its tokens: tokens[first_token .. of the next node)
    uint16_t depth;        // bytes
    uint8_t byte;          // the last of them
  };
  std::vector<Node> nodes;  // and one behind the last
  std::vector<int32_t> tokens;
  std::vector<std::string> bytes;  // (V) of each token; empty: never allowed
  int64_t words = 0;               // ceil(V / 64)
  std::array<bool, 256> single{};  // bytes that are tokens by themselves
  uint64_t serial = 0;             // unlike that of any other table
};

}  // namespace parley::grammar
