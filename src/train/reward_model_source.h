// Reward models as a source of rewards: "model:DIR".
#pragma once

#include <memory>
#include <string_view>

#include "model/reward_model.h"
#include "tokenizer/tokenizer.h"
#include "train/reward_source.h"

namespace parley::train {

// Loads a reward model and scores answers by their token ids as they were sampled: nothing is
// decoded and encoded again. Error when it is no reward model, or its tokenizer is not the
// policy's (they must give every text the same ids). Answers beyond its context are scored
// without their oldest tokens.
std::unique_ptr<RewardSource> load_reward_source(std::string_view directory,
                                                 const tokenizer::Tokenizer& policy);

}  // namespace parley::train
