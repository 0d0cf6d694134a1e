// The rules of moderation.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace parley::server {

// Bits in the order of kModerationCategories.
enum ModerationBit : uint16_t {
  kHarassment = 1 << 0,
  kHarassmentThreatening = 1 << 1,
  kHate = 1 << 2,
  kHateThreatening = 1 << 3,
  kIllicit = 1 << 4,
  kIllicitViolent = 1 << 5,
  kSelfHarm = 1 << 6,
  kSelfHarmIntent = 1 << 7,
  kSelfHarmInstructions = 1 << 8,
  kSexual = 1 << 9,
  kSexualMinors = 1 << 10,
  kViolence = 1 << 11,
  kViolenceGraphic = 1 << 12,
};

struct ModerationRule {
  uint16_t categories;
  double weight;             // 0.9: plain; 0.7: hardly anything else; below 0.5: only mentioned
  std::string_view pattern;  // PCRE2, extended, on text as normalize_for_moderation() leaves it
};

// Subpatterns that the rules call by name.
std::string_view moderation_definitions();
std::span<const ModerationRule> moderation_rules();

}  // namespace parley::server
