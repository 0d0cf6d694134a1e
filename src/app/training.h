// Run directories of training, as the training page reads them: never anything outside of one
// folder, never more than a page can show.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "app/call.h"

namespace parley::app {

namespace fs = std::filesystem;

class RunFolder {
 public:
  // ApiError 503 when the folder cannot be read.
  explicit RunFolder(const fs::path& folder);

  // {name, stage, started, updated, steps, last, config} of each, the newest first.
  Json runs() const;
  // Lines of metrics.jsonl: all of them, thinned to at most `most`, for `after` < 0; else up to
  // `most` behind line `after`. A last line without an end is left for the next time. Lines that
  // are no JSON objects are left out, but counted. ApiError 404.
  Json metrics(std::string_view run, int64_t after, size_t most) const;
  // The end of samples.md, whole lines; empty when there is none. ApiError 404.
  std::string samples(std::string_view run) const;
  // Reports of `parley eval winrate`, without the single comparisons.
  Json winrates() const;

 private:
  fs::path run_path(std::string_view run) const;
  bool inside(const fs::path& path) const;

  fs::path root_;
};

}  // namespace parley::app
