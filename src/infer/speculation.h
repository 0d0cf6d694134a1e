// Tokens that cost little to guess and less to check than to choose one by one.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "infer/sequence.h"
#include "model/forward.h"

namespace parley::infer {

// Speculative decoding (Leviathan et al. 2023, arXiv 2211.17192): somebody cheap proposes
// the next tokens, the model runs them all in one step, and the sampler chooses position
// after position, with the draw numbers it would have used anyway, until its choice is
// not the proposed one. So what is chosen does not depend on the proposals at all.
struct SpeculativeOptions {
  int64_t tokens = 4;  // proposed at once, at most
  // Prompt look-up: the longest run of up to `ngram` last tokens that occurred before
  // proposes what followed it then. 0: off.
  int64_t ngram = 0;
  // A smaller model with the same vocabulary; both or none, and both must outlive the
  // engine. Asked where the look-up finds nothing.
  const model::ModelConfig* draft_config = nullptr;
  const model::InferWeights* draft_weights = nullptr;
  int64_t max_decoding = 4;  // with more sequences than these, the processor is busy enough

  bool on() const { return tokens > 0 && (ngram > 0 || draft_weights != nullptr); }
};

// Appends to `drafts` what followed the latest of the longest earlier occurrences of the
// last tokens, at most `count` tokens; nothing when not even the last one occurred before.
void look_up(std::span<const int32_t> tokens, int64_t ngram, int64_t count,
             std::vector<int32_t>& drafts);

// The draft model, with a KV pool of its own.
class DraftModel {
 public:
  // Error when its vocabulary is not V.
  DraftModel(const SpeculativeOptions& options, int64_t V, model::KvFormat format);

  // Appends up to wanted[i] proposals to the drafts of sequences[i], by its own sampler with
  // the draws to come: the same uniform number for the same place in the answer, so the two
  // models agree as often as their distributions overlap in it. One that has much to
  // read first reads some of it instead. Sequences not named here lose their blocks.
  void propose(std::span<Sequence* const> sequences, std::span<const int64_t> wanted);
  void release(Sequence& sequence);
  // Forgets everything: the weights changed.
  void forget();

 private:
  // Tokens it reads at once in one step, so that others do not wait long.
  static constexpr int64_t kCatchUp = 128;

  struct Proposer {
    Sequence* sequence;
    int64_t wanted;
    bool active;
  };
  void run();  // the pending tokens of the active ones; then chooses one for each

  const model::ModelConfig& config_;
  const model::InferWeights& weights_;
  BlockManager blocks_;
  model::KvPool pool_;
  model::InferState state_;
  std::vector<Sequence*> holders_;  // those that have blocks
  std::vector<Proposer> proposers_;
  std::vector<int32_t> tokens_;
  std::vector<model::Span> spans_;
  std::vector<int64_t> logit_rows_;
  std::vector<Proposer*> choosing_;  // as logit_rows_
};

}  // namespace parley::infer
