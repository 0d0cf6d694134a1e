// How models answer prompts that rules decide: shares by language and kind, as a table and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/measure.h"
#include "eval/chat_prompts.h"

namespace parley::eval {

struct ChatAnswer {
  std::string text;
  std::optional<int64_t> tokens;  // without the one that ends it; unknown of a recorded answer
  std::optional<bool> ended;      // by itself, not cut off; unknown of a recorded answer
};

// What is seen in one answer.
struct ChatVerdict {
  std::vector<std::string> failed;  // the checks that do not hold, as they were written
  bool fulfilled = false;           // there are checks, the answer is not empty, and all hold
  bool empty = false, refused = false, repeated = false;
  std::optional<double> distinct4;
};
ChatVerdict judge_answer(const ChatPrompt& prompt, const ChatAnswer& answer);

// A share of prompts, each with the mean of its answers; its interval (Wilson, 95 %) takes the
// prompts for the sample, however many answers each has.
struct ChatShare {
  double share = 0;
  base::Interval interval;
  int64_t prompts = 0;
};

// The answers of one model to the prompts of one language and kind; nothing: to all. A number that
// no answer gives is missing.
struct ChatGroup {
  std::optional<std::string> lang;
  std::optional<PromptKind> kind;
  int64_t prompts = 0, answers = 0;
  std::optional<ChatShare> fulfilled, refused, ended, repeated;
  std::optional<double> distinct4, tokens;  // means over answers
  int64_t empty = 0;                        // answers
};

struct ChatModel {
  std::string name;
  std::vector<std::vector<ChatAnswer>> answers;    // [prompt][repeat]
  std::vector<std::vector<ChatVerdict>> verdicts;  // the same
  std::vector<ChatGroup> groups;                   // those that have prompts, languages first
};

struct ChatReport {
  std::vector<ChatPrompt> prompts;
  std::vector<ChatModel> models;
  nlohmann::ordered_json settings;  // how the answers were made, for the JSON
};

// Judges all answers. Models come with names and an answer at least to every prompt.
ChatReport chat_report(std::vector<ChatPrompt> prompts, std::vector<ChatModel> models,
                       nlohmann::ordered_json settings = {});

// The numbers; with every prompt, its answers and verdicts if wanted.
nlohmann::ordered_json chat_report_json(const ChatReport& report, bool answers);
// Markdown: a row a model, then a row for each model, language and kind.
std::string chat_report_table(const ChatReport& report);
// Every prompt with its answers and verdicts.
std::string chat_report_answers(const ChatReport& report);

}  // namespace parley::eval
