#include "app/feedback_export.h"

#include <algorithm>
#include <array>

#include "app/prompt_text.h"
#include "base/files.h"

namespace parley::app {
namespace {

constexpr size_t kMostPairs = 64;  // of liked and disliked answers to one prompt

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The prompt of a feedback as training reads it; null when it is none: it must be texts by known
// roles, the system's first and the user's last.
Json prompt_of(const store::Feedback& feedback) {
  if (!feedback.context.is_object()) return nullptr;
  const auto list = feedback.context.find("messages");
  if (list == feedback.context.end() || !list->is_array() || list->empty()) return nullptr;
  Json messages = Json::array();
  for (const Json& message : *list) {
    if (!message.is_object()) return nullptr;
    const auto role = message.find("role"), content = message.find("content");
    if (role == message.end() || content == message.end() || !role->is_string() ||
        !content->is_string() || trim(content->get_ref<const std::string&>()).empty())
      return nullptr;
    const bool system = *role == "system";
    if ((system && !messages.empty()) || (!system && *role != "user" && *role != "assistant"))
      return nullptr;
    messages.push_back({{"role", *role}, {"content", *content}});
  }
  return messages.back()["role"] == "user" ? messages : Json();
}

int64_t sum(const std::map<std::string, int64_t>& votes) {
  int64_t total = 0;
  for (const auto& [who, vote] : votes) total += vote;
  return total;
}

}  // namespace

bool ExportFilter::keeps(const store::Feedback& feedback) const {
  return feedback.created >= since && (kinds.empty() || kinds.contains(feedback.kind)) &&
         (model.empty() || feedback.model.find(model) != std::string::npos);
}

FeedbackExport::Answer& FeedbackExport::answer_of(Prompt& prompt, const std::string& text) {
  const auto [it, fresh] = prompt.answers.try_emplace(text, prompt.answer_order.size());
  if (fresh) prompt.answer_order.emplace_back(text, Answer{});
  return prompt.answer_order[it->second].second;
}

void FeedbackExport::add(const store::Feedback& feedback) {
  if (!filter_.keeps(feedback)) return;
  Json messages = prompt_of(feedback);
  const std::string answer = context_text(feedback, "answer");
  if (messages.is_null() || trim(answer).empty()) {
    ++left_out_["no_prompt"];
    return;
  }
  const auto [place, fresh] = places_.try_emplace(line_of(messages), prompts_.size());
  if (fresh) prompts_.push_back({.messages = std::move(messages)});
  Prompt& prompt = prompts_[place->second];
  const auto vote = [&](const std::string& chosen, const std::string& rejected, int64_t value) {
    if (trim(chosen) == trim(rejected)) {
      ++left_out_["same_text"];
      return;
    }
    const bool in_order = chosen < rejected;
    const auto key = in_order ? std::pair(chosen, rejected) : std::pair(rejected, chosen);
    const auto [it, is_new] = prompt.pairs.try_emplace(key, prompt.pair_order.size());
    if (is_new) prompt.pair_order.emplace_back(key, Pair{});
    // Of one person's judgements the last counts.
    prompt.pair_order[it->second].second.votes[feedback.user] = in_order ? value : -value;
  };
  if (feedback.kind == "rating") {
    Answer& rated = answer_of(prompt, answer);
    rated.ratings[feedback.user] = feedback.rating;
    rated.whole = rated.whole && context_text(feedback, "finish") != "length" &&
                  context_text(feedback, "status") != "interrupted";
  } else if (feedback.kind == "comparison") {
    const std::string other = context_text(feedback, "other");
    if (trim(other).empty())
      ++left_out_["no_prompt"];
    else
      vote(answer, other, feedback.tie ? 0 : 1);
  } else if (feedback.kind == "correction" && !trim(feedback.text).empty()) {
    auto& corrections = answer_of(prompt, answer).corrections;
    std::erase_if(corrections, [&](const auto& each) { return each.first == feedback.user; });
    corrections.emplace_back(feedback.user, feedback.text);
  }
}

void FeedbackExport::finish_prompt(const Prompt& prompt, ExportedFeedback& out) const {
  std::set<std::pair<std::string, std::string>> paired;
  const auto prefer = [&](const std::string& chosen, const std::string& rejected) {
    if (paired.contains({rejected, chosen}) || !paired.emplace(chosen, rejected).second) return;
    out.preferences.push_back(
        line_of({{"messages", prompt.messages}, {"chosen", chosen}, {"rejected", rejected}}));
  };
  std::set<std::string> taught;
  const auto teach = [&](const std::string& text) {
    if (!taught.insert(text).second) return;
    Json messages = prompt.messages;
    messages.push_back({{"role", "assistant"}, {"content", text}});
    out.sft.push_back(line_of({{"messages", std::move(messages)}}));
  };

  for (const auto& [texts, pair] : prompt.pair_order) {
    const int64_t votes = sum(pair.votes);
    const bool one_way = std::ranges::all_of(pair.votes, [&](const auto& vote) {
      return vote.second == 0 || (vote.second > 0) == (votes > 0);
    });
    if (std::ranges::all_of(pair.votes, [](const auto& vote) { return vote.second == 0; }))
      ++out.left_out["tie"];
    else if (votes == 0)
      ++out.left_out["contradicted"];
    else if (std::abs(votes) < filter_.min_votes)
      ++out.left_out[one_way ? "few_votes" : "contradicted"];
    else if (votes > 0)
      prefer(texts.first, texts.second);
    else
      prefer(texts.second, texts.first);
  }
  std::vector<const std::string*> liked, disliked;
  for (const auto& [text, answer] : prompt.answer_order) {
    for (const auto& [who, corrected] : answer.corrections) {
      teach(corrected);
      if (trim(corrected) != trim(text)) prefer(corrected, text);
    }
    if (answer.ratings.empty()) continue;
    const int64_t votes = sum(answer.ratings);
    if (votes == 0) {
      ++out.left_out["contradicted"];
    } else if (std::abs(votes) < filter_.min_votes) {
      ++out.left_out["few_votes"];
    } else if (votes < 0) {
      disliked.push_back(&text);
    } else {
      liked.push_back(&text);
      // What ends in the middle would teach to end there; what was corrected was not good enough.
      if (!answer.whole)
        ++out.left_out["cut_off"];
      else if (answer.corrections.empty())
        teach(text);
    }
  }
  size_t pairs = 0;
  for (const std::string* good : liked)
    for (const std::string* bad : disliked)
      if (++pairs <= kMostPairs && trim(*good) != trim(*bad)) prefer(*good, *bad);
  out.prompts.push_back(line_of({{"messages", prompt.messages}}));
}

ExportedFeedback FeedbackExport::finish() const {
  ExportedFeedback out;
  out.left_out = left_out_;
  for (const Prompt& prompt : prompts_) finish_prompt(prompt, out);
  return out;
}

void write_export(const ExportedFeedback& exported, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!std::filesystem::is_directory(folder))
    base::fail("{}: cannot be made a folder ({}); give another --out", folder.string(),
               error ? error.message() : "something else is there");
  for (const auto& [name, lines] :
       {std::pair<const char*, const std::vector<std::string>*>{"sft.jsonl", &exported.sft},
        {"preferences.jsonl", &exported.preferences},
        {"prompts.jsonl", &exported.prompts}}) {
    base::AtomicFile file(folder / name);
    for (const std::string& line : *lines) {
      file.write(line);
      file.write("\n");
    }
    file.commit();
  }
}

}  // namespace parley::app
