// Conversations: what their endpoints share with those of messages and files.
#pragma once

#include <string>
#include <vector>

#include "app/call.h"

namespace parley::app {

// The user's own. ApiError 404. Blocks.
store::Conversation own_conversation(store::Store& store, const store::User& user,
                                     const store::Id& id);

// Its messages, with their feedback. Answers whose server ended are marked. Blocks.
std::vector<store::Message> messages_of(const Services& services,
                                        const store::Conversation& conversation);
Json messages_json(store::Store& store, const std::vector<store::Message>& messages);

// The whole: Summary, messages, summaries. Blocks.
Json conversation_json(const Services& services, const store::Conversation& conversation);

constexpr size_t kMostTitle = 200;         // characters
constexpr size_t kMostSystem = 64 * 1024;  // bytes

}  // namespace parley::app
