// The weights as inference reads them: f32 as they are, or packed in fewer bits.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "kernels/packed_matrix.h"
#include "model/weights.h"

namespace parley::model {

enum class Precision { kF32, kBf16, kInt8, kInt4 };
// "f32", "bf16", "int8", "int4" and back; Error naming them for another.
std::string_view precision_name(Precision precision);
Precision parse_precision(std::string_view name);

// One linear layer: f32 (weight) or packed.
struct Linear {
  ConstF32 weight;  // (OC, IC), or empty when packed
  kernels::PackedMatrix packed;
  ConstF32 bias;  // (OC) or empty
};

// out (N, OC) = x (N, IC) · weightᵀ + bias
void linear_forward(F32 out, ConstF32 x, const Linear& linear);

struct InferLayer {
  Linear qkv, att, fc, proj;
  LayerWeights vectors;  // norms; its matrices are not for use
};

// What InferState reads. f32 refers to the Weights it was made from, which must outlive
// it and whose changes it sees; the other precisions own all they need.
class InferWeights {
 public:
  InferWeights() = default;
  // Packs when precision is not kF32; `group` is that of int4.
  InferWeights(const ModelConfig& config, const Weights& weights,
               Precision precision = Precision::kF32, int64_t group = 32);
  // From matrices that are packed already. `vectors` has the norms, biases and learned
  // positions; its matrices are never touched, so they take no memory. `matrix` is asked
  // for each of "wte", "layers.0.qkv_w", …, "lm_head" once.
  InferWeights(const ModelConfig& config, Precision precision, Weights vectors,
               const std::function<kernels::PackedMatrix(const ParamInfo&)>& matrix);

  Precision precision() const { return precision_; }
  const Linear& head() const { return tied_ ? wte : lm_head; }
  // Bytes that one decoding step reads: every matrix that multiplies.
  size_t bytes_per_step() const;

  std::vector<InferLayer> layers;
  Linear wte;                   // (V, C): the embedding; the output matrix too when tied
  ConstF32 wpe;                 // (T, C) or empty
  ConstF32 norm_f_w, norm_f_b;  // (C) or empty
  Linear lm_head;               // (V, C), when not tied

 private:
  // Views of `weights` for everything but packed matrices.
  void refer(const ModelConfig& config, const Weights& weights);
  void reserve_arena();
  // Calls fn(parameter, its Linear) for every matrix.
  template <typename Fn>
  void for_matrices(const Weights& weights, Fn&& fn);

  Precision precision_ = Precision::kF32;
  bool tied_ = true;
  Weights vectors_;      // owned, unless f32
  tensor::Arena arena_;  // all packed matrices
};

// Matrices with fewer inputs stay in int8 when the others have four bits: a sum of few
// rounded products is off by much, and there is little to save.
constexpr int64_t kInt4Inputs = 128;

// Weights of which only the norms, biases and learned positions will be touched, so that only
// they take memory.
Weights vector_weights(const ModelConfig& config);

// How a parameter is packed: int4 keeps the token embedding and the output matrix, where
// four bits cost most, and narrow matrices in int8.
kernels::WeightFormat weight_format(const ParamInfo& param, Precision precision);

}  // namespace parley::model
