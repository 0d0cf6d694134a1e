#include "cli/precision_flags.h"

namespace parley::cli {

model::Precision PrecisionFlags::precision(model::Precision otherwise) const {
  return weights.empty() ? otherwise : model::parse_precision(weights);
}

model::KvFormat PrecisionFlags::kv_format(model::Precision precision) const {
  if (kv == "f32") return model::KvFormat::kF32;
  if (kv == "bf16") return model::KvFormat::kBf16;
  if (kv == "int8") return model::KvFormat::kInt8;
  switch (precision) {
    case model::Precision::kF32: return model::KvFormat::kF32;
    case model::Precision::kBf16: return model::KvFormat::kBf16;
    default: return model::KvFormat::kInt8;
  }
}

void add_precision_flags(CLI::App& app, PrecisionFlags& flags) {
  app.add_option("--precision", flags.weights, "how weights are stored: f32, bf16, int8 or int4")
      ->check(CLI::IsMember({"f32", "bf16", "int8", "int4"}));
  app.add_option("--group", flags.group, "int4: inputs that share a scale")
      ->capture_default_str()
      ->check(CLI::IsMember({32, 64}));
  app.add_option("--kv", flags.kv,
                 "how keys and values are stored: f32, bf16 or int8 (default: as the weights)")
      ->check(CLI::IsMember({"f32", "bf16", "int8"}));
}

}  // namespace parley::cli
