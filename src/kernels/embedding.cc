#include "kernels/embedding.h"

#include "base/threads.h"
#include "kernels/shapes.h"

namespace parley::kernels {
namespace {

void check(const char* what, ConstF32 rows_out, ConstI32 tokens, ConstI32 positions, ConstF32 wte,
           ConstF32 wpe) {
  const int64_t N = tokens.size(), C = cols(wte);
  PARLEY_CHECK(rows_out.size() == N * C && (wpe.empty() || positions.size() == N) &&
                   (wpe.empty() || cols(wpe) == C),
               "{}: rows, tokens, positions, wte, wpe {}", what,
               shapes(rows_out, tokens, positions, wte, wpe));
  for (int64_t n = 0; n < N; ++n) {
    PARLEY_CHECK(tokens[n] >= 0 && tokens[n] < rows(wte), "{}: token {} of a vocabulary of {}",
                 what, tokens[n], rows(wte));
    PARLEY_CHECK(wpe.empty() || (positions[n] >= 0 && positions[n] < rows(wpe)),
                 "{}: position {} of {}", what, positions[n], rows(wpe));
  }
}

}  // namespace

void embedding_forward(F32 out, ConstI32 tokens, ConstI32 positions, ConstF32 wte, ConstF32 wpe) {
  check("embedding_forward", out, tokens, positions, wte, wpe);
  const int64_t C = cols(wte);
  base::parallel_blocks(tokens.size(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      float* row = out.data() + n * C;                                     // (C)
      const float* token = wte.data() + tokens[n] * C;                     // (C)
      const float* place = wpe ? wpe.data() + positions[n] * C : nullptr;  // (C)
      for (int64_t c = 0; c < C; ++c) row[c] = place ? token[c] + place[c] : token[c];
    }
  });
}

// Threads own channels, not tokens: each row's sum runs in the order of n, whatever
// tokens repeat, and no two threads write the same element.
void embedding_backward(F32 dwte, F32 dwpe, ConstF32 dout, ConstI32 tokens, ConstI32 positions) {
  check("embedding_backward", dout, tokens, positions, dwte, dwpe);
  const int64_t N = tokens.size(), C = cols(dwte);
  base::parallel_blocks(C, 64, [&](int64_t begin, int64_t end) {
    for (int64_t n = 0; n < N; ++n) {
      const float* row = dout.data() + n * C;
      float* token = dwte.data() + tokens[n] * C;
      for (int64_t c = begin; c < end; ++c) token[c] += row[c];
      if (dwpe.empty()) continue;
      float* place = dwpe.data() + positions[n] * C;
      for (int64_t c = begin; c < end; ++c) place[c] += row[c];
    }
  });
}

}  // namespace parley::kernels
