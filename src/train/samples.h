// samples.md: the same prompts answered over time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace parley::train {

// What a model wrote, as text inside a Markdown quotation, whatever marks it holds.
std::string markdown_quotation(std::string_view text);

struct SampledAnswer {
  std::string prompt, answer, note;  // note: "reward 0.3", or empty
};

// Appends them to `file` (Markdown) under `title`. What a model wrote shows as text, whatever
// marks it holds. Error when the disk is full.
void append_samples(const base::fs::path& file, std::string_view title,
                    const std::vector<SampledAnswer>& samples);

}  // namespace parley::train
