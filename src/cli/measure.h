// Bits per byte of a loaded model, by the path its precision asks for.
#pragma once

#include "eval/bpb.h"
#include "text/loaded_model.h"

namespace parley::cli {

// f32 weights without --kv go through training's forward pass; all else through the engine.
data::TextLoss measure_bpb(const text::LoadedModel& model, const text::Storage& flags,
                           const eval::BpbOptions& options);

}  // namespace parley::cli
