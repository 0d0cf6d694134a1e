#include "cli/measure.h"

namespace parley::cli {

data::TextLoss measure_bpb(const text::LoadedModel& model, const text::Storage& flags,
                           const eval::BpbOptions& options) {
  const model::Precision precision = model.infer.precision();
  if (precision == model::Precision::kF32 && flags.kv.empty())
    return eval::measure_bpb(model, model.tokenizer, options);
  infer::EngineOptions engine_options{.max_sequences = options.batch, .adaptive_steps = false};
  engine_options.kv_format = flags.kv_format(precision);
  infer::Engine engine(model.config, model.infer, engine_options);
  return eval::measure_bpb(engine, model.tokenizer, options);
}

}  // namespace parley::cli
