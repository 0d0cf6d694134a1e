// A model directory, loaded: what every command that runs a model begins with.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "infer/sampler.h"
#include "model/infer_weights.h"
#include "model/model.h"
#include "text/storage.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace parley::text {

// How a model wants its tokens to be chosen where nobody says otherwise: what its
// generation_config.json has of these.
struct SamplingDefaults {
  std::optional<float> temperature, top_p, min_p, repetition_penalty;
  std::optional<int64_t> top_k;

  void apply(infer::SamplingParams& params) const;
};

struct LoadedModel : model::Model {
  tokenizer::Tokenizer tokenizer;
  // What the engine runs. In f32 it refers to `weights`; in other precisions it owns all,
  // and `weights` is empty.
  model::InferWeights infer;
  // The form of its chats; none where the directory has none and ChatML does not fit.
  std::optional<tokenizer::ChatTemplate> chat_template;
  SamplingDefaults sampling;

  // The token a text without a beginning starts from: BOS, else what stands between documents in
  // pre-training: <|endoftext|>, or EOS without one. Error when there is none.
  int32_t start_token() const;
  // The ids of `text` as a prompt: BOS first where the model wants it; an empty text
  // becomes the start token. `special`: names of special tokens in the text count.
  std::vector<int32_t> encode_prompt(std::string_view text, bool special = false) const;
  // Tokens that end an answer: EOS, and what ends an assistant's turn.
  std::vector<int32_t> stop_ids() const;
  // Forbids the ids that the embedding has and the tokenizer has not (padding).
  void forbid_unused_ids(infer::SamplingParams& params) const;
};

// Reads model and tokenizer, in the precision of the flags or, without one, as the
// directory is stored: int8, int4 and bf16 stay so, all else is f32. Error when something is
// missing, or the tokenizer has more tokens than the model.
LoadedModel load(const base::fs::path& directory, const Storage& storage = {});

}  // namespace parley::text
