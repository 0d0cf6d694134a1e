#include "base/error.h"
#include "data/conversations.h"
#include "data/records.h"

namespace parley::data {

std::vector<Prompt> read_prompts(const std::vector<fs::path>& files, const ReadOptions& options,
                                 ReadReport& report) {
  std::vector<Prompt> all;
  read_records(files, options, report, [&](Element record, const std::string& where) {
    Prompt prompt;
    prompt.where = where;
    if (auto messages = find_messages(record)) {
      prompt.messages = std::move(*messages);
      if (prompt.messages.back().role == "assistant") prompt.messages.pop_back();
      check_ends_with_user(prompt.messages);
    } else if (const auto text = find_field(record, "prompt")) {
      prompt.text = text_of(*text, "\"prompt\"");
    } else {
      base::fail("neither \"messages\" nor \"prompt\" in this record");
    }
    // Rules read all kinds of fields: these go through the library that is made for that.
    prompt.record = nlohmann::json::parse(std::string(simdjson::minify(record)));
    all.push_back(std::move(prompt));
  });
  return all;
}

}  // namespace parley::data
