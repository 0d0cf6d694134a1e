#include "cli/eval_answers.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/chat_ids.h"
#include "data/json_lines.h"
#include "data/records.h"
#include "infer/generate.h"
#include "text/loaded_model.h"
#include "text/text_stream.h"

namespace parley::cli {
namespace {

// What a base model continues: a dialogue whose assistant behaves.
constexpr std::string_view kDialogue =
    "Below is a conversation between a user and an assistant. The assistant is polite, answers "
    "every question truthfully and to the point, and does what it is asked.\n\n"
    "User: Which is larger, the Sun or the Moon?\n"
    "Assistant: The Sun is far larger: its diameter is about 400 times that of the Moon.\n\n"
    "User: Give me two ideas for a quick breakfast.\n"
    "Assistant: 1. Yoghurt with fruit and oats.\n2. Toast with a boiled egg.\n\n"
    "User: 用一句话解释什么是彩虹。\n"
    "Assistant: 彩虹是阳光被雨滴折射和反射后，在天空中形成的彩色圆弧。\n\n";
constexpr std::string_view kUser = "User:", kAssistant = "Assistant:";

std::string trim_copy(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kBlank) - begin + 1));
}

std::string raw_text(std::span<const tokenizer::Message> messages) {
  std::string text;
  for (const tokenizer::Message& message : messages) text += message.content + "\n";
  return text;
}

// A key that two equal conversations share.
std::string key_of(std::span<const tokenizer::Message> messages) {
  std::string key;
  for (const tokenizer::Message& m : messages) key += m.role + '\0' + trim_copy(m.content) + '\0';
  return key;
}

// ---- from a model -----------------------------------------------------------

class Answerer {
 public:
  Answerer(const ModelSpec& spec, const AnswerFlags& flags)
      : spec_(spec), flags_(flags), model_(text::load(spec.path, flags.precision)) {
    params_.temperature = flags.temperature;
    params_.top_p = flags.top_p;
    params_.seed = flags.seed;
    params_.max_tokens = std::min(flags.max_tokens, std::max<int64_t>(1, model_.config.T / 2));
    params_.stop_ids = model_.stop_ids();
    model_.forbid_unused_ids(params_);
    if (spec.style == AnswerStyle::kChat) {
      format_ = data::ChatFormat::load(spec.path);
      if (std::ranges::find(params_.stop_ids, format_->end_of_turn) == params_.stop_ids.end())
        params_.stop_ids.push_back(format_->end_of_turn);
    }
    if (spec.style == AnswerStyle::kPrompted) stops_ = {"\n" + std::string(kUser)};
    infer::EngineOptions options;
    options.adaptive_steps = false;  // the same run each time
    options.max_sequences = flags.batch;
    options.max_waiting = 1 << 20;
    options.kv_format = flags.precision.kv_format(model_.infer.precision());
    engine_.emplace(model_.config, model_.infer, std::move(options));
  }

  Answers answer(std::span<const Conversation> prompts, int64_t n) {
    Answers answers(prompts.size());
    // All of them first: a prompt that cannot be asked shows at once.
    std::vector<std::vector<int32_t>> ids;
    for (const Conversation& prompt : prompts) ids.push_back(ids_of(prompt));
    base::Progress progress("answers of " + spec_.name, prompts.size(), "prompts");
    // Some batches at a time: the queue and the caches stay small.
    const auto window = static_cast<size_t>(std::max<int64_t>(1, 8 * flags_.batch / n));
    for (size_t begin = 0; begin < prompts.size(); begin += window) {
      const size_t end = std::min(begin + window, prompts.size());
      answer_window(ids, n, begin, end, answers);
      progress.update(end);
    }
    progress.finish();
    if (shortened_ > 0)
      spdlog::warn("{}: {} prompts were longer than its context allows; their end was used",
                   spec_.name, shortened_);
    return answers;
  }

 private:
  std::vector<int32_t> ids_of(const Conversation& messages) {
    const int64_t limit = std::max<int64_t>(1, model_.config.T - params_.max_tokens);
    if (spec_.style == AnswerStyle::kChat) {
      std::vector<int32_t> ids = data::prompt_ids(*format_, messages, limit);
      if (ids.empty())
        base::fail(
            "{}: a prompt has more than the {} tokens that leave room for --max-tokens {}: "
            "{}…",
            spec_.name, limit, params_.max_tokens, messages.back().content.substr(0, 80));
      return ids;
    }
    std::vector<int32_t> ids = model_.encode_prompt(
        spec_.style == AnswerStyle::kRaw ? raw_text(messages) : prompted_text(messages));
    if (std::ssize(ids) > limit) {
      ++shortened_;
      ids.erase(ids.begin(), ids.end() - limit);
    }
    return ids;
  }

  void answer_window(std::span<const std::vector<int32_t>> prompts, int64_t n, size_t begin,
                     size_t end, Answers& answers) {
    std::vector<infer::Request> requests;
    std::deque<text::TextStream> streams;
    for (size_t p = begin; p < end; ++p) {
      for (int64_t choice = 0; choice < n; ++choice) {
        infer::Request request;
        request.prompt = prompts[p];
        request.sampling = params_;
        request.stream = static_cast<uint64_t>(p) << 20 | static_cast<uint64_t>(choice);
        requests.push_back(std::move(request));
        streams.emplace_back(model_.tokenizer, stops_);
      }
    }
    std::vector<std::string> texts(requests.size());
    const auto on_token = [&](size_t i, const infer::Sample& sample) {
      if (!model_.tokenizer.is_special(sample.token)) texts[i] += streams[i].push(sample.token);
      return streams[i].stopped() ? infer::Verdict::kStop : infer::Verdict::kContinue;
    };
    const auto completions = infer::generate(*engine_, requests, on_token, base::interrupted);
    if (base::interrupted()) base::fail("interrupted");
    for (size_t i = 0; i < texts.size(); ++i) {
      texts[i] += streams[i].finish();
      // What a template or a dialogue leaves around an answer is no part of it.
      answers[begin + i / static_cast<size_t>(n)].push_back(
          {trim_copy(texts[i]), std::ssize(completions[i].answer()),
           completions[i].reason == infer::FinishReason::kStop});
    }
  }

  const ModelSpec& spec_;
  const AnswerFlags& flags_;
  text::LoadedModel model_;
  infer::SamplingParams params_;
  std::optional<data::ChatFormat> format_;
  std::vector<std::string> stops_;
  std::optional<infer::Engine> engine_;
  int64_t shortened_ = 0;
};

// ---- from a file ------------------------------------------------------------

struct RecordedAnswer {
  std::optional<Conversation> prompt;
  std::string text;
};

RecordedAnswer read_answer(data::Element record) {
  RecordedAnswer answer;
  std::string_view text;
  const auto field = data::find_field(record, "response");
  if (field && field->get(text) != simdjson::SUCCESS) base::fail("\"response\" is no text");
  if (auto messages = data::find_messages(record)) {
    if (!field && messages->back().role == "assistant")
      text = messages->back().content;
    else if (!field)
      base::fail("no \"response\", and no assistant's turn at the end");
    answer.text = text;
    if (messages->back().role == "assistant") messages->pop_back();
    answer.prompt = std::move(*messages);
    return answer;
  }
  if (!field) base::fail("no \"response\"; expected {{\"messages\", \"response\"}}");
  answer.text = text;
  if (const auto prompt = data::find_field(record, "prompt"))
    answer.prompt = {{"user", data::text_of(*prompt, "\"prompt\"")}};
  return answer;
}

Answers read_answers(const ModelSpec& spec, std::span<const Conversation> prompts) {
  const std::string file = spec.path.string();
  data::ReadReport report;
  std::vector<std::string> in_order;
  std::unordered_map<std::string, std::string> by_prompt;
  data::read_records({spec.path}, {.quiet = true}, report, [&](data::Element record, const auto&) {
    RecordedAnswer answer = read_answer(record);
    if (answer.prompt) by_prompt.try_emplace(key_of(*answer.prompt), answer.text);
    in_order.push_back(std::move(answer.text));
  });
  Answers answers;
  if (by_prompt.empty()) {
    if (in_order.size() < prompts.size())
      base::fail(
          "{}: {} answers to {} prompts; they have no \"messages\" or \"prompt\" to tell "
          "which is which, so every prompt needs one, in order",
          file, in_order.size(), prompts.size());
    for (size_t p = 0; p < prompts.size(); ++p)
      answers.push_back({{trim_copy(in_order[p]), {}, {}}});
    return answers;
  }
  for (const Conversation& prompt : prompts) {
    const auto found = by_prompt.find(key_of(prompt));
    if (found == by_prompt.end())
      base::fail("{}: no answer to the prompt \"{}…\"; every prompt needs one", file,
                 prompt.back().content.substr(0, 80));
    answers.push_back({{trim_copy(found->second), {}, {}}});
  }
  return answers;
}

}  // namespace

ModelSpec ModelSpec::parse(const std::string& text) {
  ModelSpec spec;
  std::string path = text, style;
  for (const std::string_view name : {":raw", ":prompted", ":chat"}) {
    if (!text.ends_with(name)) continue;
    style = name.substr(1);
    path.resize(text.size() - name.size());
    if (style == "raw") spec.style = AnswerStyle::kRaw;
    if (style == "prompted") spec.style = AnswerStyle::kPrompted;
  }
  spec.path = path;
  if (!base::fs::exists(spec.path))
    base::fail("{}: no such model directory or file of answers", path);
  spec.is_file = !base::fs::is_directory(spec.path);
  if (spec.is_file && !style.empty())
    throw base::UsageError(fmt::format("{}: a file of answers has no style", text));
  base::fs::path whole = base::fs::absolute(spec.path).lexically_normal();
  if (whole.filename().empty()) whole = whole.parent_path();
  spec.name = whole.filename().string();
  // RUN/model is called by its run.
  if (!spec.is_file && spec.name == "model") spec.name = whole.parent_path().filename().string();
  if (!style.empty() && style != "chat") spec.name += ":" + style;
  return spec;
}

void make_names_unique(std::span<ModelSpec> specs) {
  std::unordered_map<std::string, int> count;
  for (const ModelSpec& spec : specs) ++count[spec.name];
  std::unordered_map<std::string, int> used;
  for (ModelSpec& spec : specs) {
    if (count[spec.name] > 1)
      spec.name =
          spec.path.string() +
          (spec.name.find(':') == std::string::npos ? "" : spec.name.substr(spec.name.rfind(':')));
    if (const int again = used[spec.name]++; again > 0)
      spec.name += fmt::format(" ({})", again + 1);
  }
}

void add_answer_flags(CLI::App& command, AnswerFlags& flags) {
  const std::string group = "Answers";
  command.add_option("--max-tokens", flags.max_tokens, "of an answer")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group(group);
  command.add_option("--temperature", flags.temperature, "0: the most probable token each time")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str()
      ->group(group);
  command.add_option("--top-p", flags.top_p, "keep the best tokens up to this probability")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(group);
  command.add_option("--seed", flags.seed, "of sampling, and of the statistics")
      ->capture_default_str()
      ->group(group);
  command.add_option("--batch", flags.batch, "answers generated together")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->group(group);
  add_precision_flags(command, flags.precision);
}

std::vector<Conversation> read_conversation_prompts(const base::fs::path& file, int64_t limit) {
  data::ReadReport report;
  std::vector<Conversation> prompts;
  data::read_records({file}, {}, report, [&](data::Element record, const std::string&) {
    if (limit > 0 && std::ssize(prompts) >= limit) return;
    if (auto messages = data::find_messages(record)) {
      if (messages->back().role == "assistant") messages->pop_back();
      data::check_ends_with_user(*messages);
      prompts.push_back(std::move(*messages));
    } else {
      prompts.push_back(data::prompt_messages(record));
    }
  });
  return prompts;
}

Answers full_answers_of(const ModelSpec& spec, std::span<const Conversation> prompts, int64_t n,
                        const AnswerFlags& flags) {
  if (!spec.is_file) return Answerer(spec, flags).answer(prompts, n);
  if (n != 1) base::fail("{}: several answers to each prompt need a model directory", spec.name);
  return read_answers(spec, prompts);
}

std::vector<std::vector<std::string>> answers_of(const ModelSpec& spec,
                                                 std::span<const Conversation> prompts, int64_t n,
                                                 const AnswerFlags& flags) {
  std::vector<std::vector<std::string>> texts;
  for (auto& answers : full_answers_of(spec, prompts, n, flags)) {
    texts.emplace_back();
    for (eval::ChatAnswer& answer : answers) texts.back().push_back(std::move(answer.text));
  }
  return texts;
}

std::string prompted_text(std::span<const tokenizer::Message> messages) {
  std::string text(kDialogue);
  for (const tokenizer::Message& message : messages) {
    if (message.role == "system")
      text.insert(0, message.content + "\n\n");
    else if (message.role == "user")
      text += fmt::format("{} {}\n", kUser, message.content);
    else
      text += fmt::format("{} {}\n\n", kAssistant, message.content);
  }
  return text + std::string(kAssistant);
}

}  // namespace parley::cli
