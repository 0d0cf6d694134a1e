// A model: what it is and its numbers.
#pragma once

#include "model/config.h"
#include "model/weights.h"

namespace parley::model {

struct Model {
  ModelConfig config;
  Weights weights;
};

}  // namespace parley::model
