#include "train/sft_data.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "data/token_shard.h"

namespace parley::train {
namespace {

using data::Conversation;

// Tokens up to and with the end of the last answer within `context`; 0: none is.
int64_t end_of_last_answer(const std::vector<uint8_t>& trained, int64_t context) {
  for (int64_t end = std::min(context, std::ssize(trained)); end > 0; --end) {
    const auto i = static_cast<size_t>(end);
    const bool answer_ends = trained[i - 1] && (i == trained.size() || !trained[i]);
    if (answer_ends) return end;
  }
  return 0;
}

}  // namespace

int64_t TrainingSequence::trained_tokens() const {
  return std::accumulate(trained.begin(), trained.end(), int64_t{0});
}

std::vector<TrainingSequence> encode_conversations(const std::vector<Conversation>& conversations,
                                                   const data::ChatFormat& format, int64_t context,
                                                   int64_t V, SftDataReport& report) {
  if (format.tokenizer.vocab_size() > V)
    base::fail("the tokenizer has {} tokens, the model {}; use the model's own tokenizer",
               format.tokenizer.vocab_size(), V);
  std::vector<TrainingSequence> all;
  for (const Conversation& conversation : conversations) {
    tokenizer::RenderedChat chat =
        format.chat_template.render_for_training(format.tokenizer, conversation.messages);
    const int64_t whole = end_of_last_answer(chat.trained, std::ssize(chat.trained));
    const int64_t end = end_of_last_answer(chat.trained, context);
    if (end < whole) ++(end > 0 ? report.cut : report.dropped);
    if (end == 0) continue;
    TrainingSequence sequence{std::move(chat.ids), std::move(chat.trained), conversation.where};
    sequence.ids.resize(static_cast<size_t>(end));
    sequence.trained.resize(static_cast<size_t>(end));
    sequence.trained[0] = 0;  // nothing comes before it
    report.tokens += end;
    report.trained_tokens += sequence.trained_tokens();
    all.push_back(std::move(sequence));
  }
  report.conversations += std::ssize(all);
  if (all.empty())
    base::fail("no conversation has an answer that ends within {} tokens; use a larger --context",
               context);
  return all;
}

std::pair<std::vector<Conversation>, std::vector<Conversation>> split_conversations(
    std::vector<Conversation> conversations, double fraction, uint64_t seed) {
  std::pair<std::vector<Conversation>, std::vector<Conversation>> parts;
  constexpr uint64_t kStream = 0x73706c6974;  // "split"
  for (Conversation& conversation : conversations) {
    std::string question;
    for (const data::Message& m : conversation.messages) {
      if (m.role == "assistant") break;
      question += m.role + '\x1f' + m.content + '\x1e';
    }
    const bool second = base::Philox(seed, kStream).uniform(data::fnv1a(question)) < fraction;
    (second ? parts.second : parts.first).push_back(std::move(conversation));
  }
  return parts;
}

void mask_targets(model::PackedBatch& batch,
                  const std::vector<const TrainingSequence*>& sequences) {
  for (const model::Place& place : batch.places) {
    const std::vector<uint8_t>& trained = sequences[place.sequence]->trained;
    for (int64_t i = 0; i + 1 < place.count; ++i)
      if (!trained[static_cast<size_t>(i + 1)])
        batch.targets[static_cast<size_t>(place.begin + i)] = -1;
  }
}

uint64_t checksum(const std::vector<TrainingSequence>& sequences, uint64_t begin) {
  uint64_t sum = begin;
  for (const TrainingSequence& s : sequences) {
    const auto* bytes = reinterpret_cast<const char*>(s.ids.data());
    sum = sum * 1099511628211u ^ data::fnv1a({bytes, s.ids.size() * sizeof(int32_t)});
    const auto* mask = reinterpret_cast<const char*>(s.trained.data());
    sum = sum * 1099511628211u ^ data::fnv1a({mask, s.trained.size()});
  }
  return sum;
}

}  // namespace parley::train
