#include "train/chat_samples.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "infer/generate.h"

namespace parley::train {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kQuestions[] = {
    "What is the capital of France?",       "你好，你是谁？",
    "Write a short poem about the sea.",    "请介绍一下北京。",
    "Give three tips for staying healthy.", "把这句话翻译成英文：今天天气很好。",
};

// Text inside a cell of a Markdown table, whatever it holds.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "<br>";
      continue;
    }
    if (std::strchr("*_`<[\\#|", c) && c != '\0') out += '\\';
    out += c;
  }
  return out;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string markdown(const std::vector<std::string>& questions, const std::vector<Json>& lines) {
  std::string out;
  for (size_t i = 0; i < questions.size(); ++i) {
    out += fmt::format("## {}\n\n| step | answer |\n|---:|:---|\n", one_line(cell(questions[i])));
    for (const Json& line : lines)
      out += fmt::format("| {} | {} |\n", line["step"].get<int64_t>(),
                         cell(line["answers"].at(i).get<std::string>()));
    out += '\n';
  }
  return out;
}

// The earlier steps' answers to these many questions; damaged lines are left out.
std::vector<Json> earlier_lines(const fs::path& file, int64_t step, size_t questions) {
  std::vector<Json> lines;
  if (!fs::exists(file)) return lines;
  const std::string text = base::read_file(file);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    Json line = Json::parse(text.substr(begin, end - begin), nullptr, false);
    begin = end + 1;
    if (line.is_object() && line.value("step", std::numeric_limits<int64_t>::max()) < step &&
        line.contains("answers") && line["answers"].size() == questions)
      lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

ChatSamples::ChatSamples(fs::path run, const std::string& prompts_file,
                         const data::ChatFormat& format, const model::ModelConfig& config,
                         int64_t max_tokens, uint64_t seed)
    : run_(std::move(run)),
      format_(format),
      config_(config),
      max_tokens_(std::clamp<int64_t>(max_tokens, 1, std::max<int64_t>(1, config.T / 2))),
      seed_(seed) {
  const auto add = [&](const std::vector<data::Message>& messages) {
    std::vector<int32_t> ids = data::prompt_ids(format_, messages, config_.T - max_tokens_);
    if (!ids.empty()) questions_.push_back({messages.back().content, std::move(ids)});
  };
  for (const char* question : kQuestions) add({{"user", question}});
  if (prompts_file.empty()) return;
  data::ReadReport report;
  for (const data::Prompt& prompt :
       data::read_prompts({prompts_file}, {.skip_bad = false, .quiet = true}, report))
    add(prompt.messages.empty() ? std::vector<data::Message>{{"user", prompt.text}}
                                : prompt.messages);
}

std::vector<std::string> ChatSamples::answer(const model::Weights& weights) const {
  // No special token belongs into an answer.
  std::vector<int32_t> stops = {format_.end_of_turn};
  for (int32_t id = 0; id < format_.tokenizer.vocab_size(); ++id)
    if (format_.tokenizer.is_special(id) && id != format_.end_of_turn) stops.push_back(id);
  std::vector<infer::Request> requests;
  for (const Question& question : questions_) {
    infer::Request request;
    request.prompt = question.ids;
    request.sampling.temperature = 0.7f;
    request.sampling.top_p = 0.95f;
    request.sampling.seed = seed_;
    request.sampling.max_tokens = max_tokens_;
    request.sampling.stop_ids = stops;
    // Ids the embedding has and the tokenizer has not.
    for (auto id = format_.tokenizer.vocab_size(); id < config_.V; ++id)
      request.sampling.logit_bias[id] = -std::numeric_limits<float>::infinity();
    request.stream = requests.size();
    requests.push_back(std::move(request));
  }
  const model::InferWeights inference(config_, weights);
  infer::Engine engine(config_, inference, {.adaptive_steps = false});
  std::vector<std::string> answers;
  for (const infer::Completion& completion : infer::generate(engine, requests)) {
    tokenizer::StreamDecoder decoder(format_.tokenizer);
    std::string text;
    for (const int32_t id : completion.answer()) text += decoder.push(id);
    text += decoder.finish();
    if (!completion.stopped_by_token) text += " …";  // it had no end
    answers.push_back(std::move(text));
  }
  return answers;
}

std::string ChatSamples::write(int64_t step, const model::Weights& weights) const {
  if (questions_.empty()) return {};
  const fs::path file = run_ / "samples.jsonl";
  std::vector<Json> lines = earlier_lines(file, step, questions_.size());
  const std::vector<std::string> answers = answer(weights);
  lines.push_back({{"step", step}, {"answers", answers}});
  std::string text;
  for (const Json& line : lines) text += line.dump() + "\n";
  base::write_file(file, text);
  std::vector<std::string> questions;
  for (const Question& question : questions_) questions.push_back(question.text);
  base::write_file(run_ / "samples.md", markdown(questions, lines));
  return one_line(fmt::format("\"{}\" → \"{}\"", questions[0], answers[0]));
}

}  // namespace parley::train
