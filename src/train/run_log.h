// What a run writes for people and programs: metrics.jsonl and samples.md.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "model/weights.h"
#include "tokenizer/tokenizer.h"

namespace parley::train {

namespace fs = base::fs;

using Json = nlohmann::ordered_json;  // lines are written in the order of reading

// RUN/metrics.jsonl: one JSON object a line, appended as it comes.
class MetricsLog {
 public:
  // Keeps the lines of steps ≤ `last_step` (a resumed run repeats the later ones),
  // drops the rest and anything half-written.
  MetricsLog(const fs::path& file, int64_t last_step);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  // Error when the disk is full.
  void write(const Json& line);

 private:
  fs::path file_;
  int fd_ = -1;
};

// Continues a few English, Chinese and code prompts and appends them to `file` (Markdown)
// under `title`. The choices depend on seed alone. Returns the first continuation on one
// line, for the progress bar.
std::string write_samples(const fs::path& file, std::string_view title,
                          const model::ModelConfig& config, const model::Weights& weights,
                          const tokenizer::Tokenizer& tokenizer, int32_t separator, uint64_t seed);

}  // namespace parley::train
