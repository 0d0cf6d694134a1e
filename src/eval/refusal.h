// Whether an answer refuses.
#pragma once

#include <string_view>

namespace parley::eval {

// True when the beginning of the answer (kRefusalCharacters characters) says that the assistant
// will not or cannot do it, in English or Chinese. The phrases are those of refusal.cc;
// docs/evaluation.md says what they cover. An empty answer is no refusal.
bool is_refusal(std::string_view answer);
inline constexpr int kRefusalCharacters = 300;

}  // namespace parley::eval
