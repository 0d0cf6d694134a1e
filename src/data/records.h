// What the readers of conversations.h share: records one by one, and the messages in them.
#pragma once

#include <simdjson.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/conversations.h"

namespace parley::data {

using Element = simdjson::dom::element;

// Calls `read` on each record of the files in order; what it throws as base::Error is a broken
// record ("what is wrong", without the place), which is counted or ends the reading as the
// options say. `read` gets "file:line" too. Adds to the report. Error also when a file cannot
// be read, or there is no good record in any of them.
void read_records(const std::vector<fs::path>& files, const ReadOptions& options,
                  ReadReport& report,
                  const std::function<void(Element, const std::string& where)>& read);

// The field, or nothing when it is missing or null.
std::optional<Element> find_field(Element record, std::string_view name);

// `value` as a text that is not blank; `what` names it in errors.
std::string text_of(Element value, std::string_view what);

// The messages of a record in any of the forms of read_conversations; nothing when it has none
// of their fields. Error when they are broken.
std::optional<std::vector<Message>> find_messages(Element record);

// The messages of a prompt: {"messages"} as above, or {"prompt"}: one user's turn. Error unless
// the last one is the user's.
std::vector<Message> prompt_messages(Element record);

// Error unless messages end with the user's turn.
void check_ends_with_user(const std::vector<Message>& messages);

}  // namespace parley::data
