// parley generate: continues prompts.
#include <unistd.h>

#include <chrono>
#include <deque>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/sampling_flags.h"
#include "data/fim.h"
#include "data/json_lines.h"
#include "infer/generate.h"
#include "text/text_stream.h"

namespace parley::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kGenerateExamples = R"(Examples:
  parley generate --model models/mini --prompt "Once upon a time"
  echo "Once upon a time" | parley generate --model DIR --max-tokens 50 --temperature 0
  parley generate --model DIR --prompt "def add(a, b):" --suffix "return c" --stop "\n\n"
  parley generate --model DIR --prompt "The sky is" --logprobs 5 --json
  parley generate --model DIR --prompt-file code.py --precision int8 --lookup 3
  parley generate --model DIR --prompts-file prompts.jsonl --n 4 --seed 1 > answers.jsonl
    (lines {"prompt": TEXT} or {"prompt": [IDS]}; one JSON line an answer, in order)
)";

struct GenerateOptions {
  base::fs::path model;
  std::optional<std::string> prompt;
  base::fs::path prompt_file, prompts_file;
  std::optional<std::string> suffix;
  bool ids = false, special = false, truncate = false, ignore_eos = false;
  int64_t n = 1;
  infer::EngineOptions engine{.adaptive_steps = false};  // the same run each time
  EngineFlags engine_flags;
  SamplingFlags sampling;
};

// A prompt and what becomes of it.
struct Answer {
  infer::Request request;
  bool at_text_start = false;  // no text comes before the answer
  int64_t prompt_number = 0, choice = 0;
};

std::vector<int32_t> ids_from_json(const Json& json, std::string_view where) {
  std::vector<int32_t> ids;
  const std::string problem =
      fmt::format("{}: token ids must be a JSON array of integers, for example [1, 2, 3]", where);
  if (!json.is_array()) throw base::Error(problem);
  for (const Json& id : json) {
    if (!id.is_number_integer() || id < 0 || id > INT32_MAX) throw base::Error(problem);
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

// <prefix> text <suffix> suffix <middle>, as pre-training arranged it.
std::vector<int32_t> fill_in_the_middle(const text::LoadedModel& model, const std::string& prefix,
                                        const std::string& suffix) {
  const auto id = [&](const char* name, const char* other) {
    const auto found = model.tokenizer.special(name);
    return found ? found : model.tokenizer.special(other);
  };
  const auto prefix_id = id("<|fim_prefix|>", "<fim_prefix>");
  const auto suffix_id = id("<|fim_suffix|>", "<fim_suffix>");
  const auto middle_id = id("<|fim_middle|>", "<fim_middle>");
  if (!prefix_id || !suffix_id || !middle_id)
    base::fail(
        "--suffix needs the tokens <|fim_prefix|>, <|fim_suffix|> and <|fim_middle|>, which "
        "this model's tokenizer has not: it was not trained to fill in the middle");
  const data::FimOptions tokens{
      .prefix_token = *prefix_id, .suffix_token = *suffix_id, .middle_token = *middle_id};
  const data::FimCut cut{data::FimOrder::kPsm, prefix.size(), prefix.size()};
  std::vector<int32_t> ids;
  data::fim_encode(
      prefix + suffix, cut, tokens,
      [&](std::string_view text, std::vector<int32_t>& out) {
        model.tokenizer.encode_append(text, out);
      },
      ids);
  return ids;
}

std::vector<int32_t> prompt_ids(const text::LoadedModel& model, const GenerateOptions& options,
                                const std::string& text, std::string_view where) {
  if (options.ids) return ids_from_json(Json::parse(text, nullptr, false), where);
  if (options.suffix) return fill_in_the_middle(model, text, *options.suffix);
  return model.encode_prompt(text, options.special);
}

// Reads standard input or a file; the new line at its end is not part of the prompt.
std::string read_prompt(const base::fs::path& file) {
  std::string text;
  if (file.empty()) {
    if (isatty(STDIN_FILENO)) spdlog::info("type the prompt; end it with Ctrl-D on an empty line");
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    text = base::read_file(file);
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

class Generate {
 public:
  Generate(const GenerateOptions& options, const Common& common)
      : options_(options),
        json_(common.json),
        model_(text::load(options.model, options.engine_flags.precision)),
        params_(sampling_params(options.sampling, model_)),
        stops_(stop_strings(options.sampling)),
        engine_(model_, options.engine_flags, options.engine) {
    if (options.ignore_eos) {
      for (const int32_t id : params_.stop_ids)
        params_.logit_bias[id] = -std::numeric_limits<float>::infinity();
      params_.stop_ids.clear();
    }
  }

  void run() {
    if (!options_.prompts_file.empty()) return run_file();
    const std::string text = options_.prompt ? *options_.prompt : read_prompt(options_.prompt_file);
    const char* where = options_.prompt ? "--prompt" : "the prompt";
    std::vector<Answer> answers;
    add(answers, prompt_ids(model_, options_, text, where), text.empty(), 0, where);
    run_batch(answers, !json_ && options_.n == 1);
  }

 private:
  // Lines {"prompt": …}, some batches at a time: answers appear while reading goes on.
  void run_file() {
    data::JsonLines lines(options_.prompts_file);
    simdjson::dom::element record;
    std::string problem;
    const auto window = static_cast<size_t>(16 * options_.engine.max_sequences);
    std::vector<Answer> answers;
    for (int64_t number = 0;; ++number) {
      const auto status = lines.next(record, problem);
      if (status == data::JsonLines::Status::kBad)
        base::fail("{}: {}; each line must be {{\"prompt\": TEXT}}", lines.where(), problem);
      const bool end = status == data::JsonLines::Status::kEnd;
      if (!answers.empty() && (end || answers.size() >= window)) {
        if (!run_batch(answers, false)) return;
        answers.clear();
      }
      if (end) return;
      simdjson::dom::element prompt;
      std::string_view text;
      if (record["prompt"].get(prompt) != simdjson::SUCCESS)
        base::fail("{}: no \"prompt\"; each line must be {{\"prompt\": TEXT}}", lines.where());
      if (prompt.get(text) == simdjson::SUCCESS)
        add(answers, prompt_ids(model_, options_, std::string(text), lines.where()), text.empty(),
            number, lines.where());
      else
        add(answers,
            ids_from_json(Json::parse(simdjson::minify(prompt), nullptr, false), lines.where()),
            false, number, lines.where());
    }
  }

  // Adds the n answers of one prompt.
  void add(std::vector<Answer>& answers, std::vector<int32_t> ids, bool at_text_start,
           int64_t number, std::string_view where) {
    const auto length = static_cast<int64_t>(ids.size());
    if (ids.empty()) base::fail("{}: no token ids; give at least one", where);
    for (const int32_t id : ids)
      if (id >= model_.config.V)
        base::fail("{}: token id {}, but the vocabulary has 0 to {}", where, id,
                   model_.config.V - 1);
    if (length > model_.config.T) {
      if (!options_.truncate)
        base::fail(
            "{}: {} tokens, but the model's context holds {}; shorten the prompt, or keep "
            "only its end with --truncate",
            where, length, model_.config.T);
      const int64_t keep = std::max<int64_t>(1, model_.config.T - params_.max_tokens);
      spdlog::warn("{}: {} tokens, the last {} are used", where, length, keep);
      ids.erase(ids.begin(), ids.end() - keep);
    }
    for (int64_t choice = 0; choice < options_.n; ++choice) {
      const auto stream = static_cast<uint64_t>(number * options_.n + choice);
      answers.push_back({{ids, params_, stream}, at_text_start, number, choice});
    }
  }

  // Generates; streams the text of one answer, or writes a JSON line for each. False
  // when nobody reads any more.
  bool run_batch(const std::vector<Answer>& answers, bool stream) {
    std::deque<text::TextStream> streams;
    std::vector<std::string> texts(answers.size());
    std::vector<infer::Request> requests;
    for (const Answer& answer : answers) {
      streams.emplace_back(model_.tokenizer, stops_, answer.at_text_start);
      requests.push_back(answer.request);
    }
    bool reader_left = false;
    const auto show = [&](size_t i, std::string text) {
      if (stream && !text.empty() && !write_out(text)) reader_left = true;
      texts[i] += text;
    };
    const auto on_token = [&](size_t i, const infer::Sample& sample) {
      const bool hidden = !options_.special && model_.tokenizer.is_special(sample.token);
      if (!hidden) show(i, streams[i].push(sample.token));
      if (reader_left) return infer::Verdict::kCancel;
      return streams[i].stopped() ? infer::Verdict::kStop : infer::Verdict::kContinue;
    };
    const base::InterruptGuard guard;
    const auto start = std::chrono::steady_clock::now();
    const auto completions =
        infer::generate(engine_.engine(), requests, on_token, base::interrupted);
    report(requests, completions, std::chrono::steady_clock::now() - start);
    if (reader_left) return false;
    for (size_t i = 0; i < answers.size(); ++i) show(i, streams[i].finish());
    if (stream && isatty(STDOUT_FILENO)) write_out("\n");
    if (base::interrupted()) base::fail("interrupted");
    if (stream) return !reader_left;
    for (size_t i = 0; i < answers.size(); ++i)
      if (!write_out(to_json(answers[i], completions[i], texts[i]).dump() + "\n")) return false;
    return true;
  }

  void report(std::span<const infer::Request> requests,
              std::span<const infer::Completion> completions,
              std::chrono::duration<double> took) const {
    size_t read = 0, written = 0;
    int64_t cached = 0, drafted = 0, accepted = 0;
    for (const auto& request : requests) read += request.prompt.size();
    for (const auto& completion : completions) {
      written += completion.samples.size();
      cached += completion.cached_tokens;
      drafted += completion.drafted;
      accepted += completion.accepted;
    }
    spdlog::debug(
        "{} prompt tokens read ({} of them cached) and {} tokens written in {:.2f} s, {:.1f} "
        "tokens/s",
        read, cached, written, took.count(), static_cast<double>(read + written) / took.count());
    if (drafted > 0) spdlog::debug("{} of {} drafted tokens accepted", accepted, drafted);
    spdlog::debug("logits hash {:016x}, seed {}", engine_.engine().last_logits_hash(),
                  params_.seed);
  }

  Json token_json(infer::TokenLogprob token) const {
    std::string text;
    if (token.token < model_.tokenizer.vocab_size())
      text = model_.tokenizer.token_bytes(token.token);
    return {{"id", token.token},
            {"bytes", std::vector<uint8_t>(text.begin(), text.end())},
            {"logprob", token.logprob}};
  }

  Json to_json(const Answer& answer, const infer::Completion& completion,
               const std::string& text) const {
    Json logprobs = Json::array(), top = Json::array();
    const std::vector<int32_t> ids = completion.answer();
    for (size_t i = 0; i < ids.size(); ++i) {
      logprobs.push_back(completion.samples[i].logprob);
      Json best = Json::array();
      for (const auto& token : completion.samples[i].top) best.push_back(token_json(token));
      top.push_back(std::move(best));
    }
    Json json;
    if (!options_.prompts_file.empty()) json["prompt"] = answer.prompt_number;
    if (options_.n > 1) json["choice"] = answer.choice;
    json["text"] = text;
    json["ids"] = ids;
    json["logprobs"] = std::move(logprobs);
    if (params_.logprobs > 0) json["top_logprobs"] = std::move(top);
    json["finish_reason"] = infer::finish_reason_name(completion.reason);
    json["prompt_tokens"] = answer.request.prompt.size();
    json["completion_tokens"] = completion.samples.size();
    json["seed"] = params_.seed;
    return json;
  }

  const GenerateOptions& options_;
  bool json_;
  text::LoadedModel model_;
  infer::SamplingParams params_;
  std::vector<std::string> stops_;
  LoadedEngine engine_;
};

}  // namespace

void add_generate(CLI::App& app, Common& common) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* command = app.add_subcommand(
      "generate", "continue a prompt; the continuation alone goes to stdout as it comes");
  command->footer(kGenerateExamples);
  command->add_option("--model", options->model, "model directory")->required();
  auto* prompt = command->add_option("--prompt", options->prompt,
                                     "the text to continue (default: standard input)");
  auto* file = command->add_option("--prompt-file", options->prompt_file, "the same from a file");
  auto* files = command->add_option("--prompts-file", options->prompts_file,
                                    "JSON Lines {\"prompt\": TEXT}; answers as JSON Lines");
  prompt->excludes(file)->excludes(files);
  file->excludes(files);
  auto* ids = command->add_flag("--ids", options->ids, "the prompt is a JSON array of token ids");
  command->add_option("--suffix", options->suffix, "fill in between the prompt and this text")
      ->excludes(ids);
  command->add_flag("--special", options->special,
                    "names of special tokens in the prompt count, and are shown in the answer");
  command->add_flag("--truncate", options->truncate,
                    "of a prompt longer than the context keep the end");
  command->add_flag("--ignore-eos", options->ignore_eos, "go on to --max-tokens");
  command->add_option("--n", options->n, "answers to each prompt; above 1 as JSON Lines")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--logprobs", options->sampling.params.logprobs,
                      "with --json: the K most probable tokens at each place");
  command->add_option("--batch", options->engine.max_sequences, "answers generated together")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  add_sampling_flags(*command, options->sampling);
  add_engine_flags(*command, options->engine_flags);
  command->callback([options, &common] {
    options->engine.hash_logits = common.verbose;
    Generate(*options, common).run();
  });
}

}  // namespace parley::cli
