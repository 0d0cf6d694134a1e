// RlOptions: defaults, checks, and RUN/config.json.
#pragma once

#include "train/ppo.h"

namespace parley::train {

// Fills in what is "choose for me", and makes paths absolute, so that a run can be resumed from
// another folder.
void choose(RlOptions& options);
// RUN/config.json, written and read; load keeps `out` and `resume`. Error when there is none, or
// it is of another stage.
void save_rl_options(const RlOptions& options);
void load_rl_options(RlOptions& options);

}  // namespace parley::train
