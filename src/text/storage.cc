#include "text/storage.h"

#include "base/error.h"

namespace parley::text {

model::Precision Storage::precision(model::Precision otherwise) const {
  return weights.empty() ? otherwise : model::parse_precision(weights);
}

model::KvFormat Storage::kv_format(model::Precision precision) const {
  if (kv == "f32") return model::KvFormat::kF32;
  if (kv == "bf16") return model::KvFormat::kBf16;
  if (kv == "int8") return model::KvFormat::kInt8;
  if (!kv.empty()) base::fail("keys and values as '{}': choose f32, bf16 or int8", kv);
  switch (precision) {
    case model::Precision::kF32: return model::KvFormat::kF32;
    case model::Precision::kBf16: return model::KvFormat::kBf16;
    default: return model::KvFormat::kInt8;
  }
}

}  // namespace parley::text
