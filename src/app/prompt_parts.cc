#include "app/prompt_parts.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "tokenizer/unicode.h"

namespace parley::app {
namespace {

constexpr size_t kMostUsedMemories = 5;
constexpr size_t kCountedBytes = 2 << 20;

bool contains_any(std::string_view text, std::initializer_list<std::string_view> phrases) {
  return std::ranges::any_of(
      phrases, [&](std::string_view phrase) { return text.find(phrase) != std::string::npos; });
}

// Who the user is: good to know whatever is asked.
bool is_identity(std::string_view text) {
  const std::string lower = lower_ascii(text);
  return contains_any(lower, {"my name is", "my name's", "call me", "i'm called", "i am called",
                              "my pronouns", "我叫", "我的名字", "叫我", "我姓"});
}

// "What do you know about me?"
bool asks_about_self(std::string_view text) {
  const std::string lower = lower_ascii(text);
  return contains_any(
      lower, {"about me", "who am i", "know me", "remember me", "my memories", "you remember",
              "关于我", "我是谁", "了解我", "认识我", "记得我", "你记得"});
}

std::string setting(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() || !it->is_string() ? std::string()
                                                : std::string(trim(it->get<std::string>()));
}

bool off(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_boolean() && !it->get<bool>();
}

}  // namespace

TokenCounter::TokenCounter(const server::ServedModel& model)
    : tokenizer_(model.model().tokenizer) {}

int64_t TokenCounter::operator()(std::string_view text) const {
  if (text.size() <= kCountedBytes) return std::ssize(tokenizer_.encode(text));
  const auto part = std::ssize(tokenizer_.encode(text.substr(0, kCountedBytes)));
  return static_cast<int64_t>(static_cast<double>(part) * static_cast<double>(text.size()) /
                              static_cast<double>(kCountedBytes));
}

std::string TokenCounter::cut(std::string_view text, int64_t tokens) const {
  if (tokens <= 0) return {};
  // No token of the kind that text has is longer than this on average.
  const std::string_view head = text.substr(0, static_cast<size_t>(tokens + 1) * 64);
  std::vector<int32_t> ids = tokenizer_.encode(head);
  if (std::ssize(ids) <= tokens && head.size() == text.size()) return std::string(text);
  int64_t kept = std::min(std::ssize(ids), tokens);
  for (int round = 0; round < 8 && kept > 0; ++round) {
    std::string part = tokenizer_.decode(std::span(ids).first(static_cast<size_t>(kept)));
    part.resize(tokenizer::valid_utf8_prefix(part));
    const int64_t characters = count_code_points(part);
    std::string clipped =
        clip_text(text.substr(0, part.size() + 1), static_cast<size_t>(characters));
    if (part.size() >= text.size()) clipped = part;
    if (std::ssize(tokenizer_.encode(clipped)) <= tokens) return clipped;
    kept = kept > 8 ? kept - 2 : kept - 1;
  }
  return {};
}

std::string instructions_text(const store::User& user, Language language) {
  const auto it = user.settings.find("instructions");
  if (it == user.settings.end() || !it->is_object() || off(*it, "enabled")) return {};
  const std::string about = setting(*it, "about"), style = setting(*it, "style");
  const bool chinese = language == Language::kChinese;
  std::string text;
  if (!about.empty()) text += (chinese ? "用户自述：" : "The user says about themselves: ") + about;
  if (!style.empty()) {
    if (!text.empty()) text += '\n';
    text += (chinese ? "回答要求：" : "How to answer: ") + style;
  }
  return text;
}

std::vector<store::Memory> choose_memories(store::Store& store, const store::User& user,
                                           const std::vector<std::string_view>& questions,
                                           int64_t budget, const TokenCounter& count) {
  if (off(user.settings, "memory") || budget <= 0 || questions.empty()) return {};
  std::vector<store::Memory> all = store.memories(user.id);
  std::erase_if(all, [](const store::Memory& memory) { return !memory.enabled; });
  if (all.empty()) return {};
  std::ranges::sort(all, [](const store::Memory& a, const store::Memory& b) {
    return std::pair(a.created, a.id) > std::pair(b.created, b.id);
  });

  std::vector<store::Memory> wanted;  // best first
  std::unordered_set<store::Id> seen;
  const auto want = [&](const store::Memory& memory) {
    if (seen.insert(memory.id).second) wanted.push_back(memory);
  };
  for (const store::Memory& memory : all)
    if (is_identity(memory.text)) want(memory);
  if (wanted.size() > 2) wanted.resize(2);
  std::string asked;
  for (const std::string_view question : questions) {
    const std::string terms = content_query(question);
    if (!terms.empty()) asked += (asked.empty() ? "" : " ") + terms;
  }
  if (!asked.empty())
    for (const auto& found : store.find_memories(user.id, asked, 2 * kMostUsedMemories))
      if (found.value.enabled) want(found.value);
  if (asks_about_self(questions.front()))
    for (const store::Memory& memory : all) want(memory);

  std::vector<store::Memory> chosen;
  int64_t used = 0;
  for (store::Memory& memory : wanted) {
    if (chosen.size() == kMostUsedMemories) break;
    const int64_t cost = count(memory.text) + 2;
    if (used + cost > budget) continue;
    used += cost;
    chosen.push_back(std::move(memory));
  }
  // The order does not depend on the question, so that a prompt's beginning stays the same.
  std::ranges::sort(chosen, [](const store::Memory& a, const store::Memory& b) {
    return std::pair(a.created, a.id) < std::pair(b.created, b.id);
  });
  return chosen;
}

std::string memories_text(const std::vector<store::Memory>& memories, Language language) {
  if (memories.empty()) return {};
  std::string text =
      language == Language::kChinese ? "用户以前告诉过你：" : "The user told you before:";
  for (const store::Memory& memory : memories) text += "\n- " + one_line(memory.text);
  return text;
}

std::string summary_text(std::string_view summary, Language language) {
  if (summary.empty()) return {};
  const std::string head =
      language == Language::kChinese ? "这次对话前面说过：\n" : "Earlier in this conversation:\n";
  return head + std::string(summary);
}

}  // namespace parley::app
