#include "server/completions.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "server/answer_format.h"
#include "server/completion_logprobs.h"
#include "server/event_stream.h"
#include "server/sampling.h"
#include "text/text_stream.h"

namespace parley::server {
namespace {

struct Prompt {
  std::string text;          // what echo gives back
  std::vector<int32_t> ids;  // what the model reads
  size_t hidden = 0;         // ids before the text: BOS, or the start token of an empty prompt
};

struct CompletionRequest {
  std::vector<Prompt> prompts;
  GenerationOptions generation;
  int64_t n = 1, best_of = 1;
  std::optional<int64_t> logprobs;
  bool echo = false, stream = false, include_usage = false;
  std::shared_ptr<ServedModel> model;
};

Prompt prompt_of_text(const ServedModel& served, std::string text) {
  const text::LoadedModel& model = served.model();
  Prompt prompt{.text = std::move(text), .ids = {}, .hidden = 0};
  prompt.ids = model.encode_prompt(prompt.text);
  if (prompt.text.empty() ||
      (model.tokenizer.adds_bos() && prompt.ids.front() == model.tokenizer.bos()))
    prompt.hidden = 1;
  return prompt;
}

Prompt prompt_of_ids(const ServedModel& served, const Json& ids, const std::string& param) {
  Prompt prompt;
  const int64_t V = served.model().tokenizer.vocab_size();
  for (const Json& id : ids) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= V)
      bad_request(param,
                  fmt::format("Invalid token in '{}': {}. This model's token ids are 0 to {}.",
                              param, dump(id).substr(0, 100), V - 1));
    prompt.ids.push_back(id.get<int32_t>());
  }
  if (prompt.ids.empty()) return prompt_of_text(served, "");
  prompt.text = served.model().tokenizer.decode(prompt.ids);
  return prompt;
}

// string, [string], [int], [[int]]; nothing is the start of a text.
std::vector<Prompt> read_prompts(Fields& fields, const ServedModel& model) {
  const Json* prompt = fields.find("prompt");
  if (!prompt) return {prompt_of_text(model, "")};
  if (prompt->is_string()) return {prompt_of_text(model, prompt->get<std::string>())};
  if (!prompt->is_array())
    fields.bad_type("prompt", *prompt, "a string, an array of strings or token ids");
  fields.array("prompt", 1, 1 << 24);
  if (prompt->front().is_number()) return {prompt_of_ids(model, *prompt, "prompt")};
  if (prompt->size() > 2048)
    bad_request("prompt", "'prompt' has more than 2048 prompts.", "array_above_max_length");
  std::vector<Prompt> prompts;
  for (const Json& one : *prompt) {
    if (one.is_string() && prompt->front().is_string())
      prompts.push_back(prompt_of_text(model, one.get<std::string>()));
    else if (one.is_array() && prompt->front().is_array())
      prompts.push_back(prompt_of_ids(model, one, "prompt"));
    else
      fields.bad_type("prompt", one, "all strings, all token ids, or all arrays of token ids");
  }
  return prompts;
}

// Fill in the middle (Bavarian et al. 2022), prefix first.
void insert_suffix(Prompt& prompt, const std::string& suffix, const tokenizer::Tokenizer& tokenizer,
                   infer::SamplingParams& sampling) {
  const auto special = [&](std::string_view name) -> std::optional<int32_t> {
    if (const auto id = tokenizer.special(fmt::format("<|{}|>", name))) return id;
    return tokenizer.special(fmt::format("<{}>", name));
  };
  const auto before = special("fim_prefix"), after = special("fim_suffix"),
             middle = special("fim_middle");
  if (!before || !after || !middle)
    bad_request("suffix",
                "This model was not trained to insert text: its tokenizer has no <|fim_prefix|>, "
                "<|fim_suffix|> and <|fim_middle|>. Leave out 'suffix'.");
  const std::vector<int32_t> text(prompt.ids.begin() + static_cast<std::ptrdiff_t>(prompt.hidden),
                                  prompt.ids.end());
  prompt.ids = {*before};
  prompt.ids.insert(prompt.ids.end(), text.begin(), text.end());
  prompt.ids.push_back(*after);
  tokenizer.encode_append(suffix, prompt.ids);
  prompt.ids.push_back(*middle);
  for (const int32_t id : {*before, *after, *middle}) sampling.stop_ids.push_back(id);
}

int64_t total_prompt_tokens(const CompletionRequest& request) {
  return std::transform_reduce(request.prompts.begin(), request.prompts.end(), int64_t{0},
                               std::plus<>(), [](const Prompt& p) { return std::ssize(p.ids); });
}

CompletionRequest read_completion_request(Fields& fields, std::shared_ptr<ServedModel> model,
                                          const Services& services) {
  CompletionRequest request;
  request.model = std::move(model);
  const ServedModel& served = *request.model;
  GenerationOptions& generation = request.generation;
  generation.sampling = read_sampling(fields, served);
  generation.stops = read_stops(fields);
  request.n = fields.integer("n", 1, 128).value_or(1);
  request.best_of = fields.integer("best_of", 1, 128).value_or(request.n);
  if (request.best_of < request.n)
    bad_request("best_of", fmt::format("'best_of' must be at least 'n': {} is less than {}.",
                                       request.best_of, request.n));
  request.stream = fields.boolean("stream", false);
  if (request.stream && request.best_of > request.n)
    bad_request("best_of", "'best_of' cannot be combined with 'stream'.");
  request.include_usage = read_include_usage(fields, request.stream);
  request.logprobs = fields.integer("logprobs", 0, 5);
  request.echo = fields.boolean("echo", false);
  generation.logprobs = request.logprobs.has_value();
  generation.sampling.logprobs = request.logprobs.value_or(0);
  generation.score_prompts = request.echo && request.logprobs;
  generation.in_pieces = request.stream;
  generation.choices = request.best_of;

  request.prompts = read_prompts(fields, served);
  if (const auto suffix = fields.string("suffix"); suffix && !suffix->empty()) {
    if (request.echo) bad_request("echo", "'echo' cannot be combined with 'suffix'.");
    for (Prompt& prompt : request.prompts)
      insert_suffix(prompt, *suffix, served.model().tokenizer, generation.sampling);
  }
  const std::optional<int64_t> asked = fields.integer("max_tokens", 0, 1'000'000'000);
  int64_t longest = 0;
  for (const Prompt& prompt : request.prompts) {
    longest = std::max(longest, std::ssize(prompt.ids));
    generation.prompts.push_back(prompt.ids);
  }
  const int64_t room = fit_context(served, longest, asked.value_or(-1), "prompt");
  generation.sampling.max_tokens = asked ? room : std::min<int64_t>(16, room);
  if (const AnswerFormat format = read_answer_format(fields, services.grammars); format.grammar)
    generation.constraint =
        [served = request.model, grammar = format.grammar, stops = generation.sampling.stop_ids,
         max = generation.sampling.max_tokens] { return served->constrain(grammar, stops, max); };
  for (const char* name : {"user", "metadata", "store"}) fields.ignore(name);
  fields.reject_unknown();
  return request;
}

// The text of one choice, and its object in the reply.
class Choice {
 public:
  Choice(const CompletionRequest& request, const Prompt& prompt, int64_t index)
      : request_(request),
        prompt_(prompt),
        index_(index),
        begin_(text::count_characters(prompt.text)),
        logprobs_(fresh()) {
    if (request.echo) text_ = prompt.text;
    echo_ = request.echo && request.logprobs;
  }

  void add(const Piece& piece) {
    text_ += piece.text;
    if (request_.logprobs)
      for (const TokenReport& token : piece.tokens)
        logprobs_.add(token.id, token.logprob, token.top, begin_ + token.offset);
    if (piece.end) end_ = piece.end;
  }

  // The scores of the prompt, in front of what is there.
  void add_prompt_scores(std::span<const infer::TokenScore> scores) {
    if (!echo_) return;
    CompletionLogprobs echoed = fresh();
    const tokenizer::Tokenizer& tokenizer = request_.model->model().tokenizer;
    tokenizer::StreamDecoder decoder(tokenizer, true);
    int64_t offset = 0;
    for (size_t i = prompt_.hidden; i < prompt_.ids.size(); ++i) {
      if (i == 0 || i - 1 >= scores.size())
        echoed.add_first(prompt_.ids[i], offset);
      else
        echoed.add(prompt_.ids[i], scores[i - 1].logprob, scores[i - 1].top, offset);
      offset += text::count_characters(decoder.push(prompt_.ids[i]));
    }
    echoed.append(logprobs_);
    logprobs_ = std::move(echoed);
    echo_ = false;
  }

  double mean_logprob() const { return end_ ? end_->mean_logprob : 0; }
  const std::optional<AnswerEnd>& end() const { return end_; }
  void set_index(int64_t index) { index_ = index; }

  Json whole() const {
    return {{"text", text_},
            {"index", index_},
            {"logprobs", request_.logprobs ? logprobs_.json() : Json()},
            {"finish_reason", reason()}};
  }
  // What came since the last call, as JSON text: in a stream, that is for every token.
  std::string take() {
    std::string json =
        fmt::format(R"({{"text":{},"index":{},"logprobs":{},"finish_reason":{}}})",
                    dump(std::exchange(text_, {})), index_,
                    request_.logprobs ? dump(logprobs_.json()) : "null", dump(reason()));
    logprobs_ = fresh();
    return json;
  }

 private:
  Json reason() const { return end_ ? Json(infer::finish_reason_name(end_->reason)) : Json(); }
  CompletionLogprobs fresh() const {
    return {request_.model->model().tokenizer, request_.logprobs.value_or(0) > 0};
  }

  const CompletionRequest& request_;
  const Prompt& prompt_;
  int64_t index_, begin_;
  std::string text_;
  CompletionLogprobs logprobs_;
  bool echo_ = false;
  std::optional<AnswerEnd> end_;
};

Json head(const CompletionRequest& request, const std::string& id, int64_t created) {
  return {{"id", id},
          {"object", "text_completion"},
          {"created", created},
          {"model", request.model->id()},
          {"system_fingerprint", request.model->fingerprint()}};
}

// The n best answers of each prompt by mean log-probability of a token, or all.
std::vector<Choice*> chosen(std::vector<Choice>& choices, const CompletionRequest& request) {
  std::vector<Choice*> kept;
  const size_t best_of = static_cast<size_t>(request.best_of), n = static_cast<size_t>(request.n);
  for (size_t begin = 0; begin < choices.size(); begin += best_of) {
    std::vector<Choice*> of_prompt;
    for (size_t i = 0; i < best_of; ++i) of_prompt.push_back(&choices[begin + i]);
    if (n < best_of) std::ranges::stable_sort(of_prompt, std::greater<>(), &Choice::mean_logprob);
    for (size_t i = 0; i < n; ++i) {
      of_prompt[i]->set_index(static_cast<int64_t>(kept.size()));
      kept.push_back(of_prompt[i]);
    }
  }
  return kept;
}

}  // namespace

http::Task completions(Call& call) {
  // 1. Read the request.
  const http::Request& http_request = call.exchange.request();
  const Json body = parse_body(http_request.body);
  Fields fields(body);
  std::shared_ptr<ServedModel> model = call.find_model(fields);
  const auto read = [&] { return read_completion_request(fields, model, call.services); };
  const CompletionRequest request =
      co_await offload(call.services, is_small(http_request, body), read);
  call.prompt_tokens = total_prompt_tokens(request);
  const auto answers = static_cast<int64_t>(request.prompts.size()) * request.best_of;
  if (call.admit) call.admit(call.prompt_tokens, answers * request.generation.sampling.max_tokens);

  // 2. Begin the answers.
  const auto generation = co_await call.generate(model, request.generation);
  std::vector<Choice> choices;
  for (int64_t i = 0; i < answers; ++i)
    choices.emplace_back(request, request.prompts[static_cast<size_t>(i / request.best_of)], i);
  const Json reply_head = head(request, make_id("cmpl-"), unix_time());

  // 3. Collect them, or send them piece by piece.
  EventStream events(call, reply_head, request.include_usage);
  while (true) {
    std::vector<Piece> pieces = co_await generation->next(call.deadline());
    if (pieces.empty()) break;
    for (Piece& piece : pieces) {
      fail_on_error(piece);
      Choice& choice = choices[piece.choice];
      choice.add_prompt_scores(piece.scores);
      choice.add(piece);
      if (piece.end)
        call.count(*piece.end, piece.choice % static_cast<size_t>(request.best_of) == 0);
      if (request.stream) events.add(choice.take());
    }
    if (request.stream) co_await events.send();
  }
  if (request.stream) {
    co_await events.finish(usage_json(call));
    co_return;
  }
  Json reply = reply_head;
  reply["choices"] = Json::array();
  for (Choice* choice : chosen(choices, request)) reply["choices"].push_back(choice->whole());
  reply["usage"] = usage_json(call);
  co_await call.reply(reply);
}

}  // namespace parley::server
