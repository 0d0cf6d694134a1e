// Conversations as SFT reads them: token ids, and which of them the assistant wrote.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/chat_ids.h"
#include "data/conversations.h"
#include "model/packed_batch.h"

namespace parley::train {

struct TrainingSequence {
  std::vector<int32_t> ids;
  std::vector<uint8_t> trained;  // 1: learned from; as long as ids
  std::string where;             // "file:line"

  int64_t trained_tokens() const;
};

// What became of the conversations.
struct SftDataReport {
  int64_t conversations = 0;  // kept
  int64_t cut = 0;            // shortened to the last whole answer within the context
  int64_t dropped = 0;        // without a whole answer within the context
  int64_t tokens = 0, trained_tokens = 0;
};

// Renders each by the template and keeps at most `context` tokens: up to the end of the last
// answer that fits. Error when nothing is left, or the tokenizer has tokens beyond the model's
// vocabulary V.
std::vector<TrainingSequence> encode_conversations(
    const std::vector<data::Conversation>& conversations, const data::ChatFormat& format,
    int64_t context, int64_t V, SftDataReport& report);

// Splits by what comes before the first answer, so that a question is never on both sides: the
// share `fraction` (by a hash, whatever the order of the records) goes to the second list.
std::pair<std::vector<data::Conversation>, std::vector<data::Conversation>> split_conversations(
    std::vector<data::Conversation> conversations, double fraction, uint64_t seed);

// Takes the targets away that are not learned from; places[i].sequence counts in `sequences`.
void mask_targets(model::PackedBatch& batch, const std::vector<const TrainingSequence*>& sequences);

// Tells one list of sequences from another.
uint64_t checksum(const std::vector<TrainingSequence>& sequences, uint64_t begin = 0);

}  // namespace parley::train
