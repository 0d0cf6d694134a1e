#include "eval/chat_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "eval/refusal.h"
#include "eval/table.h"
#include "eval/text_units.h"

namespace parley::eval {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kLanguages[] = {"en", "zh"};

// A mean over prompts of the means over their answers.
class ShareCounter {
 public:
  void begin_prompt() { sum_ = count_ = 0; }
  void add(bool yes) {
    sum_ += yes;
    ++count_;
  }
  void end_prompt() {
    if (count_ == 0) return;
    total_ += sum_ / count_;
    ++prompts_;
  }
  std::optional<ChatShare> share() const {
    if (prompts_ == 0) return std::nullopt;
    return ChatShare{total_ / static_cast<double>(prompts_),
                     base::wilson_interval(total_, prompts_), prompts_};
  }

 private:
  double sum_ = 0, count_ = 0, total_ = 0;
  int64_t prompts_ = 0;
};

class MeanCounter {
 public:
  void add(double value) {
    sum_ += value;
    ++count_;
  }
  std::optional<double> mean() const {
    if (count_ == 0) return std::nullopt;
    return sum_ / static_cast<double>(count_);
  }

 private:
  double sum_ = 0;
  int64_t count_ = 0;
};

ChatGroup group_of(const std::vector<ChatPrompt>& prompts, const ChatModel& model,
                   std::optional<std::string> lang, std::optional<PromptKind> kind) {
  ChatGroup group;
  group.lang = std::move(lang);
  group.kind = kind;
  ShareCounter fulfilled, refused, ended, repeated;
  MeanCounter distinct4, tokens;
  for (size_t p = 0; p < prompts.size(); ++p) {
    const ChatPrompt& prompt = prompts[p];
    if ((group.lang && *group.lang != prompt.lang) || (kind && *kind != prompt.kind)) continue;
    ++group.prompts;
    for (ShareCounter* counter : {&fulfilled, &refused, &ended, &repeated}) counter->begin_prompt();
    for (size_t i = 0; i < model.answers[p].size(); ++i) {
      const ChatAnswer& answer = model.answers[p][i];
      const ChatVerdict& verdict = model.verdicts[p][i];
      ++group.answers;
      group.empty += verdict.empty;
      if (!prompt.checks.empty()) fulfilled.add(verdict.fulfilled);
      refused.add(verdict.refused);
      repeated.add(verdict.repeated);
      if (answer.ended) ended.add(*answer.ended);
      if (answer.tokens) tokens.add(static_cast<double>(*answer.tokens));
      if (verdict.distinct4) distinct4.add(*verdict.distinct4);
    }
    for (ShareCounter* counter : {&fulfilled, &refused, &ended, &repeated}) counter->end_prompt();
  }
  group.fulfilled = fulfilled.share();
  group.refused = refused.share();
  group.ended = ended.share();
  group.repeated = repeated.share();
  group.distinct4 = distinct4.mean();
  group.tokens = tokens.mean();
  return group;
}

// Each language with its kinds, then both languages together.
std::vector<ChatGroup> groups_of(const std::vector<ChatPrompt>& prompts, const ChatModel& model) {
  std::vector<std::optional<std::string>> languages;
  for (const std::string_view language : kLanguages)
    if (std::ranges::any_of(prompts, [&](const ChatPrompt& p) { return p.lang == language; }))
      languages.emplace_back(language);
  if (languages.size() > 1) languages.emplace_back();
  std::vector<ChatGroup> groups;
  for (const auto& language : languages) {
    std::vector<ChatGroup> kinds;
    for (const PromptKind kind : kPromptKinds) {
      ChatGroup group = group_of(prompts, model, language, kind);
      if (group.prompts > 0) kinds.push_back(std::move(group));
    }
    if (kinds.size() > 1) kinds.push_back(group_of(prompts, model, language, std::nullopt));
    std::ranges::move(kinds, std::back_inserter(groups));
  }
  return groups;
}

// ---- as text ----------------------------------------------------------------

std::string lang_name(const ChatGroup& group) { return group.lang.value_or("all"); }
std::string kind_name(const ChatGroup& group) {
  return group.kind ? std::string(prompt_kind_name(*group.kind)) : "all";
}

std::string share_cell(const std::optional<ChatShare>& share) {
  return share ? percent(share->share) : "-";
}
std::string interval_cell(const std::optional<ChatShare>& share) {
  return share ? percent(share->interval) : "-";
}
std::string number_cell(const std::optional<double>& number, int digits) {
  return number ? fmt::format("{:.{}f}", *number, digits) : "-";
}
// A Markdown cell ends at a bar.
std::string name_cell(const std::string& name) {
  std::string text;
  for (const char c : name) text += c == '|' ? std::string("\\|") : std::string(1, c);
  return text;
}

const ChatGroup* find_group(const ChatModel& model, std::string_view lang, PromptKind kind) {
  for (const ChatGroup& group : model.groups)
    if (group.lang == lang && group.kind == kind) return &group;
  return nullptr;
}

// A row a model: what is asked of each kind.
Rows summary_rows(const ChatReport& report) {
  struct Column {
    const char* name;
    PromptKind kind;
    std::optional<ChatShare> ChatGroup::*share;
  };
  constexpr Column kColumns[] = {
      {"fulfilled", PromptKind::kInstruction, &ChatGroup::fulfilled},
      {"harmful refused", PromptKind::kHarmful, &ChatGroup::refused},
      {"harmless refused", PromptKind::kHarmless, &ChatGroup::refused},
      {"open repeated", PromptKind::kOpen, &ChatGroup::repeated},
  };
  Rows rows = {{"model"}};
  for (const ChatModel& model : report.models) rows.push_back({name_cell(model.name)});
  for (const Column& column : kColumns) {
    for (const std::string_view lang : kLanguages) {
      if (!find_group(report.models[0], lang, column.kind)) continue;
      rows[0].push_back(fmt::format("{}, {}", column.name, lang));
      for (size_t m = 0; m < report.models.size(); ++m)
        rows[m + 1].push_back(
            share_cell(find_group(report.models[m], lang, column.kind)->*column.share));
    }
  }
  return rows;
}

Rows group_rows(const ChatReport& report) {
  Rows rows = {{"model", "language", "kind", "prompts", "fulfilled", "95 %", "refused", "95 %",
                "ended", "repeated", "distinct-4", "tokens", "empty"}};
  for (const ChatModel& model : report.models)
    for (const ChatGroup& group : model.groups)
      rows.push_back({name_cell(model.name), lang_name(group), kind_name(group),
                      std::to_string(group.prompts), share_cell(group.fulfilled),
                      interval_cell(group.fulfilled), share_cell(group.refused),
                      interval_cell(group.refused), share_cell(group.ended),
                      share_cell(group.repeated), number_cell(group.distinct4, 3),
                      number_cell(group.tokens, 1), std::to_string(group.empty)});
  return rows;
}

std::string indented(std::string_view text) {
  std::string result = "  ";
  for (const char c : text) result += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return result + "\n";
}

std::string verdict_text(const ChatPrompt& prompt, const ChatAnswer& answer,
                         const ChatVerdict& verdict) {
  std::vector<std::string> parts;
  if (!prompt.checks.empty()) parts.emplace_back(verdict.fulfilled ? "fulfilled" : "not fulfilled");
  if (verdict.empty) parts.emplace_back("empty");
  if (verdict.refused) parts.emplace_back("refused");
  if (verdict.repeated) parts.emplace_back("repeated");
  if (answer.ended && !*answer.ended) parts.emplace_back("cut off");
  if (answer.tokens) parts.push_back(fmt::format("{} tokens", *answer.tokens));
  std::string text = fmt::format("{}", fmt::join(parts, ", "));
  for (const std::string& failed : verdict.failed) text += "\n     failed: " + failed;
  return text;
}

// ---- as JSON ----------------------------------------------------------------

Json share_json(const std::optional<ChatShare>& share) {
  if (!share) return nullptr;
  return {{"share", share->share},
          {"interval", Json::array({share->interval.low, share->interval.high})},
          {"prompts", share->prompts}};
}

template <typename T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json group_json(const ChatGroup& group) {
  Json json;
  json["lang"] = lang_name(group);
  json["kind"] = kind_name(group);
  json["prompts"] = group.prompts;
  json["answers"] = group.answers;
  json["fulfilled"] = share_json(group.fulfilled);
  json["refused"] = share_json(group.refused);
  json["ended"] = share_json(group.ended);
  json["repeated"] = share_json(group.repeated);
  json["distinct4"] = optional_json(group.distinct4);
  json["tokens"] = optional_json(group.tokens);
  json["empty"] = group.empty;
  return json;
}

Json answer_json(const ChatPrompt& prompt, const ChatAnswer& answer, const ChatVerdict& verdict) {
  Json json;
  json["text"] = answer.text;
  json["tokens"] = optional_json(answer.tokens);
  json["ended"] = optional_json(answer.ended);
  if (!prompt.checks.empty()) {
    json["fulfilled"] = verdict.fulfilled;
    json["failed"] = Json::array();
    for (const std::string& failed : verdict.failed) json["failed"].push_back(Json::parse(failed));
  }
  json["refused"] = verdict.refused;
  json["repeated"] = verdict.repeated;
  json["distinct4"] = optional_json(verdict.distinct4);
  return json;
}

Json prompt_json(const ChatReport& report, size_t p) {
  const ChatPrompt& prompt = report.prompts[p];
  Json json;
  json["id"] = prompt.id;
  json["lang"] = prompt.lang;
  json["kind"] = prompt_kind_name(prompt.kind);
  for (const tokenizer::Message& m : prompt.messages)
    json["messages"].push_back({{"role", m.role}, {"content", m.content}});
  for (const ChatModel& model : report.models)
    for (size_t i = 0; i < model.answers[p].size(); ++i)
      json["answers"][model.name].push_back(
          answer_json(prompt, model.answers[p][i], model.verdicts[p][i]));
  return json;
}

}  // namespace

ChatVerdict judge_answer(const ChatPrompt& prompt, const ChatAnswer& answer) {
  ChatVerdict verdict;
  verdict.empty = answer.text.find_first_not_of(" \t\r\n") == std::string::npos;
  for (const Rule& rule : prompt.checks)
    // "no commas" and the like hold of nothing at all; but nothing is no answer.
    if (verdict.empty || !holds(rule, answer.text, answer.ended.value_or(true)))
      verdict.failed.push_back(rule.text);
  verdict.fulfilled = !prompt.checks.empty() && verdict.failed.empty();
  verdict.refused = is_refusal(answer.text);
  const Repetition repetition = repetition_of(answer.text);
  verdict.repeated = repetition.repeated;
  verdict.distinct4 = repetition.distinct4;
  return verdict;
}

ChatReport chat_report(std::vector<ChatPrompt> prompts, std::vector<ChatModel> models,
                       nlohmann::ordered_json settings) {
  PARLEY_CHECK(!models.empty(), "no model");
  for (ChatModel& model : models) {
    PARLEY_CHECK(model.answers.size() == prompts.size(), "answers {} prompts {}",
                 model.answers.size(), prompts.size());
    model.verdicts.clear();
    for (size_t p = 0; p < prompts.size(); ++p) {
      model.verdicts.emplace_back();
      for (const ChatAnswer& answer : model.answers[p])
        model.verdicts.back().push_back(judge_answer(prompts[p], answer));
    }
    model.groups = groups_of(prompts, model);
  }
  return {std::move(prompts), std::move(models), std::move(settings)};
}

nlohmann::ordered_json chat_report_json(const ChatReport& report, bool answers) {
  Json json = report.settings.is_object() ? report.settings : Json::object();
  json["prompts"] = report.prompts.size();
  for (const ChatModel& model : report.models) {
    Json line;
    line["name"] = model.name;
    for (const ChatGroup& group : model.groups) line["groups"].push_back(group_json(group));
    json["models"].push_back(std::move(line));
  }
  if (!answers) return json;
  for (size_t p = 0; p < report.prompts.size(); ++p)
    json["answers"].push_back(prompt_json(report, p));
  return json;
}

std::string chat_report_table(const ChatReport& report) {
  std::string text;
  if (const Rows summary = summary_rows(report); summary[0].size() > 1)
    text += markdown_rows(summary, true) + "\n";
  return text + markdown_rows(group_rows(report), true, 3);
}

std::string chat_report_answers(const ChatReport& report) {
  std::string text;
  for (size_t p = 0; p < report.prompts.size(); ++p) {
    const ChatPrompt& prompt = report.prompts[p];
    text += fmt::format("--- {} ({}, {})\n", prompt.id, prompt.lang, prompt_kind_name(prompt.kind));
    for (const tokenizer::Message& m : prompt.messages)
      text += m.role + ":\n" + indented(m.content);
    for (const ChatModel& model : report.models)
      for (size_t i = 0; i < model.answers[p].size(); ++i)
        text += fmt::format("{}:\n{}  -> {}\n", model.name, indented(model.answers[p][i].text),
                            verdict_text(prompt, model.answers[p][i], model.verdicts[p][i]));
    text += "\n";
  }
  return text;
}

}  // namespace parley::eval
