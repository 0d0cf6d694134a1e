// How a model's weights and its cache are stored in memory.
#pragma once

#include <cstdint>
#include <string>

#include "model/infer_weights.h"
#include "model/kv_pool.h"

namespace parley::text {

struct Storage {
  std::string
      weights;     // f32, bf16, int8, int4; empty: the directory's own, or the command's default
  std::string kv;  // f32, bf16, int8; empty: int8 with int8 and int4 weights, else as the weights
  int64_t group = 32;  // of int4: inputs that share a scale

  // Error when the name is unknown.
  model::Precision precision(model::Precision otherwise) const;
  model::KvFormat kv_format(model::Precision precision) const;

  bool operator==(const Storage&) const = default;
};

}  // namespace parley::text
