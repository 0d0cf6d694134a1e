// parley reward: train a reward model; parley reward score: use one.
#include "train/reward.h"
#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/loop_flags.h"
#include "cli/output.h"
#include "cli/stdin_stream.h"
#include "data/conversations.h"
#include "data/json_lines.h"
#include "data/records.h"
#include "eval/judge.h"

namespace parley::cli {
namespace {

using nlohmann::ordered_json;

constexpr const char* kRewardExamples = R"(Examples:
  parley reward --model runs/sft/model --data preferences.jsonl --out runs/reward
      {"messages", "chosen", "rejected"} or {"messages", "answers": [best, ..., worst]} a line;
      a tenth of the prompts is held out
  parley reward --model runs/sft/model --data a.jsonl --val-data b.jsonl --epochs 2 --out runs/rm
  parley reward --resume --out runs/reward
  parley reward score --model runs/reward/model --data answers.jsonl
The run directory holds config.json, metrics.jsonl, report.md (accuracy, calibration, how much
of it is length), checkpoints/ and in the end model/.
)";

constexpr const char* kRewardScoreExamples = R"(Examples:
  echo '{"messages": [{"role": "user", "content": "Hi"}], "response": "Hello!"}' | \
      parley reward score --model runs/reward/model
  parley reward score --model runs/reward/model --data answers.jsonl > scores.jsonl
Writes {"score"} for each line, in order. 0 is the mean of the answers the model was normalised by.
)";

void train_model(const CLI::App& command, const train::RewardModelOptions& options,
                 const Common& common) {
  const train::RewardResult result = train::train_reward(options);
  if (common.json) {
    ordered_json json = loop_json(result.loop);
    json["report"] = result.report;
    write_out(json.dump() + "\n");
  }
  if (result.loop.finished && result.report.contains("accuracy"))
    spdlog::info("held-out pairs: {:.1f} % right; length alone {:.1f} %",
                 100 * result.report["accuracy"].get<double>(),
                 100 * result.report["length_baseline"].get<double>());
  report_loop(command, result.loop, options.loop);
}

struct RewardScoreOptions {
  base::fs::path model, data;  // data empty: standard input
};

struct Answered {
  std::vector<tokenizer::Message> messages;
  std::string response;
};

// {"messages", "response"} of one line. Error naming the line.
Answered read_answered(data::Element record, const std::string& where,
                       const eval::AnswerScorer& scorer) {
  try {
    const auto response = data::find_field(record, "response");
    if (!response) base::fail("no \"response\"; expected {{\"messages\", \"response\"}}");
    Answered answered{data::prompt_messages(record), data::text_of(*response, "\"response\"")};
    scorer.check(answered.messages);
    return answered;
  } catch (const base::Error& error) {
    base::fail("{}: {}", where, error.what());
  }
}

void score(const RewardScoreOptions& options) {
  constexpr size_t kWindow = 256;  // lines scored together: memory stays bounded
  eval::AnswerScorer scorer(options.model);
  data::JsonLines lines = options.data.empty()
                              ? data::JsonLines(std::make_unique<StdinStream>(), "standard input")
                              : data::JsonLines(options.data);
  std::vector<Answered> window;
  const auto flush = [&] {
    std::vector<eval::AnswerScorer::Item> items;
    for (const Answered& answered : window) items.push_back({answered.messages, answered.response});
    std::string out;
    for (const float value : scorer.score(items)) {
      ordered_json line;
      line["score"] = value;
      out += line.dump() + "\n";
    }
    write_out(out);
    window.clear();
  };
  simdjson::dom::element record;
  std::string problem;
  for (auto status = lines.next(record, problem); status != data::JsonLines::Status::kEnd;
       status = lines.next(record, problem)) {
    if (status == data::JsonLines::Status::kBad) base::fail("{}: {}", lines.where(), problem);
    window.push_back(read_answered(record, lines.where(), scorer));
    if (window.size() == kWindow) flush();
  }
  flush();
  if (scorer.cut() > 0) spdlog::warn("{} answers were cut at the model's context", scorer.cut());
}

}  // namespace

void add_reward(CLI::App& app, Common& common) {
  auto options = std::make_shared<train::RewardModelOptions>();
  options->loop.lr = 5e-5;
  CLI::App* command =
      app.add_subcommand("reward", "train a reward model on preferences; score answers");
  command->footer(kRewardExamples);
  train::RewardModelOptions& o = *options;
  const char* group = "Data and model";
  command->add_option("--model", o.model, "directory of the SFT model to start from")->group(group);
  command->add_option("--data", o.data, "preferences, JSON Lines (also .gz, .zst)")->group(group);
  command->add_option("--val-data", o.val_data, "held-out preferences")->group(group);
  command->add_option("--val-fraction", o.val_fraction, "share of the prompts that is held out")
      ->capture_default_str()
      ->group(group);
  command
      ->add_option("--reference", o.reference,
                   "conversations whose answers shall score 0 on average (default: the preferred "
                   "answers of --data)")
      ->group(group);
  command
      ->add_option("--context", o.context,
                   "longest prompt and answer, tokens (default: the model's)")
      ->group(group);
  command->add_option("--max-answers", o.max_answers, "of one prompt in one batch element")
      ->capture_default_str()
      ->group(group);
  command
      ->add_option("--lm-weight", o.lm_weight,
                   "of the language-model loss on preferred answers, which keeps a model trained "
                   "on few pairs from forgetting")
      ->capture_default_str()
      ->group(group);
  command->add_flag("--skip-bad", o.skip_bad, "pass over broken records, with a count")
      ->group(group);
  add_loop_flags(*command, o.loop);
  command->get_option("--out")->required(false);  // `reward score` has none

  auto scoring = std::make_shared<RewardScoreOptions>();
  CLI::App* sub = command->add_subcommand("score", "score answers");
  sub->footer(kRewardScoreExamples);
  sub->add_option("--model", scoring->model, "directory of the reward model")->required();
  sub->add_option("--data", scoring->data, "JSON Lines {messages, response} (default: stdin)");

  command->callback([command, sub, options, scoring, &common] {
    if (sub->parsed()) return score(*scoring);
    if (options->loop.out.empty()) throw base::UsageError("--out is required");
    if (options->loop.resume)
      check_resume_flags(*command);
    else if (options->model.empty() || options->data.empty())
      throw base::UsageError("--model and --data are required");
    train_model(*command, *options, common);
  });
}

}  // namespace parley::cli
