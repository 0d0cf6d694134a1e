#include "data/conversations.h"

#include <algorithm>

#include "base/error.h"
#include "data/records.h"

namespace parley::data {

std::vector<Conversation> read_conversations(const std::vector<fs::path>& files,
                                             const ReadOptions& options, ReadReport& report) {
  std::vector<Conversation> all;
  read_records(files, options, report, [&](Element record, const std::string& where) {
    auto messages = find_messages(record);
    if (!messages)
      base::fail("none of \"messages\", \"conversations\" and \"instruction\" in this record");
    const bool answered = std::any_of(messages->begin(), messages->end(),
                                      [](const Message& m) { return m.role == "assistant"; });
    if (!answered) base::fail("no message is the assistant's: there is nothing to learn");
    all.push_back({std::move(*messages), where});
  });
  return all;
}

}  // namespace parley::data
