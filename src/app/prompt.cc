#include "app/prompt.h"

#include <algorithm>
#include <optional>

#include "app/prompt_parts.h"
#include "app/summary.h"
#include "base/log.h"

namespace parley::app {
namespace {

// A message as the model sees it; neighbours of one role are one.
struct Turn {
  std::string role, content;
  size_t index;  // of its first message in the branch
};

std::vector<Turn> turns_of(const std::vector<store::Message>& branch, size_t end) {
  std::vector<Turn> turns;
  for (size_t i = 0; i < end; ++i) {
    const store::Message& message = branch[i];
    if (message.role != "user" && message.role != "assistant") continue;
    if (trim(message.content).empty()) continue;  // an answer that failed
    if (!turns.empty() && turns.back().role == message.role)
      turns.back().content += "\n\n" + message.content;
    else
      turns.push_back({message.role, message.content, i});
  }
  return turns;
}

class PromptMaker {
 public:
  PromptMaker(store::Store& store, const server::ServedModel& model, const AppOptions& options,
              const PromptRequest& request)
      : store_(store), model_(model), options_(options), request_(request), count_(model) {}

  Prompt make();

 private:
  void read_branch();
  void plan_lengths();
  void choose_parts();
  void choose_turns();
  size_t earliest(int64_t room) const;
  void summarise(size_t begin, const store::Summary* before);
  std::vector<int32_t> render();
  bool shorten();
  [[noreturn]] void refuse(int64_t length) const;

  std::vector<int32_t> ids_of(std::vector<text::Message> messages) const;

  store::Store& store_;
  const server::ServedModel& model_;
  const AppOptions& options_;
  const PromptRequest& request_;
  const TokenCounter count_;

  Language language_ = Language::kEnglish;
  std::vector<Turn> turns_;       // the last one is the user's that is answered
  size_t question_ = 0;           // the last one's (last) message in the branch
  std::vector<int32_t> partial_;  // of `continued`: the answer so far
  int64_t limit_ = 0;             // of the prompt, so that the answer has its room
  int64_t most_ = 0;              // of the prompt, if it must be
  int64_t around_ = 0;            // tokens around each message
  int64_t fixed_ = 0;             // of what is always there
  std::vector<int64_t> costs_;    // of each turn; 0: not known yet (it is older than the context)
  std::string instructions_;
  std::vector<store::Memory> memories_;
  std::vector<Cited> passages_;
  std::string summary_;
  size_t begin_ = 0;  // the first turn the model sees
  std::vector<text::Message> messages_;
};

void PromptMaker::read_branch() {
  const std::vector<store::Message>& branch = request_.branch;
  size_t end = branch.size();
  if (request_.continued && end > 0 && branch[end - 1].role == "assistant") {
    --end;
    if (!branch[end].content.empty()) {
      const bool plain = model_.chat_format() == text::ChatFormat::kPlain;
      partial_ = model_.model().tokenizer.encode((plain ? " " : "") + branch[end].content);
    }
  }
  turns_ = turns_of(branch, end);
  if (turns_.empty() || turns_.back().role != "user")
    throw ApiError(400, "There is no message of the user to answer.", "content");
  question_ = end - 1;
  while (branch[question_].role != "user" || trim(branch[question_].content).empty()) --question_;
  const auto language = request_.user.settings.find("language");
  const bool chinese = language != request_.user.settings.end() && *language == "zh";
  language_ = language_of(turns_.back().content, chinese ? Language::kChinese : Language::kEnglish);
}

std::vector<int32_t> PromptMaker::ids_of(std::vector<text::Message> messages) const {
  const auto ids = [&] { return text::chat_ids(model_.model(), model_.chat_format(), messages); };
  try {
    return ids();
  } catch (const base::Error& error) {
    // Some templates know no system message: then it begins the first user's.
    if (messages.size() < 2 || messages.front().role != "system" || messages[1].role != "user")
      throw ApiError(400, fmt::format("The model cannot take this conversation: {}", error.what()));
  }
  messages[1].content = messages[0].content + "\n\n" + messages[1].content;
  messages.erase(messages.begin());
  try {
    return ids();
  } catch (const base::Error& error) {
    throw ApiError(400, fmt::format("The model cannot take this conversation: {}", error.what()));
  }
}

void PromptMaker::plan_lengths() {
  const int64_t T = model_.context();
  const int64_t quarter = std::max<int64_t>(T / 4, 1);
  const int64_t room =
      request_.answer_tokens > 0 ? std::min(request_.answer_tokens, T / 2) : quarter;
  limit_ = T - room;
  most_ = T - std::min(room, quarter);
  // What the template adds, from two small conversations.
  const auto one = std::ssize(ids_of({{"user", "a"}}));
  const auto three = std::ssize(ids_of({{"user", "a"}, {"assistant", "a"}, {"user", "a"}}));
  const int64_t letter = count_("a");
  around_ = std::max<int64_t>((three - one + 1) / 2 - letter + 1, 1);

  instructions_ = instructions_text(request_.user, language_);
  if (count_(instructions_) > T / 4) instructions_ = count_.cut(instructions_, T / 4);
  // Of questions without an answer in a row, only the last one must be there.
  const std::string& own = request_.branch[question_].content;
  if (own.size() < turns_.back().content.size() && count_(turns_.back().content) > T / 4)
    turns_.back().content = own;
  const std::string& system = request_.conversation.system;
  fixed_ = one - letter + count_(turns_.back().content) + count_(system) +
           (system.empty() && instructions_.empty() ? 0 : around_ + 2);
  if (fixed_ > most_ + 16 + 2 * around_) refuse(fixed_);  // closer than that the rendering decides
  fixed_ += count_(instructions_);
  // An answer that goes on needs its end only.
  const int64_t kept = std::max(most_ - fixed_, quarter / 2);
  if (std::ssize(partial_) > kept) partial_.erase(partial_.begin(), partial_.end() - kept);
  fixed_ += std::ssize(partial_);
}

void PromptMaker::choose_parts() {
  const int64_t T = model_.context();
  const int64_t rest = limit_ - fixed_;
  if (rest <= 0) return;
  std::vector<std::string_view> questions;
  for (size_t i = turns_.size(); i-- > 0 && questions.size() < 2;)
    if (turns_[i].role == "user") questions.push_back(turns_[i].content);
  const int64_t heading = around_ + 12;
  memories_ = choose_memories(store_, request_.user, questions, std::min(T / 8, rest / 2) - heading,
                              count_);
  int64_t used = memories_.empty() ? 0 : count_(memories_text(memories_, language_)) + around_;
  passages_ = choose_passages(store_, request_.user, request_.branch, language_,
                              std::min(T * 3 / 8, (rest - used) * 3 / 4), count_);
  if (!passages_.empty()) used += count_(passages_text(passages_, "", language_));
  fixed_ += used;
}

// The first turn of the longest end of the conversation that fits into `room` besides the last
// message and begins with the user.
size_t PromptMaker::earliest(int64_t room) const {
  size_t begin = turns_.size() - 1;
  int64_t sum = 0;
  for (size_t i = turns_.size() - 1; i-- > 0;) {
    if (costs_[i] == 0) break;
    sum += costs_[i];
    if (sum > room) break;
    if (turns_[i].role == "user" || i == 0) begin = i;
  }
  return begin;
}

void PromptMaker::choose_turns() {
  const int64_t available = limit_ - fixed_;
  // Older turns than fit are not looked at, however many there are.
  costs_.assign(turns_.size(), 0);
  int64_t sum = 0;
  for (size_t i = turns_.size() - 1; i-- > 0 && sum <= available;) {
    const bool huge = static_cast<int64_t>(turns_[i].content.size()) > 64 * model_.context();
    costs_[i] = huge ? model_.context() : count_(turns_[i].content) + around_;
    sum += costs_[i];
  }
  begin_ = earliest(available);
  if (begin_ == 0 || options_.summaries == "off") return;

  // A summary stands for the turns before it. Its place moves in steps, so that it (and what the
  // engine keeps of the prompt) holds for several turns.
  const int64_t T = model_.context();
  const int64_t room = std::min(T / 8, available / 3) - 8;
  if (room < 12) return;
  const size_t step = earliest((available - room) * 2 / 3);
  std::vector<store::Summary> stored = store_.summaries(request_.conversation.id);
  const store::Summary* before = nullptr;  // the last one that ends before the new place
  size_t before_at = 0, reused_at = turns_.size();
  const store::Summary* reused = nullptr;
  for (const store::Summary& summary : stored) {
    const auto turn = std::ranges::find_if(
        turns_, [&](const Turn& each) { return request_.branch[each.index].id == summary.before; });
    if (turn == turns_.end()) continue;  // of another branch
    const auto at = static_cast<size_t>(turn - turns_.begin());
    const size_t first = earliest(available - room - 8);
    if (at >= first && at <= step && at < reused_at) {
      reused = &summary;
      reused_at = at;
    }
    if (at < step && at >= before_at) {
      before = &summary;
      before_at = at;
    }
  }
  if (reused) {
    begin_ = reused_at;
    summary_ = count_(reused->text) <= room ? reused->text : count_.cut(reused->text, room);
  } else {
    begin_ = step;
    summarise(before ? before_at : 0, before);
  }
}

// Makes the summary of what stands before begin_; turns before `from` stand in `before`.
void PromptMaker::summarise(size_t from, const store::Summary* before) {
  const int64_t tokens = model_.context() / 8 - 8;
  const int64_t room = std::min(tokens, (limit_ - fixed_) / 3 - 8);
  std::vector<SummaryTurn> turns;
  for (size_t i = from; i < begin_; ++i)
    turns.push_back({turns_[i].role == "user", turns_[i].content});
  const std::string_view old = before ? std::string_view(before->text) : std::string_view();
  if (options_.summaries == "model" && request_.summarise) {
    try {
      const std::string text =
          turns_text(old, turns, static_cast<size_t>(model_.context()) * 2, language_);
      summary_ = trim(request_.summarise(text, room));
      if (count_(summary_) > room) summary_ = count_.cut(summary_, room);
    } catch (const base::Error& error) {
      spdlog::warn("no summary by the model: {}", error.what());
      summary_.clear();
    }
  }
  if (summary_.empty()) summary_ = extract_summary(old, turns, room, std::cref(count_), language_);
  if (summary_.empty()) return;
  store_.add_summary({.conversation = request_.conversation.id,
                      .before = request_.branch[turns_[begin_].index].id,
                      .text = summary_,
                      .tokens = count_(summary_)});
}

std::vector<int32_t> PromptMaker::render() {
  std::string system = request_.conversation.system;
  const auto add = [&](const std::string& part) {
    if (part.empty()) return;
    if (!system.empty()) system += "\n\n";
    system += part;
  };
  add(instructions_);
  add(memories_text(memories_, language_));
  add(summary_text(summary_, language_));
  messages_.clear();
  if (!system.empty()) messages_.push_back({"system", system});
  for (size_t i = begin_; i < turns_.size(); ++i)
    messages_.push_back({turns_[i].role, turns_[i].content});
  messages_.back().content = passages_text(passages_, turns_.back().content, language_);
  std::vector<int32_t> ids = ids_of(messages_);
  ids.insert(ids.end(), partial_.begin(), partial_.end());
  return ids;
}

// Leaves out what can best be missed. False when nothing is left that can.
bool PromptMaker::shorten() {
  for (size_t i = begin_ + 1; i < turns_.size(); ++i)
    if (turns_[i].role == "user") {
      begin_ = i;
      return true;
    }
  if (!passages_.empty()) {
    passages_.pop_back();
  } else if (!summary_.empty()) {
    summary_.clear();
  } else if (!memories_.empty()) {
    memories_.pop_back();
  } else if (!instructions_.empty()) {
    const int64_t half = count_(instructions_) / 2;
    instructions_ = half >= 8 ? count_.cut(instructions_, half) : std::string();
  } else {
    return false;
  }
  return true;
}

void PromptMaker::refuse(int64_t length) const {
  const bool system = !request_.conversation.system.empty();
  throw ApiError(
      400,
      fmt::format("The message is too long for this model: {} {} tokens, and {} fit (its context "
                  "of {}, less room for the answer), so it is {} too long. Shorten it, attach the "
                  "text as a file, or choose a model with a longer context.",
                  system ? "with the system prompt it takes" : "it takes", length, most_,
                  model_.context(), length - most_),
      "content", "context_length_exceeded");
}

Prompt PromptMaker::make() {
  read_branch();
  plan_lengths();
  choose_parts();
  choose_turns();
  std::vector<int32_t> ids = render();
  while (std::ssize(ids) > limit_) {
    if (!shorten()) {
      if (std::ssize(ids) <= most_) break;
      const int64_t too_many = std::ssize(ids) - most_;
      if (std::ssize(partial_) < too_many + 8) refuse(std::ssize(ids));
      partial_.erase(partial_.begin(), partial_.begin() + too_many);
    }
    ids = render();
  }
  Prompt prompt;
  const int64_t left = model_.context() - std::ssize(ids);
  prompt.max_tokens = request_.answer_tokens > 0 ? std::min(request_.answer_tokens, left) : left;
  prompt.ids = std::move(ids);
  for (const text::Message& message : messages_)
    prompt.messages.push_back({{"role", message.role}, {"content", message.content}});
  for (const store::Memory& memory : memories_)
    prompt.used_memories.push_back({{"id", memory.id}, {"text", memory.text}});
  prompt.citations = citations_json(passages_);
  prompt.dropped = static_cast<int64_t>(turns_[begin_].index);
  return prompt;
}

}  // namespace

Prompt make_prompt(store::Store& store, const server::ServedModel& model, const AppOptions& options,
                   const PromptRequest& request) {
  return PromptMaker(store, model, options, request).make();
}

}  // namespace parley::app
