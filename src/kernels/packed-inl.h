// The products with packed weights, written once over an instruction set's vectors.
// Include inside a namespace, under the target's attributes, after a struct Isa that gives
//   kOut                   outputs of a column: the floats of a vector (8 or 16)
//   max_rows(kind), columns(kind, rows)  the tiles that fit the registers
//   F, I                   vectors of kOut floats and of kOut 32-bit integers
//   Sum8, W8, X8           int8: running sums of a column, 4 inputs of its weights, of a row
//   Sum4, W4               int4: the same, 8 inputs of the weights
// A tile is `rows` rows of x against `C` columns of outputs. How tiles are cut changes no
// result: integer sums are exact, and each output's float operations have one order.
#pragma once

constexpr int64_t kHalves = PackedMatrix::kPanel / Isa::kOut;  // columns of a panel

// How far ahead weights are asked for, beyond what the hardware foresees, in bytes.
constexpr int64_t kPrefetch = 2048;

// Where column j's weights begin, `bytes` a column and step of the layout.
inline const uint8_t* column_start(const PackedProduct& p, int64_t j, int64_t bytes) {
  return reinterpret_cast<const uint8_t*>(p.weight->panel(j / kHalves)) + j % kHalves * bytes;
}

inline Isa::F load_part(const float* from, int64_t n) {
  alignas(64) float part[Isa::kOut] = {};
  for (int64_t i = 0; i < n; ++i) part[i] = from[i];
  return Isa::load(part);
}

inline Isa::F column_bias(const PackedProduct& p, int64_t j) {
  const int64_t o = j * Isa::kOut, left = p.weight->OC() - o;
  if (!p.bias) return Isa::zero();
  return left >= Isa::kOut ? Isa::load(p.bias + o) : load_part(p.bias + o, left);
}

inline void store_column(const PackedProduct& p, int64_t n, int64_t j, Isa::F value) {
  const int64_t o = j * Isa::kOut, left = p.weight->OC() - o;
  float* to = p.out + n * p.weight->OC() + o;
  if (left >= Isa::kOut) return Isa::store(to, value);
  alignas(64) float part[Isa::kOut];
  Isa::store(part, value);
  for (int64_t i = 0; i < left; ++i) to[i] = part[i];
}

template <int R, int C>
void int8_tile(const PackedProduct& p, int64_t n, int64_t j) {
  const int64_t K = p.weight->K();
  const uint8_t* w[C];
  for (int c = 0; c < C; ++c) w[c] = column_start(p, j + c, Isa::kOut * 4);
  const auto* x = Isa::rows8(p.q) + n * K;
  typename Isa::Sum8 sum[R][C];
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) sum[r][c] = Isa::zero8();
  for (int64_t k = 0; k < K; k += 4) {
    typename Isa::W8 weight[C];
    for (int c = 0; c < C; ++c) weight[c] = Isa::load8(w[c] + k * PackedMatrix::kPanel);
    for (int c = 0; c < C; c += kHalves)  // each panel is a stream of its own
      __builtin_prefetch(w[c] + k * PackedMatrix::kPanel + kPrefetch);
    for (int r = 0; r < R; ++r) {
      const auto four = Isa::broadcast8(x + r * K + k);
      for (int c = 0; c < C; ++c) {
        Isa::dot8(sum[r][c], weight[c], four);
        Isa::keep(sum[r][c]);  // one row after the other: GCC would hold all products at once
      }
    }
  }
  const auto* scales = static_cast<const float*>(p.weight->scales());
  for (int c = 0; c < C; ++c) {
    const auto scale = Isa::load(scales + (j + c) * Isa::kOut), bias = column_bias(p, j + c);
    for (int r = 0; r < R; ++r) {
      const int32_t total = p.q.sums[(n + r) * sums_size(K)];  // weights stand as w + 128
      const auto value = Isa::to_float(Isa::subtract(Isa::total8(sum[r][c]), 128 * total));
      const auto both = Isa::mul(scale, Isa::set(p.q.scales[n + r]));
      store_column(p, n + r, j + c, Isa::fma(value, both, bias));
    }
  }
}

template <int R, int C>
void int4_tile(const PackedProduct& p, int64_t n, int64_t j) {
  const int64_t K = p.weight->K(), chunks = K / kInt4Chunk, groups = K / p.weight->group();
  const int64_t chunks_a_group = p.weight->group() / kInt4Chunk;
  const uint8_t* w[C];
  const uint16_t* scales[C];
  for (int c = 0; c < C; ++c) {
    w[c] = column_start(p, j + c, Isa::kOut * 4);
    scales[c] = static_cast<const uint16_t*>(p.weight->scales()) +
                (j + c) / kHalves * groups * PackedMatrix::kPanel + (j + c) % kHalves * Isa::kOut;
  }
  const int8_t* x = p.q.q8 + n * K;
  typename Isa::F out[R][C];
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) out[r][c] = Isa::zero();
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    typename Isa::Sum4 sum[R][C];
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) sum[r][c] = Isa::zero4();
    for (int64_t k = chunk * kInt4Chunk; k < (chunk + 1) * kInt4Chunk; k += 8) {
      typename Isa::W4 weight[C];
      for (int c = 0; c < C; ++c) weight[c] = Isa::load4(w[c] + k / 2 * PackedMatrix::kPanel);
      for (int c = 0; c < C; c += kHalves)
        __builtin_prefetch(w[c] + k / 2 * PackedMatrix::kPanel + kPrefetch);
      for (int r = 0; r < R; ++r) {
        const auto low = Isa::broadcast4(x + r * K + k), high = Isa::broadcast4(x + r * K + k + 4);
        for (int c = 0; c < C; ++c) Isa::dot4(sum[r][c], weight[c], low, high);
      }
    }
    for (int c = 0; c < C; ++c) {
      const auto scale = Isa::load_bf16(scales[c] + chunk / chunks_a_group * PackedMatrix::kPanel);
      for (int r = 0; r < R; ++r) {
        const int32_t total = p.q.sums[(n + r) * sums_size(K) + 1 + chunk];  // w + 8
        const auto value = Isa::to_float(Isa::subtract(Isa::total4(sum[r][c]), 8 * total));
        out[r][c] = Isa::fma(value, scale, out[r][c]);
      }
    }
  }
  for (int c = 0; c < C; ++c) {
    const auto bias = column_bias(p, j + c);
    for (int r = 0; r < R; ++r)
      store_column(p, n + r, j + c, Isa::fma(out[r][c], Isa::set(p.q.scales[n + r]), bias));
  }
}

template <int R, int C>
void bf16_tile(const PackedProduct& p, int64_t n, int64_t j) {
  const int64_t IC = p.weight->IC();
  const uint16_t* w[C];
  for (int c = 0; c < C; ++c)
    w[c] = reinterpret_cast<const uint16_t*>(column_start(p, j + c, Isa::kOut * 2));
  const float* x = p.x + n * IC;
  typename Isa::F sum[R][C];
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) sum[r][c] = Isa::zero();
  for (int64_t k = 0; k < IC; ++k) {
    typename Isa::F weight[C];
    for (int c = 0; c < C; ++c) weight[c] = Isa::load_bf16(w[c] + k * PackedMatrix::kPanel);
    for (int c = 0; c < C; c += kHalves)
      __builtin_prefetch(reinterpret_cast<const uint8_t*>(w[c] + k * PackedMatrix::kPanel) +
                         kPrefetch);
    for (int r = 0; r < R; ++r) {
      const auto one = Isa::set(x[r * IC + k]);
      for (int c = 0; c < C; ++c) sum[r][c] = Isa::fma(weight[c], one, sum[r][c]);
    }
  }
  for (int c = 0; c < C; ++c) {
    const auto bias = column_bias(p, j + c);
    for (int r = 0; r < R; ++r) store_column(p, n + r, j + c, Isa::add(sum[r][c], bias));
  }
}

using Tile = void (*)(const PackedProduct& p, int64_t n, int64_t j);

// One kind of product: its tiles of 1 … max_rows rows, as wide as the registers allow, and
// one column wide for what is left.
template <Kind kKind>
struct Tiles {
  static constexpr int kRows = Isa::max_rows(kKind);
  Tile wide[kRows + 1], narrow[kRows + 1];
};

#define PARLEY_TILES(kind, tile)                                                                 \
  template <int... R>                                                                            \
  constexpr Tiles<kind> tile##s(std::integer_sequence<int, R...>) {                              \
    return {{nullptr, tile<R + 1, Isa::columns(kind, R + 1)>...}, {nullptr, tile<R + 1, 1>...}}; \
  }                                                                                              \
  constexpr Tiles<kind> k_##tile##s =                                                            \
      tile##s(std::make_integer_sequence<int, Isa::max_rows(kind)>());
PARLEY_TILES(Kind::kInt8, int8_tile)
PARLEY_TILES(Kind::kInt4, int4_tile)
PARLEY_TILES(Kind::kBf16, bf16_tile)
#undef PARLEY_TILES

// The weights of a few columns are read from memory once and meet all rows of x from the
// cache. Rows are cut into tiles of equal height.
template <Kind kKind>
void run_tiles(const Tiles<kKind>& tiles, const PackedProduct& p, int64_t begin, int64_t end) {
  constexpr int64_t kRows = Tiles<kKind>::kRows;
  const int64_t count = (p.N + kRows - 1) / kRows, height = (p.N + count - 1) / count;
  const int64_t width = Isa::columns(kKind, static_cast<int>(height)), last = end * kHalves;
  for (int64_t j = begin * kHalves; j < last; j += width) {
    const int64_t stop = j + width < last ? j + width : last;
    for (int64_t n = 0; n < p.N;) {
      const int64_t rows = height < p.N - n ? height : p.N - n;
      if (stop - j == width && Isa::columns(kKind, static_cast<int>(rows)) == width)
        tiles.wide[rows](p, n, j);
      else
        for (int64_t c = j; c < stop; ++c) tiles.narrow[rows](p, n, c);
      n += rows;
    }
  }
}

inline void bf16_panels(const PackedProduct& p, int64_t begin, int64_t end) {
  run_tiles(k_bf16_tiles, p, begin, end);
}
inline void int8_panels(const PackedProduct& p, int64_t begin, int64_t end) {
  run_tiles(k_int8_tiles, p, begin, end);
}
inline void int4_panels(const PackedProduct& p, int64_t begin, int64_t end) {
  run_tiles(k_int4_tiles, p, begin, end);
}

inline int64_t peak_loop(int64_t rounds) {
  constexpr int kRows = Isa::max_rows(Kind::kInt8);
  constexpr int kSums = (kRows - 1) * Isa::columns(Kind::kInt8, kRows);  // fit the registers
  alignas(64) uint8_t w[64] = {1, 2, 3};
  alignas(64) int16_t x[32] = {1, 2, 3};
  typename Isa::Sum8 sum[kSums];
  for (int i = 0; i < kSums; ++i) sum[i] = Isa::zero8();
  auto weight = Isa::load8(w);
  Isa::keep(weight);  // or the compiler would multiply by its zeros beforehand
  const auto four = Isa::broadcast8(reinterpret_cast<decltype(Isa::rows8({}))>(x));
  auto other = four;
  for (int64_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kSums; ++i) {
      Isa::keep(other);  // as far as the compiler knows, another number each time
      Isa::dot8(sum[i], weight, other);
      Isa::keep(sum[i]);
    }
  }
  return rounds * kSums * Isa::kOut * 4 * 2;
}

inline void quantize_row(const float* x, int64_t IC, int64_t K, int8_t* q8, int16_t* q16,
                         float* scale, int32_t* sums) {
  constexpr int64_t kStep = Isa::kOut;
  typename Isa::F max = Isa::zero(), poison = Isa::zero();  // 0, or NaN when x is not finite
  int64_t i = 0;
  for (; i + kStep <= IC; i += kStep) {
    const auto v = Isa::load(x + i);
    max = Isa::max(max, Isa::abs(v));
    poison = Isa::fma(v, Isa::zero(), poison);
  }
  if (i < IC) {
    const auto v = load_part(x + i, IC - i);
    max = Isa::max(max, Isa::abs(v));
    poison = Isa::fma(v, Isa::zero(), poison);
  }
  alignas(64) float lanes[kStep], poisons[kStep];
  Isa::store(lanes, max);
  Isa::store(poisons, poison);
  float largest = 0, bad = 0;
  for (int64_t l = 0; l < kStep; ++l) {
    largest = lanes[l] > largest ? lanes[l] : largest;
    bad += poisons[l];
  }
  *scale = largest / 127.0f + bad;
  const float ratio = 127.0f / largest;
  // Beyond the range of a reciprocal a row is as good as zero.
  const bool usable = bad == 0 && largest > 0 && ratio < 3e38f;
  const auto inverse = Isa::set(usable ? ratio : 0.0f);
  for (i = 0; i < K; i += kStep) {
    typename Isa::I q;
    if (!usable || i >= IC)
      q = Isa::zero_int();
    else
      q = Isa::nearest(
          Isa::mul(i + kStep <= IC ? Isa::load(x + i) : load_part(x + i, IC - i), inverse));
    Isa::store8(q8 + i, q);
    if (q16) Isa::store16(q16 + i, q);
  }
  sums[0] = 0;
  for (int64_t chunk = 0; chunk < K / kInt4Chunk; ++chunk) {
    int32_t sum = 0;
    for (int64_t k = 0; k < kInt4Chunk; ++k) sum += q8[chunk * kInt4Chunk + k];
    sums[1 + chunk] = sum;
    sums[0] += sum;
  }
}
