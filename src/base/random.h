// Counter-based random numbers: a value depends only on (seed, stream, position),
// never on the thread, the batch slot or what was drawn before, so any draw can be
// repeated alone. Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy
// as 1, 2, 3", SC 2011).
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <span>
#include <utility>

namespace parley::base {

class Philox {
 public:
  Philox(uint64_t seed, uint64_t stream) : seed_(seed), stream_(stream) {}

  // Four independent 32-bit words for this position.
  std::array<uint32_t, 4> words(uint64_t position) const {
    std::array<uint32_t, 4> x = {
        static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32),
        static_cast<uint32_t>(stream_), static_cast<uint32_t>(stream_ >> 32)};
    uint32_t k0 = static_cast<uint32_t>(seed_), k1 = static_cast<uint32_t>(seed_ >> 32);
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = uint64_t{0xD2511F53} * x[0], p1 = uint64_t{0xCD9E8D57} * x[2];
      x = {static_cast<uint32_t>(p1 >> 32) ^ x[1] ^ k0, static_cast<uint32_t>(p1),
           static_cast<uint32_t>(p0 >> 32) ^ x[3] ^ k1, static_cast<uint32_t>(p0)};
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    return x;
  }

  uint64_t bits(uint64_t position) const {
    const auto x = words(position);
    return uint64_t{x[0]} << 32 | x[1];
  }

  // Uniform in [0, 1), 53 bits.
  double uniform(uint64_t position) const {
    return static_cast<double>(bits(position) >> 11) * 0x1.0p-53;
  }

  // Standard normal (Box-Muller).
  double normal(uint64_t position) const {
    const auto x = words(position);
    const double u = (static_cast<double>(x[0]) + 0.5) * 0x1.0p-32;
    const double v = (static_cast<double>(x[1]) + 0.5) * 0x1.0p-32;
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }

  // Uniform integer in [0, n), n > 0; the bias of n / 2^64 is below notice.
  uint64_t below(uint64_t position, uint64_t n) const {
    __extension__ using Wide = unsigned __int128;
    return static_cast<uint64_t>((static_cast<Wide>(bits(position)) * n) >> 64);
  }

  // Fisher-Yates.
  template <typename T>
  void shuffle(std::span<T> items) const {
    for (uint64_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i, i)]);
  }

 private:
  uint64_t seed_, stream_;
};

// A seed from the system, for what nobody wants to repeat.
inline uint64_t random_seed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace parley::base
