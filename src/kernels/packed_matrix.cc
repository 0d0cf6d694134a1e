#include "kernels/packed_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/threads.h"
#include "kernels/rounding.h"
#include "kernels/shapes.h"
#include "tensor/dtype.h"

namespace parley::kernels {
namespace {

using internal::nearest;

constexpr int64_t kPanel = PackedMatrix::kPanel;
// Panels quantised at a time by PackedMatrix::pack.
constexpr int64_t kPackPanels = 8;

int64_t round_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

float largest(const float* w, int64_t n) {
  float max = 0;
  for (int64_t i = 0; i < n; ++i) max = std::max(max, std::abs(w[i]));
  return max;
}

void check_finite(const float* w, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    if (!std::isfinite(w[i]))
      base::fail("a weight is {}; only finite weights can be quantised", w[i]);
}

int8_t rounded(float w, float inverse, float low, float high) {
  return static_cast<int8_t>(nearest(std::clamp(w * inverse, low, high)));
}

float round_bf16(float x) { return tensor::bf16_to_f32(tensor::f32_to_bf16(x)); }

// Squared error of the group under `scale`.
float group_error(const float* w, int64_t n, float scale) {
  const float inverse = 1.0f / scale;
  float error = 0;
  for (int64_t i = 0; i < n; ++i) {
    const float q = nearest(std::clamp(w[i] * inverse, -8.0f, 7.0f));
    const float e = w[i] - q * scale;
    error += e * e;
  }
  return error;
}

// The scale of a group of four-bit weights. Only −8 reaches further than ±7, so the sign of
// the scale is that of minus the largest weight; around largest / 8, steps either way.
float group_scale(const float* w, int64_t n) {
  float max = 0;
  for (int64_t i = 0; i < n; ++i)
    if (std::abs(w[i]) > std::abs(max)) max = w[i];
  if (max == 0) return 0;
  float best = 0, least = INFINITY;
  for (int step = -4; step <= 8; ++step) {
    const float scale = round_bf16(-max / (8.0f - 0.25f * static_cast<float>(step)));
    if (scale == 0 || !std::isfinite(1.0f / scale)) continue;
    const float error = group_error(w, n, scale);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

void quantize_row(const float* w, int64_t IC, WeightFormat format, int64_t group, int8_t* values,
                  uint16_t* bf16, float* scales) {
  switch (format) {
    case WeightFormat::kBf16:
      for (int64_t i = 0; i < IC; ++i) bf16[i] = tensor::f32_to_bf16(w[i]);
      return;
    case WeightFormat::kInt8: {
      const float max = largest(w, IC);
      scales[0] = max / 127.0f;
      const float inverse = scales[0] > 0 ? 1.0f / scales[0] : 0.0f;
      for (int64_t i = 0; i < IC; ++i)
        values[i] = std::isfinite(inverse) ? rounded(w[i], inverse, -127, 127) : int8_t{0};
      return;
    }
    case WeightFormat::kInt4:
      for (int64_t i = 0; i < IC; i += group) {
        const int64_t n = std::min(group, IC - i);
        const float scale = group_scale(w + i, n);
        scales[i / group] = scale;
        const float inverse = scale != 0 ? 1.0f / scale : 0.0f;
        for (int64_t j = i; j < i + n; ++j) values[j] = rounded(w[j], inverse, -8, 7);
      }
      return;
  }
}

}  // namespace

std::string_view weight_format_name(WeightFormat format) {
  switch (format) {
    case WeightFormat::kBf16: return "bf16";
    case WeightFormat::kInt8: return "int8";
    case WeightFormat::kInt4: return "int4";
  }
  return "";
}

QuantizedMatrix quantize_matrix(ConstF32 weight, WeightFormat format, int64_t group) {
  const int64_t OC = rows(weight), IC = cols(weight);
  PARLEY_CHECK(OC > 0 && IC > 0 && (group == 32 || group == 64), "weight {} group {}",
               weight.shape().str(), group);
  QuantizedMatrix q;
  q.format = format;
  q.OC = OC;
  q.IC = IC;
  q.group = format == WeightFormat::kInt4 ? group : IC;
  const int64_t groups = (IC + q.group - 1) / q.group;
  if (format == WeightFormat::kBf16)
    q.bf16.resize(static_cast<size_t>(OC * IC));
  else {
    q.values.resize(static_cast<size_t>(OC * IC));
    q.scales.resize(static_cast<size_t>(OC * groups));
  }
  base::parallel_blocks(OC, kPanel, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const float* w = weight.data() + o * IC;
      check_finite(w, IC);
      quantize_row(w, IC, format, q.group, q.values.data() + o * IC, q.bf16.data() + o * IC,
                   q.scales.data() + o * groups);
    }
  });
  return q;
}

void PackedMatrix::allocate(WeightFormat format, int64_t OC, int64_t IC, int64_t group) {
  // Sums of K products of 255 · 127 stay below 2³¹.
  PARLEY_CHECK(OC > 0 && IC > 0 && IC <= 65536, "a packed matrix of {} x {}", OC, IC);
  format_ = format;
  OC_ = OC;
  IC_ = IC;
  K_ = round_up(IC, kPadInputs);
  group_ = format == WeightFormat::kInt4 ? group : K_;
  const auto K = static_cast<size_t>(K_), width = static_cast<size_t>(kPanel);
  size_t scale_bytes = 0;
  switch (format) {
    case WeightFormat::kBf16: panel_bytes_ = K * width * sizeof(uint16_t); break;
    case WeightFormat::kInt8:
      panel_bytes_ = K * width;
      scale_bytes = width * sizeof(float);
      break;
    case WeightFormat::kInt4:
      panel_bytes_ = K * width / 2;
      scale_bytes = K / static_cast<size_t>(group) * width * sizeof(uint16_t);
      break;
  }
  const auto count = static_cast<size_t>(panels());
  data_bytes_ = panel_bytes_ * count;
  scale_bytes_ = scale_bytes * count;
  own_ = tensor::Arena(data_bytes_ + scale_bytes_ + 2 * tensor::Arena::kAlign);
  take(own_);
}

void PackedMatrix::take(tensor::Arena& arena) {
  const auto bytes = [&](size_t n) {
    return arena.take<std::byte>(tensor::Shape{static_cast<int64_t>(n)}).data();
  };
  data_ = bytes(data_bytes_);
  if (scale_bytes_ > 0) scales_ = bytes(scale_bytes_);
}

void PackedMatrix::move_to(tensor::Arena& arena) {
  const std::byte *data = data_, *scales = scales_;
  take(arena);
  std::copy_n(data, data_bytes_, data_);
  std::copy_n(scales, scale_bytes_, scales_);
  own_ = {};
}

size_t PackedMatrix::max_bytes(int64_t OC, int64_t IC) {
  const auto padded = static_cast<size_t>(round_up(OC, kPanel) * round_up(IC, kPadInputs));
  return padded * sizeof(uint16_t) + static_cast<size_t>(round_up(OC, kPanel)) * sizeof(float) +
         2 * tensor::Arena::kAlign;
}

// Writes the panels of rows [first_row, first_row + rows.OC); first_row is a panel's first.
void PackedMatrix::fill(const QuantizedMatrix& rows, int64_t first_row) {
  const int64_t first_panel = first_row / kPanel, last = first_row + rows.OC;
  base::parallel_for(round_up(rows.OC, kPanel) / kPanel, [&](int64_t i) {
    const int64_t panel = first_panel + i;
    auto* const to = reinterpret_cast<uint8_t*>(data_ + static_cast<size_t>(panel) * panel_bytes_);
    // The number at row o of the matrix, input k; outside it, zero.
    const auto at = [&](int64_t o, int64_t k) -> int {
      return o < last && k < IC_ ? rows.values[static_cast<size_t>((o - first_row) * IC_ + k)] : 0;
    };
    for (int64_t o = 0; o < kPanel; ++o) {
      const int64_t row = panel * kPanel + o;
      switch (format_) {
        case WeightFormat::kBf16:
          for (int64_t k = 0; k < K_; ++k)
            reinterpret_cast<uint16_t*>(to)[k * kPanel + o] =
                row < last && k < IC_ ? rows.bf16[static_cast<size_t>((row - first_row) * IC_ + k)]
                                      : uint16_t{0};
          break;
        case WeightFormat::kInt8:
          for (int64_t k = 0; k < K_; ++k)
            to[(k / 4 * kPanel + o) * 4 + k % 4] = static_cast<uint8_t>(at(row, k) + 128);
          reinterpret_cast<float*>(scales_)[row] =
              row < last ? rows.scales[static_cast<size_t>(row - first_row)] : 0.0f;
          break;
        case WeightFormat::kInt4: {
          for (int64_t k = 0; k < K_; k += 8)
            for (int64_t j = 0; j < 4; ++j)
              to[(k / 8 * kPanel + o) * 4 + j] =
                  static_cast<uint8_t>((at(row, k + j) + 8) | ((at(row, k + 4 + j) + 8) << 4));
          const int64_t groups = K_ / group_, stored = (IC_ + group_ - 1) / group_;
          for (int64_t g = 0; g < groups; ++g)
            reinterpret_cast<uint16_t*>(scales_)[(panel * groups + g) * kPanel + o] =
                row < last && g < stored
                    ? tensor::f32_to_bf16(
                          rows.scales[static_cast<size_t>((row - first_row) * stored + g)])
                    : uint16_t{0};
          break;
        }
      }
    }
  });
}

PackedMatrix::PackedMatrix(const QuantizedMatrix& q) {
  allocate(q.format, q.OC, q.IC, q.group);
  fill(q, 0);
}

PackedMatrix PackedMatrix::pack(ConstF32 weight, WeightFormat format, int64_t group) {
  PackedMatrix packed;
  packed.allocate(format, rows(weight), cols(weight), group);
  constexpr int64_t kRows = kPanel * kPackPanels;
  for (int64_t o = 0; o < packed.OC_; o += kRows)
    packed.fill(quantize_matrix(weight.rows(o, std::min(o + kRows, packed.OC_)), format, group), o);
  return packed;
}

void PackedMatrix::row(int64_t o, float* out) const {
  PARLEY_CHECK(o >= 0 && o < OC_, "row {} of {}", o, OC_);
  const auto* from = reinterpret_cast<const uint8_t*>(panel(o / kPanel));
  const int64_t column = o % kPanel;
  switch (format_) {
    case WeightFormat::kBf16:
      for (int64_t k = 0; k < IC_; ++k)
        out[k] = tensor::bf16_to_f32(reinterpret_cast<const uint16_t*>(from)[k * kPanel + column]);
      return;
    case WeightFormat::kInt8: {
      const float scale = static_cast<const float*>(scales())[o];
      for (int64_t k = 0; k < IC_; ++k)
        out[k] = scale * static_cast<float>(from[(k / 4 * kPanel + column) * 4 + k % 4] - 128);
      return;
    }
    case WeightFormat::kInt4: {
      const int64_t groups = K_ / group_;
      const auto* scale = static_cast<const uint16_t*>(scales()) + o / kPanel * groups * kPanel;
      for (int64_t k = 0; k < IC_; ++k) {
        const uint8_t pair = from[(k / 8 * kPanel + column) * 4 + k % 4];
        const int value = (k % 8 < 4 ? pair & 15 : pair >> 4) - 8;
        out[k] =
            tensor::bf16_to_f32(scale[k / group_ * kPanel + column]) * static_cast<float>(value);
      }
      return;
    }
  }
}

}  // namespace parley::kernels
