// Shape checks of the kernels' entry points. A kernel sees a tensor as rows of its
// last dimension, so (B, T, C) may stand where (N, C) is asked for.
#pragma once

#include <string>

#include "tensor/view.h"

namespace parley::kernels {

// The last dimension; 0 for an absent tensor.
template <typename T>
int64_t cols(const tensor::View<T>& x) {
  return x.empty() || x.shape().rank() == 0 ? 0 : x.dim(x.shape().rank() - 1);
}

// The product of the other dimensions.
template <typename T>
int64_t rows(const tensor::View<T>& x) {
  return cols(x) == 0 ? 0 : x.size() / cols(x);
}

// "(2, 3) (3) -": the shapes for a failed check's message, "-" for an absent tensor.
template <typename... Views>
std::string shapes(const Views&... views) {
  std::string out;
  for (const std::string& shape : {(views.empty() ? std::string("-") : views.shape().str())...}) {
    if (!out.empty()) out += ' ';
    out += shape;
  }
  return out;
}

}  // namespace parley::kernels
