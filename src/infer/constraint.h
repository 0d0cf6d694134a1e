// What an answer may look like: a grammar, seen as sets of tokens.
#pragma once

#include <cstdint>
#include <span>

namespace parley::infer {

// Belongs to one request. Asked on one thread at a time, once for each token that is drawn.
class Constraint {
 public:
  virtual ~Constraint() = default;
  // Bit t % 64 of word t / 64: token t may come next; ceil(V / 64) words, not all zero. Valid until
  // accept().
  virtual std::span<const uint64_t> allowed() = 0;
  // This token was chosen.
  virtual void accept(int32_t token) = 0;
  // Nothing can follow: the answer ends here, for want of a token that would end it.
  virtual bool finished() const { return false; }
};

}  // namespace parley::infer
