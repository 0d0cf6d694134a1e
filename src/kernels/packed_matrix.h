// Weight matrices laid out for inference, and the product of activations with them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tensor/buffer.h"

namespace parley::kernels {

using tensor::ConstF32;
using tensor::F32;

// How a weight is stored, and what the product computes with.
enum class WeightFormat {
  kBf16,  // weights rounded to bf16; products and sums in f32
  kInt8,  // W8A8: weights −127 … 127 with a scale for each output, activations the same
          // with a scale for each token, sums exact in 32 bits
  kInt4,  // W4A8: weights −8 … 7 with a bf16 scale for each group of inputs of an output
};
std::string_view weight_format_name(WeightFormat format);  // "bf16", "int8", "int4"

// A weight's numbers as they stand in a file: rows of the matrix, not yet packed.
struct QuantizedMatrix {
  WeightFormat format = WeightFormat::kInt8;
  int64_t OC = 0, IC = 0;
  int64_t group = 0;           // inputs that share a scale; int8: all of them (IC)
  std::vector<int8_t> values;  // (OC, IC), int4 too: one a byte, −8 … 7; empty for bf16
  std::vector<uint16_t> bf16;  // (OC, IC) for bf16
  std::vector<float> scales;   // (OC, ceil(IC / group)); int4's are bf16 numbers
};

// Rounds weight (OC, IC). int8: the scale of an output is its largest |w| / 127. int4: the
// scale of a group is the one of several that leaves the least squared error; `group` is
// 32 or 64. Error when a weight is not finite.
QuantizedMatrix quantize_matrix(ConstF32 weight, WeightFormat format, int64_t group = 32);

// A matrix (OC, IC) in panels of 16 outputs, so that each thread reads its part from
// beginning to end once. Inputs are padded to a multiple of 64 and outputs to 16 with zeros.
//   int8: panel, then 4 inputs: [16 outputs][4 inputs] bytes, each w + 128
//   int4: panel, then 8 inputs: [16 outputs][4 inputs] bytes, low half the first 4 inputs'
//         w + 8, high half the next 4; scales (panel, group, 16)
//   bf16: panel, then input: [16 outputs]
class PackedMatrix {
 public:
  static constexpr int64_t kPanel = 16;  // outputs
  static constexpr int64_t kPadInputs = 64;

  PackedMatrix() = default;
  explicit PackedMatrix(const QuantizedMatrix& q);
  // quantize_matrix, then packs; a few panels at a time, so no second copy is held.
  static PackedMatrix pack(ConstF32 weight, WeightFormat format, int64_t group = 32);

  // Moves the numbers into `arena`, which must outlive the matrix. Many matrices in one
  // arena stand on huge pages, which the processor reads ahead across; alone, few do.
  void move_to(tensor::Arena& arena);
  // Bytes of an arena that hold a matrix of this size in any format.
  static size_t max_bytes(int64_t OC, int64_t IC);

  bool empty() const { return OC_ == 0; }
  WeightFormat format() const { return format_; }
  int64_t OC() const { return OC_; }
  int64_t IC() const { return IC_; }
  int64_t K() const { return K_; }  // IC padded
  int64_t panels() const { return (OC_ + kPanel - 1) / kPanel; }
  int64_t group() const { return group_; }  // int4; else K
  // Memory held, all of which one product reads.
  size_t bytes() const { return data_bytes_ + scale_bytes_; }
  size_t panel_bytes() const { return panel_bytes_; }
  const std::byte* panel(int64_t p) const { return data_ + static_cast<size_t>(p) * panel_bytes_; }
  // int8: f32 (panels · 16). int4: bf16 (panels, K / group, 16).
  const void* scales() const { return scales_; }

  // out (IC) = row o, as f32: an embedding's look-up.
  void row(int64_t o, float* out) const;

 private:
  void allocate(WeightFormat format, int64_t OC, int64_t IC, int64_t group);
  void take(tensor::Arena& arena);
  void fill(const QuantizedMatrix& rows, int64_t first_row);

  WeightFormat format_ = WeightFormat::kInt8;
  int64_t OC_ = 0, IC_ = 0, K_ = 0, group_ = 0;
  size_t panel_bytes_ = 0, data_bytes_ = 0, scale_bytes_ = 0;
  std::byte *data_ = nullptr, *scales_ = nullptr;
  tensor::Arena own_;  // where they are until move_to()
};

// out (N, OC) = x (N, IC) · weightᵀ + bias (OC, or empty). A row of `out` depends on its row
// of x alone, to the last bit: not on N, nor on the number of threads. int8 and int4 give
// the same bits on every instruction set; bf16 does where there is fused multiply-add.
// A row of x that is not finite gives NaN.
void matmul_packed(F32 out, ConstF32 x, const PackedMatrix& weight, ConstF32 bias);

// The rate of the multiply-adds that matmul_packed uses on this machine, on numbers that
// stay in registers, in operations a second (a multiply-add is two): what int8 products
// could reach if reading cost nothing.
double measure_int8_peak(double seconds = 0.2);

}  // namespace parley::kernels
