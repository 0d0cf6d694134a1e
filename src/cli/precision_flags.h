// Flags of every command that runs a model: how its weights and its cache are stored.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "model/infer_weights.h"
#include "model/kv_pool.h"

namespace parley::cli {

struct PrecisionFlags {
  std::string weights;  // empty: the directory's own, or the command's default
  std::string kv;       // empty: int8 with int8 and int4 weights, bf16 with bf16, f32 with f32
  int64_t group = 32;   // of int4

  model::Precision precision(model::Precision otherwise) const;
  model::KvFormat kv_format(model::Precision precision) const;
};

void add_precision_flags(CLI::App& app, PrecisionFlags& flags);

}  // namespace parley::cli
