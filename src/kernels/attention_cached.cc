// Attention of new tokens against a cache. Many queries run as flash tiles; a few
// (decoding) run here, where a vector is a stretch of the head, not a row of queries:
// each key and value is read once from memory for all queries that share it, and long
// contexts are cut into splits of fixed size that threads take, so that the result
// does not depend on their number (Flash-Decoding, Dao et al. 2023).
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/threads.h"
#include "kernels/attention.h"
#include "kernels/attention_internal.h"
#include "kernels/shapes.h"
#include "kernels/simd_targets.h"
#include "tensor/buffer.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_cached.cc"
#include <hwy/foreach_target.h>

#include "kernels/simd-inl.h"

#ifndef PARLEY_KERNELS_ATTENTION_CACHED_ONCE
#define PARLEY_KERNELS_ATTENTION_CACHED_ONCE
namespace parley::kernels::internal {

constexpr int64_t kSplitKeys = 256;
// Fewer queries than this share too little of a tile of lanes.
constexpr int64_t kFewQueries = 8;

// A query's part of one split: the sum of exp(score − max), and the values so weighted.
//   partial (2 + HS): max, sum, values
inline int64_t partial_size(int64_t HS) { return 2 + padded(HS); }

}  // namespace parley::kernels::internal
#endif

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {

using internal::HeadGroup;

// Query `lane` of the group against the keys [begin, end) it sees, at most kSplitKeys.
//   query (HS); partial (2 + HS)
void attend_split(const HeadGroup& g, const float* query, int64_t begin, int64_t end,
                  float* partial) {
  const D d;
  HWY_ALIGN float scores[internal::kSplitKeys];
  const int64_t n = end - begin;
  for (int64_t i = 0; i < n; ++i) {
    const float* key = g.k + (begin + i) * g.kv_row;
    scores[i] = g.scale * sum_lanes(g.HS, [&](int64_t h, auto io) HWY_ATTR {
                  return hn::Mul(io.load(query + h), io.load(key + h));
                });
  }
  const float max = max_lanes(scores, n);
  const V shift = hn::Set(d, max);
  partial[0] = max;
  partial[1] = sum_lanes(n, [&](int64_t i, auto io) HWY_ATTR {
    const V p = exp(hn::Sub(io.load(scores + i), shift));
    io.store(p, scores + i);
    return p;
  });
  for_lanes(g.HS, [&](int64_t h, auto io) HWY_ATTR {
    const float* value = g.v + begin * g.kv_row + h;
    V even = hn::Zero(d), odd = hn::Zero(d);  // two sums hide the latency of FMA
    int64_t i = 0;
    for (; i + 2 <= n; i += 2, value += 2 * g.kv_row) {
      even = hn::MulAdd(hn::Set(d, scores[i]), io.load(value), even);
      odd = hn::MulAdd(hn::Set(d, scores[i + 1]), io.load(value + g.kv_row), odd);
    }
    if (i < n) even = hn::MulAdd(hn::Set(d, scores[i]), io.load(value), even);
    io.store(hn::Add(even, odd), partial + 2 + h);
  });
}

// out (HS) = the splits of one query together, in order.
void merge_splits(float* out, const float* partials, int64_t splits, int64_t stride, int64_t HS) {
  float max = partials[0];
  for (int64_t s = 1; s < splits; ++s) max = std::max(max, partials[s * stride]);
  float sum = 0.0f;
  std::fill(out, out + HS, 0.0f);
  for (int64_t s = 0; s < splits; ++s) {
    const float* partial = partials + s * stride;
    const float weight = std::exp(partial[0] - max);
    const V w = hn::Set(D(), weight);
    sum += weight * partial[1];
    for_lanes(HS, [&](int64_t h, auto io) HWY_ATTR {
      io.store(hn::MulAdd(w, io.load(partial + 2 + h), io.load(out + h)), out + h);
    });
  }
  const V inverse = hn::Set(D(), 1.0f / sum);
  for_lanes(HS, [&](int64_t h, auto io)
                    HWY_ATTR { io.store(hn::Mul(io.load(out + h), inverse), out + h); });
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace parley::kernels {
namespace {

using internal::HeadGroup;
using internal::kSplitKeys;

HWY_EXPORT(attend_split);
HWY_EXPORT(merge_splits);

void attend_few(F32 out, const AttentionShape& s, int64_t past,
                const std::vector<HeadGroup>& groups) {
  const int64_t G = s.NH / s.NKV, lanes = s.T * G, HS = s.HS;
  const int64_t first = s.window > 0 ? std::max<int64_t>(0, past - s.window + 1) : 0;
  const int64_t first_split = first / kSplitKeys, end = past + s.T;
  const int64_t splits = (end + kSplitKeys - 1) / kSplitKeys - first_split;
  const int64_t stride = internal::partial_size(HS);
  tensor::Tensor<float> partials({s.NKV, lanes, splits, stride});
  auto* const attend = &HWY_DYNAMIC_DISPATCH(attend_split);
  base::parallel_for(s.NKV * splits, [&](int64_t item) {
    const int64_t kv = item / splits, split = item % splits;
    const HeadGroup& g = groups[static_cast<size_t>(kv)];
    for (int64_t lane = 0; lane < lanes; ++lane) {
      const int64_t t = lane / G, last = past + t;
      const int64_t visible = s.window > 0 ? std::max<int64_t>(0, last - s.window + 1) : 0;
      const int64_t from = std::max((first_split + split) * kSplitKeys, visible);
      const int64_t to = std::min((first_split + split + 1) * kSplitKeys, last + 1);
      float* partial = partials.data() + ((kv * lanes + lane) * splits + split) * stride;
      if (from < to)
        attend(g, g.q + t * g.q_row + lane % G * HS, from, to, partial);
      else
        partial[0] = -1e30f;  // sees nothing here; its sum and values are 0
    }
  });
  auto* const merge = &HWY_DYNAMIC_DISPATCH(merge_splits);
  for (int64_t kv = 0; kv < s.NKV; ++kv)
    for (int64_t lane = 0; lane < lanes; ++lane)
      merge(out.data() + (lane / G * s.NH + kv * G + lane % G) * HS,
            partials.data() + (kv * lanes + lane) * splits * stride, splits, stride, HS);
}

}  // namespace

void attention_cached(F32 out, ConstF32 q, ConstF32 keys, ConstF32 values, int64_t past,
                      const AttentionShape& s) {
  const int64_t row = cols(q), kv_row = s.NKV * s.HS;
  PARLEY_CHECK(s.NKV > 0 && s.NH % s.NKV == 0 && rows(q) == s.T && row >= s.NH * s.HS &&
                   out.size() == s.T * s.NH * s.HS && past >= 0 &&
                   keys.size() >= (past + s.T) * kv_row && values.size() >= (past + s.T) * kv_row,
               "attention_cached: T {} NH {} NKV {} HS {} past {}; out, q, keys, values {}", s.T,
               s.NH, s.NKV, s.HS, past, shapes(out, q, keys, values));
  const int64_t G = s.NH / s.NKV;
  std::vector<HeadGroup> groups;
  for (int64_t kv = 0; kv < s.NKV; ++kv)
    groups.push_back({.q = q.data() + kv * G * s.HS,
                      .q_row = row,
                      .k = keys.data() + kv * s.HS,
                      .v = values.data() + kv * s.HS,
                      .kv_row = kv_row,
                      .T = s.T,
                      .past = past,
                      .G = G,
                      .HS = s.HS,
                      .scale = s.scale,
                      .window = s.window,
                      .first_key = nullptr});
  if (s.T * G < internal::kFewQueries) return attend_few(out, s, past, groups);
  base::parallel_for(s.NKV * internal::chunks(groups.front()), [&](int64_t item) {
    const int64_t kv = item % s.NKV;
    internal::forward_chunk(groups[static_cast<size_t>(kv)], item / s.NKV,
                            out.data() + kv * G * s.HS, s.NH * s.HS, nullptr);
  });
}

}  // namespace parley::kernels
#endif  // HWY_ONCE
