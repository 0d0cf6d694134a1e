// Moderation by rules: word lists and patterns in English and Chinese. docs/moderation.md says
// what that can do and what it cannot.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace parley::server {

// The name it is served under.
inline constexpr std::string_view kModerationModel = "parley-moderation-rules-1";

// Those of OpenAI's omni-moderation models.
inline constexpr std::array<std::string_view, 13> kModerationCategories = {
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
};

struct ModerationResult {
  bool flagged = false;                                       // any category is
  std::array<bool, kModerationCategories.size()> categories;  // score of at least 0.5
  // In [0, 1]: the weight of the strongest rule that matches, 0 without one. Not a probability.
  std::array<double, kModerationCategories.size()> scores;
};

// Any bytes; those that are no UTF-8 count as unknown characters. Time grows linearly with the
// text. Thread-safe.
ModerationResult moderate(std::string_view text);

}  // namespace parley::server
