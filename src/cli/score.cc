// parley score: how probable continuations are.
#include <simdjson.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/precision_flags.h"
#include "cli/stdin_stream.h"
#include "data/json_lines.h"
#include "infer/score.h"
#include "text/loaded_model.h"

namespace parley::cli {
namespace {

constexpr const char* kScoreExamples = R"(Examples:
  echo '{"context": "The sky is", "continuation": " blue"}' | parley score --model DIR
  parley score --model DIR --data pairs.jsonl > scores.jsonl
  echo '{"text": "A whole text to score."}' | parley score --model DIR
Writes, in order, {"logprob", "tokens", "bytes", "greedy"}: the sum of the natural
log-probabilities of the continuation's tokens, their number, the continuation's UTF-8
bytes, and whether greedy decoding would have written it. bits per byte =
-logprob / bytes / ln 2. Spaces that end a context count as the continuation's beginning.
)";

// Requests scored together: memory stays bounded, and records with one context in
// common still meet.
constexpr size_t kWindow = 2048;

struct ScoreOptions {
  base::fs::path model, data;  // data empty: standard input
  bool no_truncate = false;
  text::Storage precision;
  infer::EngineOptions engine{.adaptive_steps = false};
};

// Tokens, of which those from number `first` on are to be scored.
struct Encoded {
  std::vector<int32_t> tokens;
  int64_t first;  // at least 1
};

// The context's trailing spaces go to the continuation: tokens begin with a space,
// not end with one. Both are encoded as one text and split after as many tokens as the
// context alone has (the convention of EleutherAI's lm-evaluation-harness).
Encoded encode(const text::LoadedModel& model, std::string_view context,
               std::string_view continuation) {
  const size_t end = context.find_last_not_of(' ') + 1;
  const std::string moved = std::string(context.substr(end)) + std::string(continuation);
  context = context.substr(0, end);
  if (context.empty()) {
    Encoded encoded{{model.start_token()}, 1};
    model.tokenizer.encode_append(moved, encoded.tokens);
    return encoded;
  }
  Encoded encoded{model.encode_prompt(std::string(context) + moved), 0};
  // Where the two melt into fewer tokens, at least the last one is the continuation's.
  const size_t split = std::min(model.encode_prompt(context).size(), encoded.tokens.size() - 1);
  encoded.first = static_cast<int64_t>(split);
  if (split == 0) {
    encoded.tokens.insert(encoded.tokens.begin(), model.start_token());
    encoded.first = 1;
  }
  return encoded;
}

// Requests that fit into a context of T and score each token once, each seen after as
// many tokens as fit before its window's end. One request unless more than T tokens
// are to be scored.
std::vector<infer::ScoreRequest> windows(const Encoded& encoded, int64_t T) {
  const auto size = static_cast<int64_t>(encoded.tokens.size());
  std::vector<infer::ScoreRequest> requests;
  for (int64_t begin = encoded.first, end = 0; begin < size; begin = end) {
    end = std::min(size, begin + T);
    const int64_t from = std::max<int64_t>(0, end - (T + 1));
    requests.push_back(
        {{encoded.tokens.begin() + from, encoded.tokens.begin() + end}, begin - from});
  }
  return requests;
}

// A line of the input.
struct Record {
  size_t first_request, requests;
  size_t bytes;  // of the continuation
};

class Score {
 public:
  explicit Score(const ScoreOptions& options)
      : options_(options),
        model_(text::load(options.model, options.precision)),
        engine_(model_.config, model_.infer, with_kv(options)) {}

  void run() {
    auto lines = options_.data.empty()
                     ? data::JsonLines(std::make_unique<StdinStream>(), "standard input")
                     : data::JsonLines(options_.data);
    simdjson::dom::element json;
    std::string problem;
    base::Progress progress("score", 0, "requests");
    uint64_t requests = 0, records = 0;  // done
    while (true) {
      const auto status = lines.next(json, problem);
      if (status == data::JsonLines::Status::kBad) base::fail("{}: {}", lines.where(), problem);
      const bool end = status == data::JsonLines::Status::kEnd;
      if (!end) read(json, lines.where());
      if (!records_.empty() && (end || requests_.size() >= kWindow)) {
        if (!score_and_write([&](size_t done) { progress.update(requests + done); })) return;
        requests += requests_.size();
        records += records_.size();
        records_.clear();
        requests_.clear();
      }
      if (end) break;
    }
    progress.finish();
    if (truncated_ > 0)
      spdlog::warn(
          "{} of {} records are longer than the model's context of {} tokens: not every token "
          "was seen after all those before it",
          truncated_, records, model_.config.T);
  }

 private:
  infer::EngineOptions with_kv(const ScoreOptions& options) const {
    infer::EngineOptions engine = options.engine;
    engine.kv_format = options.precision.kv_format(model_.infer.precision());
    return engine;
  }

  // Adds a line to the records and requests.
  void read(simdjson::dom::element json, const std::string& where) {
    const auto text = [&](const char* key, std::string_view& value) {
      simdjson::dom::element element;
      if (json[key].get(element) != simdjson::SUCCESS) return false;
      if (element.get(value) != simdjson::SUCCESS)
        base::fail("{}: \"{}\" is not a string", where, key);
      return true;
    };
    std::string_view context, continuation;
    if (!text("text", continuation) &&
        (!text("context", context) || !text("continuation", continuation)))
      base::fail(
          "{}: each line must be {{\"context\": TEXT, \"continuation\": TEXT}} or "
          "{{\"text\": TEXT}}",
          where);
    if (continuation.empty())
      base::fail("{}: nothing to score, the text is empty; leave the line out", where);
    const Encoded encoded = encode(model_, context, continuation);
    const int64_t T = model_.config.T;
    const auto length = static_cast<int64_t>(encoded.tokens.size());
    if (length > T + 1) {
      if (options_.no_truncate)
        base::fail("{}: {} tokens, but the model's context holds {}; shorten the text", where,
                   length, T);
      ++truncated_;
    }
    const auto requests = windows(encoded, T);
    records_.push_back({requests_.size(), requests.size(), continuation.size()});
    requests_.insert(requests_.end(), requests.begin(), requests.end());
  }

  // False when nobody reads any more.
  bool score_and_write(const std::function<void(size_t)>& on_done) {
    const auto results = infer::score(engine_, requests_, on_done);
    std::string lines;
    for (const Record& record : records_) {
      double logprob = 0;
      size_t tokens = 0;
      bool greedy = true;
      for (size_t i = 0; i < record.requests; ++i) {
        const infer::ScoreResult& result = results[record.first_request + i];
        logprob += result.sum();
        tokens += result.logprobs.size();
        greedy &= result.greedy;
      }
      const nlohmann::ordered_json line = {
          {"logprob", logprob}, {"tokens", tokens}, {"bytes", record.bytes}, {"greedy", greedy}};
      lines += line.dump() + "\n";
    }
    return write_out(lines);
  }

  const ScoreOptions& options_;
  text::LoadedModel model_;
  infer::Engine engine_;
  std::vector<Record> records_;  // read, but not scored yet
  std::vector<infer::ScoreRequest> requests_;
  uint64_t truncated_ = 0;
};

}  // namespace

void add_score(CLI::App& app, Common&) {
  auto options = std::make_shared<ScoreOptions>();
  CLI::App* command = app.add_subcommand(
      "score", "log-probabilities of given continuations, JSON Lines in and out");
  command->footer(kScoreExamples);
  command->add_option("--model", options->model, "model directory")->required();
  command->add_option("--data", options->data,
                      "JSON Lines, plain, gzip or zstd (default: standard input, plain)");
  command->add_flag(
      "--no-truncate", options->no_truncate,
      "fail on a record longer than the context instead of cutting what comes before");
  command->add_option("--batch", options->engine.max_sequences, "records scored together")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  add_precision_flags(*command, options->precision);
  command->callback([options] { Score(*options).run(); });
}

}  // namespace parley::cli
