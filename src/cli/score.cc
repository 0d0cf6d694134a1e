// parley score: how probable continuations are.
#include <simdjson.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/load.h"
#include "cli/output.h"
#include "data/json_lines.h"
#include "infer/score.h"

namespace parley::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  echo '{"context": "The sky is", "continuation": " blue"}' | parley score --model DIR
  parley score --model DIR --data pairs.jsonl > scores.jsonl
  echo '{"text": "A whole text to score."}' | parley score --model DIR
Writes, in order, {"logprob", "tokens", "bytes", "greedy"}: the sum of the natural
log-probabilities of the continuation's tokens, their number, the continuation's UTF-8
bytes, and whether greedy decoding would have written it. bits per byte =
-logprob / bytes / ln 2. Spaces that end a context count as the continuation's beginning.
)";

// Records read, scored and written together: memory stays bounded, and records with
// one context in common still meet.
constexpr size_t kWindow = 2048;

struct Options {
  base::fs::path model, data;  // data empty: standard input
  bool no_truncate = false;
  infer::GeneratorOptions generator;
};

// Standard input by its descriptor: /dev/stdin cannot be opened when it is a socket.
class StdinStream : public data::ByteStream {
 public:
  size_t read(char* buffer, size_t capacity) override {
    while (true) {
      const ssize_t got = ::read(STDIN_FILENO, buffer, capacity);
      if (got >= 0) {
        consumed_ += static_cast<uint64_t>(got);
        return static_cast<size_t>(got);
      }
      if (errno != EINTR) base::fail("cannot read standard input: {}", std::strerror(errno));
    }
  }
  uint64_t consumed() const override { return consumed_; }

 private:
  uint64_t consumed_ = 0;
};

struct Record {
  infer::ScoreRequest request;
  size_t bytes = 0;  // of the continuation
};

// The context's trailing spaces go to the continuation: tokens begin with a space,
// not end with one. Both are encoded as one text and split after as many tokens as the
// context alone has (the convention of EleutherAI's lm-evaluation-harness).
Record encode(const LoadedModel& model, std::string_view context, std::string_view continuation) {
  const size_t end = context.find_last_not_of(' ') + 1;
  Record record;
  record.bytes = continuation.size();
  const std::string moved = std::string(context.substr(end)) + std::string(continuation);
  context = context.substr(0, end);
  std::vector<int32_t>& tokens = record.request.tokens;
  if (context.empty()) {
    tokens = {model.start_token()};
    model.tokenizer.encode_append(moved, tokens);
    record.request.first = 1;
  } else {
    tokens = model.encode_prompt(std::string(context) + moved);
    // Where the two melt into fewer tokens, at least the last one is the continuation's.
    record.request.first =
        static_cast<int64_t>(std::min(model.encode_prompt(context).size(), tokens.size() - 1));
    if (record.request.first == 0) {
      tokens.insert(tokens.begin(), model.start_token());
      record.request.first = 1;
    }
  }
  return record;
}

class Score {
 public:
  explicit Score(const Options& options) : options_(options), model_(load(options.model)) {}

  void run() {
    auto lines = options_.data.empty()
                     ? data::JsonLines(std::make_unique<StdinStream>(), "standard input")
                     : data::JsonLines(options_.data);
    simdjson::dom::element json;
    std::string problem;
    std::vector<Record> records;
    base::Progress progress("score", 0, "records");
    uint64_t done = 0;
    while (true) {
      const auto status = lines.next(json, problem);
      if (status == data::JsonLines::Status::kBad) base::fail("{}: {}", lines.where(), problem);
      const bool end = status == data::JsonLines::Status::kEnd;
      if (!end) records.push_back(read(json, lines.where()));
      if (!records.empty() && (end || records.size() == kWindow)) {
        if (!write(records, [&](size_t scored) { progress.update(done + scored); })) return;
        done += records.size();
        records.clear();
      }
      if (end) break;
    }
    progress.finish();
    if (truncated_ > 0)
      spdlog::warn(
          "{} of {} records are longer than the model's context of {} tokens: their "
          "beginnings were cut off",
          truncated_, done, model_.config.T);
  }

 private:
  Record read(simdjson::dom::element json, const std::string& where) {
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
    Record record = encode(model_, context, continuation);
    fit(record.request, where);
    return record;
  }

  // Cuts the beginning off a request that is longer than the context.
  void fit(infer::ScoreRequest& request, const std::string& where) {
    const auto length = static_cast<int64_t>(request.tokens.size());
    const int64_t excess = length - (model_.config.T + 1);
    if (excess <= 0) return;
    if (options_.no_truncate)
      base::fail("{}: {} tokens, but the model's context holds {}; shorten the text", where, length,
                 model_.config.T);
    if (excess >= request.first)
      base::fail(
          "{}: {} tokens to score do not fit into the model's context of {}; split them "
          "into several records",
          where, length - request.first, model_.config.T);
    request.tokens.erase(request.tokens.begin(), request.tokens.begin() + excess);
    request.first -= excess;
    ++truncated_;
  }

  bool write(const std::vector<Record>& records, const std::function<void(size_t)>& on_done) {
    std::vector<infer::ScoreRequest> requests;
    for (const Record& record : records) requests.push_back(record.request);
    const auto results =
        infer::score(model_.config, model_.weights, requests, options_.generator, on_done);
    std::string lines;
    for (size_t i = 0; i < records.size(); ++i) {
      nlohmann::ordered_json line;
      line["logprob"] = results[i].sum();
      line["tokens"] = results[i].logprobs.size();
      line["bytes"] = records[i].bytes;
      line["greedy"] = results[i].greedy;
      lines += line.dump() + "\n";
    }
    return write_out(lines);
  }

  const Options& options_;
  LoadedModel model_;
  uint64_t truncated_ = 0;
};

}  // namespace

void add_score(CLI::App& app, Common&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "score", "log-probabilities of given continuations, JSON Lines in and out");
  command->footer(kExamples);
  command->add_option("--model", options->model, "model directory")->required();
  command->add_option("--data", options->data,
                      "JSON Lines, plain, gzip or zstd (default: standard input, plain)");
  command->add_flag("--no-truncate", options->no_truncate,
                    "fail on a record longer than the context instead of cutting its beginning");
  command->add_option("--batch", options->generator.max_sequences, "records scored together")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->callback([options] { Score(*options).run(); });
}

}  // namespace parley::cli
