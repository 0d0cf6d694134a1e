#include "kernels/attention.h"

#include "kernels/reference.h"

namespace parley::kernels {

void attention_forward(F32 out, F32 lse, ConstF32 qkv, ConstI32 first_key,
                       const AttentionShape& shape) {
  reference::attention_forward<float>(out, lse, qkv, first_key, shape);
}
void attention_backward(F32 dqkv, ConstF32 dout, ConstF32 qkv, ConstF32, ConstF32,
                        ConstI32 first_key, const AttentionShape& shape) {
  reference::attention_backward<float>(dqkv, dout, qkv, first_key, shape);
}
void attention_cached(F32 out, ConstF32 q, ConstF32 keys, ConstF32 values, int64_t past,
                      const AttentionShape& shape) {
  reference::attention_cached<float>(out, q, keys, values, past, shape);
}

}  // namespace parley::kernels
