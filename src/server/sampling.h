// The fields that say how an answer is chosen; completions and chats share them.
#pragma once

#include <string>
#include <vector>

#include "server/fields.h"
#include "server/served_model.h"

namespace parley::server {

// temperature, top_p, presence_penalty, frequency_penalty, logit_bias, seed; and beyond OpenAI's:
// top_k, min_p, repetition_penalty, ignore_eos. Sets the stop tokens, and forbids ids that are no
// tokens. Without a seed one is drawn; what else is not given is as the model wants it, or
// OpenAI's.
infer::SamplingParams read_sampling(Fields& fields, const ServedModel& model);

// "stop": a text, or one to four; empty ones are left out.
std::vector<std::string> read_stops(Fields& fields);

// stream_options.include_usage. ApiError when there are options and no stream.
bool read_include_usage(Fields& fields, bool stream);

// ApiError context_length_exceeded, if prompt and answer together are longer than the context.
// `max_tokens` < 0: as much as there is room for, which is what comes back.
int64_t fit_context(const ServedModel& model, int64_t prompt_tokens, int64_t max_tokens,
                    std::string param);

}  // namespace parley::server
