// Bits per byte of a loaded model, by the path its precision asks for.
#pragma once

#include "cli/load.h"
#include "eval/bpb.h"

namespace parley::cli {

// f32 weights without --kv go through training's forward pass; all else through the engine.
data::TextLoss measure_bpb(const LoadedModel& model, const PrecisionFlags& flags,
                           const eval::BpbOptions& options);

}  // namespace parley::cli
