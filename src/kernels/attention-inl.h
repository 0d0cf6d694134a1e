// Tiles of query lanes for the attention kernels, compiled once for each SIMD target.
// Include after foreach_target.h.
#if defined(PARLEY_KERNELS_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PARLEY_KERNELS_ATTENTION_INL_H_
#undef PARLEY_KERNELS_ATTENTION_INL_H_
#else
#define PARLEY_KERNELS_ATTENTION_INL_H_
#endif

#include <algorithm>

#include "kernels/attention_internal.h"
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {

using internal::HeadGroup;
using internal::kStripKeys;
using internal::kTileKeys;
using internal::kTileLanes;

// A score no query sees. Finite, so that differences of two of them are not NaN; a lane
// that has seen only such keys sums ones, which the first real key multiplies by 0.
constexpr float kMasked = -1e30f;

// Keys [row, row + keys) of a tile of keys against lanes [lane, lane_end), multiples of 16.
struct Strip {
  int64_t row, keys;
  int64_t lane, lane_end;
  bool masked;
};

struct Strips {
  Strip strip[kTileKeys / kStripKeys];
  int count = 0;
  const Strip* begin() const { return strip; }
  const Strip* end() const { return strip + count; }
};

// The lanes [lane0, lane0 + count) of a group and the keys each of them sees.
struct LaneTile {
  int64_t lane0, count;     // lanes in use
  int64_t width;            // count rounded up to 16
  float first[kTileLanes];  // lane i sees the keys first[i] ≤ s ≤ last[i]
  float last[kTileLanes];
  int64_t min_first, max_first, min_last, max_last;

  LaneTile(const HeadGroup& g, int64_t tile) : lane0(tile * kTileLanes) {
    count = std::min(kTileLanes, g.lanes() - lane0);
    width = internal::padded(count);
    min_first = min_last = INT64_MAX;
    max_first = max_last = 0;
    for (int64_t i = 0; i < kTileLanes; ++i) {
      const int64_t t = (lane0 + std::min(i, count - 1)) / g.G;
      const int64_t l = g.past + t;
      int64_t f = g.first_key ? g.first_key[t] : 0;
      if (g.window > 0) f = std::max(f, l - g.window + 1);
      f = std::max<int64_t>(f, 0);
      first[i] = static_cast<float>(f);
      last[i] = static_cast<float>(l);
      min_first = std::min(min_first, f);
      max_first = std::max(max_first, f);
      min_last = std::min(min_last, l);
      max_last = std::max(max_last, l);
    }
  }

  // The tile of keys from `key` on: one strip when every lane sees all of it, else
  // strips of 16 keys, each with the lanes that see any of them.
  Strips strips(int64_t key) const {
    Strips out;
    const int64_t end = std::min(key + kTileKeys, max_last + 1);
    if (key >= max_first && end - 1 <= min_last) {
      out.strip[out.count++] = {0, end - key, 0, width, false};
      return out;
    }
    for (int64_t k = key; k < end; k += kStripKeys) {
      const int64_t k_end = std::min(k + kStripKeys, end);
      const auto sees = [&](int64_t i) {
        return first[i] < static_cast<float>(k_end) && last[i] >= static_cast<float>(k);
      };
      int64_t lane = 0, lane_end = count;
      while (lane < lane_end && !sees(lane)) ++lane;
      while (lane < lane_end && !sees(lane_end - 1)) --lane_end;
      if (lane == lane_end) continue;
      out.strip[out.count++] = {k - key, k_end - k, lane / 16 * 16, internal::padded(lane_end),
                                true};
    }
    return out;
  }

  // The first tile of keys any lane sees.
  int64_t first_tile() const { return min_first / kTileKeys * kTileKeys; }
};

// rows (64, padded HS) = the lanes' vectors · scale, zero beyond HS and beyond `count`;
// lane i's vector is at base + (i / G)·row + (i % G)·HS. rows_t (HS, 64) = its transpose.
HWY_INLINE void load_lanes(const LaneTile& tile, const HeadGroup& g, const float* base, int64_t row,
                           float scale, float* rows, float* rows_t) {
  const int64_t HSP = internal::padded(g.HS);
  std::fill(rows, rows + kTileLanes * HSP, 0.0f);
  const V factor = hn::Set(D(), scale);
  for (int64_t i = 0; i < tile.count; ++i) {
    const int64_t lane = tile.lane0 + i;
    const float* from = base + lane / g.G * row + lane % g.G * g.HS;
    float* to = rows + i * HSP;
    for_lanes(g.HS, [&](int64_t h, auto io)
                        HWY_ATTR { io.store(hn::Mul(io.load(from + h), factor), to + h); });
  }
  transpose(rows, static_cast<size_t>(HSP), kTileLanes, static_cast<size_t>(g.HS), rows_t,
            kTileLanes);
}

// The reverse: lane i's vector = column i of rows_t (HS, 64) · scale[i]; rows (64, padded
// HS) is scratch.
HWY_INLINE void store_lanes(const LaneTile& tile, const HeadGroup& g, const float* rows_t,
                            const float* scale, float* rows, float* base, int64_t row) {
  const int64_t HSP = internal::padded(g.HS);
  transpose(rows_t, kTileLanes, static_cast<size_t>(g.HS), kTileLanes, rows,
            static_cast<size_t>(HSP));
  for (int64_t i = 0; i < tile.count; ++i) {
    const int64_t lane = tile.lane0 + i;
    const float* from = rows + i * HSP;
    float* to = base + lane / g.G * row + lane % g.G * g.HS;
    const V factor = hn::Set(D(), scale[i]);
    for_lanes(g.HS, [&](int64_t h, auto io)
                        HWY_ATTR { io.store(hn::Mul(io.load(from + h), factor), to + h); });
  }
}

// to (end − begin, padded HS) = the head's keys or values of positions [begin, end). In
// memory its rows stand a model's width apart, so they share few sets of the caches and
// evict each other; one copy serves many tiles of queries.
HWY_INLINE void load_keys(const HeadGroup& g, const float* base, int64_t begin, int64_t end,
                          float* to) {
  const int64_t HSP = internal::padded(g.HS);
  for (int64_t k = begin; k < end; ++k, to += HSP) {
    const float* from = base + k * g.kv_row;
    for_lanes(g.HS, [&](int64_t h, auto io) HWY_ATTR { io.store(io.load(from + h), to + h); });
  }
}

// Scores of a strip: (keys, lanes) of tile = keys (64, padded HS) · queries (HS, 64).
HWY_INLINE void strip_scores(const Strip& s, int64_t HS, const float* keys, const float* queries,
                             float* tile) {
  const int64_t HSP = internal::padded(HS);
  tile_product(s.keys, s.lane_end - s.lane,
               {.a = keys + s.row * HSP,
                .a_row = HSP,
                .a_column = 1,
                .b = queries + s.lane,
                .ldb = kTileLanes,
                .c = tile + s.row * kTileLanes + s.lane,
                .ldc = kTileLanes,
                .K = HS,
                .accumulate = false});
}

// sum (HS, 64) += valuesᵀ · strip; values (64, padded HS), strip (keys, lanes) of tile.
HWY_INLINE void strip_accumulate(const Strip& s, int64_t HS, const float* values, const float* tile,
                                 float* sum) {
  const int64_t HSP = internal::padded(HS);
  tile_product(HS, s.lane_end - s.lane,
               {.a = values + s.row * HSP,
                .a_row = 1,
                .a_column = HSP,
                .b = tile + s.row * kTileLanes + s.lane,
                .ldb = kTileLanes,
                .c = sum + s.lane,
                .ldc = kTileLanes,
                .K = s.keys,
                .accumulate = true});
}

// Scores of keys a lane does not see become kMasked.
HWY_INLINE void mask_strip(const Strip& s, const LaneTile& lane_tile, int64_t tile_key,
                           float* tile) {
  if (!s.masked) return;
  const D d;
  const V hidden = hn::Set(d, kMasked);
  for (int64_t k = s.row; k < s.row + s.keys; ++k) {
    float* row = tile + k * kTileLanes;
    const V key = hn::Set(d, static_cast<float>(tile_key + k));
    for (int64_t i = s.lane; i < s.lane_end; i += lanes()) {
      const Mask sees = hn::And(hn::Le(hn::LoadU(d, lane_tile.first + i), key),
                                hn::Ge(hn::LoadU(d, lane_tile.last + i), key));
      hn::StoreU(hn::IfThenElse(sees, hn::LoadU(d, row + i), hidden), d, row + i);
    }
  }
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // once for each target
