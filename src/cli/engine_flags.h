// The flags that say how the engine runs; generate and chat share them all.
#pragma once

#include <CLI/CLI.hpp>

#include <memory>

#include "cli/precision_flags.h"
#include "infer/engine.h"
#include "text/loaded_model.h"

namespace parley::cli {

struct EngineFlags {
  text::Storage precision;
  base::fs::path draft;      // directory of a draft model; empty: none
  int64_t lookup = 0;        // SpeculativeOptions::ngram
  int64_t draft_tokens = 4;  // SpeculativeOptions::tokens
};

void add_engine_flags(CLI::App& command, EngineFlags& flags);

// An engine on a loaded model, with what it refers to.
class LoadedEngine {
 public:
  // Keeps a reference to the model. `options` are completed by the flags. Error when the
  // draft model cannot be loaded or has another vocabulary.
  LoadedEngine(const text::LoadedModel& model, const EngineFlags& flags,
               infer::EngineOptions options);

  infer::Engine& engine() { return *engine_; }
  const infer::Engine& engine() const { return *engine_; }

 private:
  std::unique_ptr<text::LoadedModel> draft_;
  std::unique_ptr<infer::Engine> engine_;
};

}  // namespace parley::cli
