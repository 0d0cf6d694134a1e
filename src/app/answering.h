// From a user's message to answers that are under way.
#pragma once

#include <vector>

#include "app/call.h"

namespace parley::app {

struct AnswerRequest {
  const store::Conversation& conversation;
  std::vector<store::Message> branch;  // as PromptRequest has it
  bool continued = false;
  std::vector<store::Message> before{};  // not in the store yet: the user's message
  int64_t answers = 1;
  std::string model{};           // empty: the conversation's, else the user's, else the first
  Json params = Json::object();  // over the conversation's, which are over the user's
};

// Makes the prompt and begins the answers. Blocks. ApiError 429 when the tokens of the day are used
// up or the server is busy, 404 when the model is not served any more, 400 when the message is too
// long.
std::vector<store::Message> begin_answers(const Services& services, const store::User& user,
                                          AnswerRequest request);

}  // namespace parley::app
