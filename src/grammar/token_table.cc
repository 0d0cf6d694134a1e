#include "grammar/token_table.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/error.h"

namespace parley::grammar {
namespace {

void build_trie(TokenTable::Data& data, int64_t V) {
  std::vector<int32_t> order;
  for (int32_t id = 0; id < V; ++id)
    if (!data.bytes[static_cast<size_t>(id)].empty()) order.push_back(id);
  std::ranges::sort(order, [&](int32_t a, int32_t b) {
    const std::string &x = data.bytes[static_cast<size_t>(a)],
                      &y = data.bytes[static_cast<size_t>(b)];
    return x != y ? x < y : a < b;
  });
  using Node = TokenTable::Data::Node;
  data.nodes.push_back(Node{0, 0, 0, 0, 0});
  std::vector<uint32_t> path = {0};  // the nodes from the root to the latest token
  const auto leave = [&](size_t depth) {
    while (path.size() > depth + 1) {
      data.nodes[path.back()].end = static_cast<uint32_t>(data.nodes.size());
      path.pop_back();
    }
  };
  std::string_view last;
  for (const int32_t id : order) {
    const std::string_view text = data.bytes[static_cast<size_t>(id)];
    const auto common = static_cast<size_t>(
        std::mismatch(last.begin(), last.end(), text.begin(), text.end()).first - last.begin());
    leave(common);
    for (size_t i = common; i < text.size(); ++i) {
      data.nodes.push_back(Node{0, path.back(), static_cast<uint32_t>(data.tokens.size()),
                                static_cast<uint16_t>(i + 1), static_cast<uint8_t>(text[i])});
      path.push_back(static_cast<uint32_t>(data.nodes.size()) - 1);
    }
    data.tokens.push_back(id);
    last = text;
  }
  leave(0);
  data.nodes[0].end = static_cast<uint32_t>(data.nodes.size());
  data.nodes.push_back(Node{0, 0, static_cast<uint32_t>(data.tokens.size()), 0, 0});
}

}  // namespace

TokenTable::TokenTable(const tokenizer::Tokenizer& tokenizer, int64_t V) {
  static std::atomic<uint64_t> serial = 0;
  PARLEY_CHECK(V > 0, "V {}", V);
  auto data = std::make_unique<Data>();
  data->serial = ++serial;
  data->words = (V + 63) / 64;
  data->bytes.resize(static_cast<size_t>(V));
  const int64_t known = std::min<int64_t>(V, tokenizer.vocab_size());
  for (int32_t id = 0; id < known; ++id) {
    if (tokenizer.is_special(id)) continue;
    const std::string_view text = tokenizer.token_bytes(id);
    if (text.size() > UINT16_MAX) continue;
    data->bytes[static_cast<size_t>(id)] = text;
    if (text.size() == 1) data->single[static_cast<uint8_t>(text[0])] = true;
  }
  build_trie(*data, V);
  data_ = std::move(data);
}

TokenTable::~TokenTable() = default;

}  // namespace parley::grammar
