// parley eval winrate: which model's answers are preferred; parley eval bestofn: what choosing
// the best of n answers does.
#include "cli/eval_winrate.h"

#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "cli/eval_answers.h"
#include "cli/output.h"
#include "eval/best_of_n.h"
#include "eval/judge_api.h"
#include "eval/winrate_report.h"

namespace parley::cli {
namespace {

constexpr const char* kWinRateExamples = R"(Examples:
  parley eval winrate --a runs/ppo/model --b runs/sft/model --prompts held_out.jsonl \
      --judge runs/reward/model
  parley eval winrate --models runs/ppo/model runs/sft/model runs/base/model:prompted answers.jsonl \
      --prompts held_out.jsonl --judge runs/gold/model --out report.json
  OPENAI_API_KEY=... parley eval winrate --a A --b B --prompts p.jsonl \
      --judge https://api.openai.com/v1 --judge-model gpt-4o
A model is a directory (DIR:raw, DIR:prompted for base models that know no chat) or a file of
answers {"messages" or "prompt", "response"}. --out report.json also writes report.md, with
examples; `parley plot --bars report.json` draws it.
)";

constexpr const char* kBestOfNExamples = R"(Examples:
  parley eval bestofn --model runs/sft/model --proxy runs/reward/model --gold runs/gold/model \
      --prompts held_out.jsonl --n 16 > bestofn.jsonl
  parley plot --kl-curve bestofn.jsonl runs/ppo
A line {"n", "kl", "proxy", "gold"} for n = 1 to --n: expected rewards of the best of n by proxy.
)";

struct WinRateFlags {
  std::string a, b, judge, judge_model;
  std::vector<std::string> models;
  base::fs::path prompts, out;
  int64_t limit = 0, examples = 5, resamples = 1000;
  eval::ApiJudgeOptions api;
  double judge_timeout = 120;
  AnswerFlags answers;
};

std::unique_ptr<eval::Judge> make_judge(const WinRateFlags& flags) {
  if (flags.judge.find("://") == std::string::npos) return eval::make_reward_judge(flags.judge);
  eval::ApiJudgeOptions options = flags.api;
  options.url = flags.judge;
  options.model = flags.judge_model;
  options.http.timeout =
      std::chrono::milliseconds(static_cast<int64_t>(1000 * flags.judge_timeout));
  if (const char* key = std::getenv("OPENAI_API_KEY")) options.key = key;
  return eval::make_api_judge(options);
}

void run_winrate(const WinRateFlags& flags, const Common& common) {
  std::vector<std::string> texts = flags.models;
  if (!flags.a.empty()) texts.insert(texts.begin(), {flags.a, flags.b});
  if (texts.size() < 2)
    throw base::UsageError("two models at least: --a A --b B, or --models A B C");
  std::vector<ModelSpec> specs;
  specs.reserve(texts.size());
  for (const std::string& text : texts) specs.push_back(ModelSpec::parse(text));
  make_names_unique(specs);
  if (!flags.out.empty() && flags.out.extension() != ".json")
    throw base::UsageError(fmt::format("--out {}: the name must end in .json", flags.out.string()));
  const base::InterruptGuard guard;
  // The judge first: what is wrong with it shows before any answer is written.
  const std::unique_ptr<eval::Judge> judge = make_judge(flags);
  const std::vector<Conversation> prompts = read_conversation_prompts(flags.prompts, flags.limit);
  for (const Conversation& prompt : prompts) judge->check(prompt);
  std::vector<eval::Contestant> contestants;
  for (const ModelSpec& spec : specs) {
    eval::Contestant contestant{spec.name, {}};
    for (auto& answers : answers_of(spec, prompts, 1, flags.answers))
      contestant.answers.push_back(std::move(answers[0]));
    contestants.push_back(std::move(contestant));
  }
  const eval::WinRateReport report =
      eval::play(prompts, std::move(contestants), *judge,
                 {.seed = flags.answers.seed, .resamples = flags.resamples});
  if (!flags.out.empty()) {
    base::write_file(flags.out,
                     eval::winrate_json(report, true)
                             .dump(1, ' ', false, nlohmann::json::error_handler_t::replace) +
                         "\n");
    base::fs::path markdown = flags.out;
    markdown.replace_extension(".md");
    base::write_file(markdown, eval::winrate_markdown(report, flags.examples, flags.answers.seed));
    spdlog::info("written: {}, {}", flags.out.string(), markdown.string());
  }
  write_out(common.json ? eval::winrate_json(report, false).dump() + "\n"
                        : eval::winrate_table(report));
}

struct BestOfNFlags {
  std::string model;
  base::fs::path proxy, gold, prompts;
  int64_t n = 16, limit = 0;
  AnswerFlags answers;
};

std::vector<float> score_all(const base::fs::path& directory, std::span<const Conversation> prompts,
                             const std::vector<std::vector<std::string>>& answers) {
  eval::AnswerScorer scorer(directory);
  std::vector<eval::AnswerScorer::Item> items;
  for (size_t p = 0; p < prompts.size(); ++p)
    for (const std::string& answer : answers[p]) items.push_back({prompts[p], answer});
  spdlog::info("{} answers scored by {}", items.size(), directory.string());
  std::vector<float> scores = scorer.score(items);
  if (scorer.cut() > 0)
    spdlog::warn("{}: {} answers were longer than its context", directory.string(), scorer.cut());
  return scores;
}

void run_bestofn(const BestOfNFlags& flags) {
  const ModelSpec spec = ModelSpec::parse(flags.model);
  const base::InterruptGuard guard;
  const std::vector<Conversation> prompts = read_conversation_prompts(flags.prompts, flags.limit);
  // Before hours of sampling.
  for (const base::fs::path& directory : {flags.proxy, flags.gold}) {
    const eval::AnswerScorer scorer(directory);
    for (const Conversation& prompt : prompts) scorer.check(prompt);
  }
  const auto answers = answers_of(spec, prompts, flags.n, flags.answers);
  const std::vector<float> proxy = score_all(flags.proxy, prompts, answers);
  const std::vector<float> gold = score_all(flags.gold, prompts, answers);
  std::vector<std::vector<eval::ProxyGold>> scored(prompts.size());
  for (size_t i = 0; i < proxy.size(); ++i)
    scored[i / static_cast<size_t>(flags.n)].push_back({proxy[i], gold[i]});
  for (const eval::BestOfNRow& row : eval::best_of_n_curve(scored)) {
    nlohmann::ordered_json line;
    line["n"] = row.n;
    line["kl"] = row.kl;
    line["proxy"] = row.proxy;
    line["gold"] = row.gold;
    line["proxy_se"] = row.proxy_se;
    line["gold_se"] = row.gold_se;
    if (!write_out(line.dump() + "\n")) return;
  }
}

}  // namespace

void add_eval_winrate(CLI::App& eval, Common& common) {
  auto flags = std::make_shared<WinRateFlags>();
  CLI::App* command = eval.add_subcommand(
      "winrate", "whose answers a judge prefers: win rates with intervals, lengths controlled");
  command->footer(kWinRateExamples);
  auto* a = command->add_option("--a", flags->a, "a model directory or a file of answers");
  auto* b = command->add_option("--b", flags->b, "the model it is compared with");
  a->needs(b);
  b->needs(a);
  command->add_option("--models", flags->models, "several: each against each");
  command->add_option("--prompts", flags->prompts, "JSON Lines {messages} or {prompt}")->required();
  command->add_option("--limit", flags->limit, "use the first N prompts (0: all)");
  command
      ->add_option("--judge", flags->judge,
                   "a reward model's directory, or the address of an OpenAI-compatible API")
      ->required();
  command->add_option("--judge-model", flags->judge_model, "which model of that API");
  command->add_option("--judge-parallel", flags->api.parallel, "questions to the API at once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--judge-timeout", flags->judge_timeout, "seconds for one reply of the API")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command->add_option("--judge-retries", flags->api.http.retries, "of a failed request")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  command->add_option("--out", flags->out, "report.json, with every answer; also writes report.md");
  command->add_option("--examples", flags->examples, "prompts shown in the Markdown report")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  command->add_option("--resamples", flags->resamples, "of the bootstraps")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  add_answer_flags(*command, flags->answers);
  command->callback([flags, &common] { run_winrate(*flags, common); });
}

void add_eval_bestofn(CLI::App& eval) {
  auto flags = std::make_shared<BestOfNFlags>();
  flags->answers.temperature = 1;  // the policy itself: the KL's formula is about it
  CLI::App* command = eval.add_subcommand(
      "bestofn", "rewards of the best of n answers by one reward model, under another");
  command->footer(kBestOfNExamples);
  command->add_option("--model", flags->model, "model directory (:raw, :prompted as in winrate)")
      ->required();
  command->add_option("--proxy", flags->proxy, "the reward model that chooses")->required();
  command->add_option("--gold", flags->gold, "the reward model that measures")->required();
  command->add_option("--prompts", flags->prompts, "JSON Lines {messages} or {prompt}")->required();
  command->add_option("--limit", flags->limit, "use the first N prompts (0: all)");
  command->add_option("--n", flags->n, "answers to each prompt")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  add_answer_flags(*command, flags->answers);
  command->callback([flags] { run_bestofn(*flags); });
}

}  // namespace parley::cli
