#include "model/packed_batch.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/error.h"

namespace parley::model {
namespace {

// Rows that fill up from the left.
class Rows {
 public:
  Rows(int64_t B, int64_t T) : used_(static_cast<size_t>(B), 0), T_(T) {}

  // The first row with room for all of them, longest first; null and nothing changed when they
  // do not all fit. Gives (row, offset) in the order of `lengths`.
  struct Spot {
    int64_t row, offset;
  };
  std::optional<std::vector<Spot>> place(std::span<const int64_t> lengths) {
    std::vector<size_t> order(lengths.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return lengths[a] > lengths[b]; });
    std::vector<int64_t> used = used_;
    std::vector<Spot> spots(lengths.size());
    for (const size_t i : order) {
      const auto row =
          std::find_if(used.begin(), used.end(), [&](int64_t u) { return u + lengths[i] <= T_; });
      if (row == used.end()) return std::nullopt;
      spots[i] = {row - used.begin(), *row};
      *row += lengths[i];
    }
    used_ = std::move(used);
    return spots;
  }

 private:
  std::vector<int64_t> used_;
  int64_t T_;
};

void put(PackedBatch& batch, size_t sequence, const std::vector<int32_t>& ids, int64_t row,
         int64_t offset) {
  const int64_t begin = row * batch.T + offset, count = std::ssize(ids);
  for (int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<size_t>(begin + i);
    batch.tokens[at] = ids[static_cast<size_t>(i)];
    batch.targets[at] = i + 1 < count ? ids[static_cast<size_t>(i + 1)] : -1;
    batch.positions[at] = static_cast<int32_t>(i);
    batch.first_key[at] = static_cast<int32_t>(offset);
  }
  batch.places.push_back({sequence, begin, count});
}

}  // namespace

PackedBatch::PackedBatch(int64_t rows, int64_t row_tokens) : B(rows), T(row_tokens) {
  const auto n = static_cast<size_t>(B * T);
  tokens.assign(n, 0);
  targets.assign(n, -1);
  positions.assign(n, 0);
  first_key.resize(n);
  // Padding: each token sees itself.
  for (size_t i = 0; i < n; ++i) first_key[i] = static_cast<int32_t>(i % static_cast<size_t>(T));
}

Batch PackedBatch::views() const {
  const Shape shape{B, T};
  return {{tokens.data(), shape},
          {targets.data(), shape},
          {positions.data(), shape},
          {first_key.data(), shape}};
}

int64_t PackedBatch::used() const {
  int64_t total = 0;
  for (const Place& place : places) total += place.count;
  return total;
}

bool fits(std::vector<int64_t> lengths, int64_t B, int64_t T) {
  return Rows(B, T).place(lengths).has_value();
}

std::vector<PackedBatch> pack(std::span<const std::vector<int32_t>> sequences, int64_t B, int64_t T,
                              std::span<const Group> groups) {
  std::vector<Group> single;
  if (groups.empty()) {
    for (size_t i = 0; i < sequences.size(); ++i) single.push_back({i});
    groups = single;
  }
  std::vector<PackedBatch> batches;
  std::vector<Rows> rows;
  size_t open = 0;  // batches before this one are taken as full
  constexpr size_t kOpen = 8;
  for (const Group& group : groups) {
    std::vector<int64_t> lengths;
    for (const size_t i : group) {
      lengths.push_back(std::ssize(sequences[i]));
      PARLEY_CHECK(lengths.back() > 0, "sequence {} is empty", i);
      if (lengths.back() > T)
        base::fail("sequence {} has {} tokens, more than the {} of a row", i, lengths.back(), T);
    }
    std::optional<std::vector<Rows::Spot>> spots;
    size_t batch = open;
    for (; batch < batches.size() && !spots; ++batch) spots = rows[batch].place(lengths);
    if (!spots) {
      batches.emplace_back(B, T);
      rows.emplace_back(B, T);
      batch = batches.size();
      spots = rows.back().place(lengths);
      if (!spots)
        base::fail("{} sequences that belong together do not fit into {} rows of {} tokens",
                   group.size(), B, T);
      if (batches.size() - open > kOpen) ++open;
    }
    for (size_t i = 0; i < group.size(); ++i)
      put(batches[batch - 1], group[i], sequences[group[i]], (*spots)[i].row, (*spots)[i].offset);
  }
  return batches;
}

}  // namespace parley::model
