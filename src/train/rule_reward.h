// Rewards by rule: a pattern, the right answer, the right number, a length.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "train/reward_source.h"

namespace parley::train {

// 1 if `pattern` (PCRE2, UTF-8) is found in the answer, else 0. With a group named "score" the
// reward is the number that group holds, and 0 when it holds none. A search that takes more steps
// than the limit counts as not found, so no pattern and no answer can hang a run. UsageError when
// the pattern does not compile.
std::unique_ptr<RewardSource> make_regex_reward(std::string_view pattern);

// "[FIELD][,fold]": 1 if the answer equals the record's field (or one of its strings, if it is an
// array), after Unicode NFC and without blanks at the ends; "fold" ignores case.
std::unique_ptr<RewardSource> make_exact_reward(std::string_view argument);

// "[FIELD]": 1 if the last number of the answer equals the number in the record's field, the last
// one of its text if that is a string.
std::unique_ptr<RewardSource> make_number_reward(std::string_view argument);

// "TARGET": max(0, 1 − |n − TARGET| / TARGET) for an answer of n characters (code points).
std::unique_ptr<RewardSource> make_length_reward(std::string_view argument);

// 1 if the answer ended by itself, 0 if it was cut off.
std::unique_ptr<RewardSource> make_finished_reward();

// The number an answer ends with: the last \boxed{…}, else the one after "####" on its line,
// else the last number anywhere. Understands signs, decimals, thousands separators (1,234 and
// 1 234 with a no-break space), full-width digits, fractions 3/4, and per cent signs (ignored).
// Nothing if there is no number.
std::optional<double> last_number(std::string_view text);

// Whether two numbers are the same answer: equal up to 1e-6 of the larger.
bool same_number(double a, double b);

// The field of a record: a name, or a JSON pointer ("/meta/answer"). Error when it is absent.
const nlohmann::json& reward_field(const Answer& answer, std::string_view field,
                                   std::string_view reward);

}  // namespace parley::train
