#include "kernels/attention.h"
#include "kernels/reference.h"
namespace parley::kernels {
void attention_cached(F32 out, ConstF32 q, ConstF32 keys, ConstF32 values, int64_t past,
                      const AttentionShape& shape) {
  reference::attention_cached<float>(out, q, keys, values, past, shape);
}
}
