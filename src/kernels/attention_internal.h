// What the attention kernels share. A tile of queries is a tile of SIMD lanes: scores
// stand as (keys, lanes), so that maxima, sums and masks of the softmax are vertical
// operations, keys and values are read where they lie, one broadcast scalar at a time,
// and the query heads that share a key/value head fill the same lanes.
#pragma once

#include "kernels/attention.h"

namespace parley::kernels::internal {

constexpr int64_t kTileLanes = 64;  // queries of a tile
constexpr int64_t kTileKeys = 64;   // keys of a tile
constexpr int64_t kStripKeys = 16;  // keys of a strip of a partly masked tile

// One key/value head of one sequence, and the G query heads that share it. Lane i is
// query head i % G of token i / G.
struct HeadGroup {
  const float* q;      // the group's first query head of token 0
  int64_t q_row;       // floats from a token's queries to the next token's
  const float *k, *v;  // the head's key and value at position 0
  int64_t kv_row;
  int64_t T, past;  // tokens; the position of the first
  int64_t G, HS;
  float scale;
  int64_t window;            // 0: none
  const int32_t* first_key;  // (T) or null

  int64_t lanes() const { return T * G; }
  int64_t tiles() const { return (lanes() + kTileLanes - 1) / kTileLanes; }
};

// HS rounded up so that a row of whole vectors holds it on every target.
inline int64_t padded(int64_t HS) { return (HS + 15) / 16 * 16; }

// The group of key/value head kv of sequence b; qkv, first_key as in attention_forward.
HeadGroup head_group(const AttentionShape& shape, ConstF32 qkv, ConstI32 first_key, int64_t b,
                     int64_t kv);

// Stops with the shapes when they do not fit each other.
void check_attention(const char* what, const AttentionShape& shape, ConstF32 qkv, ConstF32 out,
                     ConstF32 lse, ConstI32 first_key);

// This thread's scratch of at least `floats` floats, kept from call to call.
float* thread_scratch(int64_t floats);

// Tiles of queries that share one copy of their keys and values.
constexpr int64_t kChunkTiles = 8;
inline int64_t chunks(const HeadGroup& g) { return (g.tiles() + kChunkTiles - 1) / kChunkTiles; }

// The flash forward of one chunk of a group's tiles. Rows of `out` are a token's, out_row
// floats; lse (G, T) or null.
void forward_chunk(const HeadGroup& group, int64_t chunk, float* out, int64_t out_row, float* lse);

}  // namespace parley::kernels::internal
