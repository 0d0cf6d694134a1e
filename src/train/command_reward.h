// Rewards from a program of the user's own.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "train/reward_source.h"

namespace parley::train {

// Starts `command` ("PROGRAM ARGS", split as base::split_command does, no shell) and keeps it
// running. For each answer it reads one line {"prompt", "response", "finished", "record"} and
// writes one line {"reward": x}, in order. Error, with the end of its standard error, when it
// cannot be started, ends, is silent for `timeout`, or writes anything else.
std::unique_ptr<RewardSource> make_command_reward(
    std::string_view command, std::chrono::milliseconds timeout = std::chrono::minutes(2));

}  // namespace parley::train
