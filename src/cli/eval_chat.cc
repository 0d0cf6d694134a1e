// parley eval chat: whether answers do what was asked, refuse what they should, and end.
#include "cli/eval_chat.h"

#include <memory>
#include <string>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "cli/eval_answers.h"
#include "cli/output.h"
#include "eval/chat_report.h"

namespace parley::cli {
namespace {

constexpr const char* kEvalChatExamples = R"(Examples:
  parley eval chat --model runs/sft/model --prompts recipes/mini/checks.jsonl
  parley eval chat --model runs/base/model:prompted --model runs/sft/model \
      --prompts recipes/mini/checks.jsonl --out report.json
  parley eval chat --model DIR --prompts FILE --repeats 4 --temperature 0.7 --json
  parley eval chat --model DIR --prompts FILE --show | less
A prompt is {"id", "lang": "en" or "zh", "kind": "instruction", "harmful", "harmless" or "open",
"messages", "checks": [{"rule": "contains", "any": ["Paris"]}, ...]}: docs/evaluation.md has all
rules, and what each number counts. A model is a directory (DIR:raw, DIR:prompted for base models
that know no chat) or a file of answers {"messages", "response"}.
)";

struct EvalChatOptions {
  std::vector<std::string> models;
  base::fs::path prompts, out;
  int64_t repeats = 1;
  bool show = false, skip_bad = false;
  AnswerFlags answers;
};

nlohmann::ordered_json eval_chat_settings(const EvalChatOptions& options) {
  nlohmann::ordered_json settings;
  settings["repeats"] = options.repeats;
  settings["max_tokens"] = options.answers.max_tokens;
  // As they were written: 0.7, not the nearest float.
  settings["temperature"] = std::stod(fmt::format("{}", options.answers.temperature));
  settings["top_p"] = std::stod(fmt::format("{}", options.answers.top_p));
  settings["seed"] = options.answers.seed;
  return settings;
}

std::string eval_chat_dump(const nlohmann::ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void run_eval_chat(const EvalChatOptions& options, const Common& common) {
  if (options.repeats > 1 && options.answers.temperature == 0)
    throw base::UsageError(
        fmt::format("--repeats {}: at --temperature 0 every answer would be the same; give a "
                    "temperature, such as 0.7",
                    options.repeats));
  if (!options.out.empty() && options.out.extension() != ".json")
    throw base::UsageError(
        fmt::format("--out {}: the name must end in .json", options.out.string()));
  std::vector<ModelSpec> specs;
  specs.reserve(options.models.size());
  for (const std::string& text : options.models) specs.push_back(ModelSpec::parse(text));
  make_names_unique(specs);
  const base::InterruptGuard guard;
  std::vector<eval::ChatPrompt> prompts =
      eval::read_chat_prompts(options.prompts, {.skip_bad = options.skip_bad});
  std::vector<Conversation> conversations;
  conversations.reserve(prompts.size());
  for (const eval::ChatPrompt& prompt : prompts) conversations.push_back(prompt.messages);
  std::vector<eval::ChatModel> models;
  models.reserve(specs.size());
  for (const ModelSpec& spec : specs)
    models.push_back({spec.name,
                      full_answers_of(spec, conversations, options.repeats, options.answers),
                      {},
                      {}});
  const eval::ChatReport report =
      eval::chat_report(std::move(prompts), std::move(models), eval_chat_settings(options));
  if (!options.out.empty()) {
    base::write_file(options.out, eval_chat_dump(eval::chat_report_json(report, true), 1));
    spdlog::info("written: {}", options.out.string());
  }
  if (common.json) {
    write_out(eval_chat_dump(eval::chat_report_json(report, options.show), -1));
    return;
  }
  if (options.show && !write_out(eval::chat_report_answers(report))) return;
  write_out(eval::chat_report_table(report));
}

}  // namespace

void add_eval_chat(CLI::App& eval, Common& common) {
  auto options = std::make_shared<EvalChatOptions>();
  options->answers.max_tokens = 200;
  options->answers.temperature = 0;
  CLI::App* command = eval.add_subcommand(
      "chat", "do answers do what was asked, refuse what they should, and end? decided by rules");
  command->footer(kEvalChatExamples);
  command->add_option("--model", options->models, "a model directory or a file of answers; several")
      ->required();
  command
      ->add_option("--prompts", options->prompts, "JSON Lines {id, lang, kind, messages, checks}")
      ->required();
  command->add_option("--repeats", options->repeats, "answers to each prompt")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_flag("--show", options->show, "every prompt with its answers and verdicts too");
  command->add_option("--out", options->out, "report.json, with every answer and verdict");
  command->add_flag("--skip-bad", options->skip_bad, "pass over broken records");
  add_answer_flags(*command, options->answers);
  command->callback([options, &common] { run_eval_chat(*options, common); });
}

}  // namespace parley::cli
