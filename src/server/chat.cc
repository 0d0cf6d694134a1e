#include "server/chat.h"

#include <algorithm>

#include "base/log.h"
#include "server/answer_format.h"
#include "server/chat_choice.h"
#include "server/chat_messages.h"
#include "server/event_stream.h"
#include "server/sampling.h"

namespace parley::server {
namespace {

struct ChatRequest {
  std::shared_ptr<ServedModel> model;
  GenerationOptions generation;
  Tools tools;
  bool stream = false, include_usage = false;
  size_t dropped = 0;  // messages that did not fit
};

// "truncation": "auto" or "disabled"
bool read_truncation(Fields& fields, const Services& services) {
  const auto truncation = fields.string("truncation");
  if (!truncation) return services.options.truncate_chats;
  if (*truncation != "auto" && *truncation != "disabled")
    bad_request("truncation",
                fmt::format("Invalid value: '{}'. Supported values are: 'auto' and 'disabled'.",
                            truncation->substr(0, 100)),
                "invalid_value");
  return *truncation == "auto";
}

std::optional<int64_t> read_max_tokens(Fields& fields) {
  const auto old = fields.integer("max_tokens", 1, 1'000'000'000);
  const auto fresh = fields.integer("max_completion_tokens", 1, 1'000'000'000);
  if (old && fresh)
    bad_request("max_tokens",
                "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not "
                "supported.",
                "invalid_value");
  return fresh ? fresh : old;
}

// Fields that OpenAI has and that mean nothing to a model of text, as far as they ask for nothing
// else.
void read_other_fields(Fields& fields) {
  for (const char* name :
       {"user", "metadata", "store", "service_tier", "prompt_cache_key", "prompt_cache_retention",
        "safety_identifier", "reasoning_effort", "verbosity", "prediction"})
    fields.ignore(name);
  if (const Json* modalities = fields.array("modalities", 0, 8))
    for (const Json& modality : *modalities)
      if (modality != "text")
        bad_request("modalities", "This model answers in text only: 'modalities' can be ['text'].",
                    "invalid_value");
  for (const char* name : {"audio", "web_search_options"})
    if (fields.find(name))
      bad_request(name, fmt::format("'{}' is not supported by this server.", name),
                  "unsupported_parameter");
}

// The prompt, within the context if it may be truncated.
void read_prompt(Fields& fields, ChatRequest& request, const Services& services, bool json_object) {
  const ServedModel& served = *request.model;
  const std::vector<text::Message> messages = read_messages(fields, request.tools);
  if (json_object && !mention_json(messages))
    bad_request("messages",
                "'messages' must contain the word 'json' in some form, to use 'response_format' of "
                "type 'json_object'.");
  const std::optional<int64_t> asked = read_max_tokens(fields);
  const int64_t T = served.context();
  text::FittedChat chat;
  try {
    if (read_truncation(fields, services)) {
      const int64_t room = std::min(asked.value_or(T / 4), T / 2);
      chat = text::fit_chat(served.model(), served.chat_format(), messages, T - room);
    } else {
      chat.ids = text::chat_ids(served.model(), served.chat_format(), messages);
    }
  } catch (const base::Error& error) {  // the template refuses the conversation
    bad_request("messages", fmt::format("Invalid 'messages': {}", error.what()), "invalid_value");
  }
  request.dropped = chat.dropped;
  const bool truncated = chat.dropped > 0;
  const auto length = std::ssize(chat.ids);
  request.generation.sampling.max_tokens =
      truncated && asked && length + *asked > T
          ? fit_context(served, length, -1, "messages")
          : fit_context(served, length, asked.value_or(-1), "messages");
  request.generation.prompts = {std::move(chat.ids)};
}

ChatRequest read_chat_request(Fields& fields, std::shared_ptr<ServedModel> model,
                              const Services& services) {
  ChatRequest request;
  request.model = std::move(model);
  const ServedModel& served = *request.model;
  GenerationOptions& generation = request.generation;
  generation.sampling = read_sampling(fields, served);
  generation.stops = read_stops(fields);
  for (std::string& stop : text::chat_stops(served.chat_format()))
    generation.stops.push_back(std::move(stop));
  generation.trim_start = served.chat_format() == text::ChatFormat::kPlain;
  generation.choices = fields.integer("n", 1, 128).value_or(1);
  request.stream = fields.boolean("stream", false);
  request.include_usage = read_include_usage(fields, request.stream);
  generation.in_pieces = request.stream;
  generation.logprobs = fields.boolean("logprobs", false);
  const auto tops = fields.integer("top_logprobs", 0, 20);
  if (tops && !generation.logprobs)
    bad_request("top_logprobs", "'top_logprobs' is only allowed when 'logprobs' is enabled.");
  generation.sampling.logprobs = tops.value_or(0);

  request.tools = read_tools(fields);
  AnswerFormat format = read_answer_format(fields, services.grammars);
  if (!request.tools.empty()) {
    if (format.grammar)
      bad_request("response_format",
                  "'response_format' cannot be combined with tools that may be called: an answer "
                  "is either a call or text. Use one, or 'tool_choice': 'none'.",
                  "unsupported_parameter");
    format.grammar = compile_tools(request.tools, services.grammars);
  }
  read_prompt(fields, request, services, format.json_object);
  if (format.grammar) {
    generation.trim_start = false;
    generation.constraint =
        [served = request.model, grammar = format.grammar, stops = generation.sampling.stop_ids,
         max = generation.sampling.max_tokens] { return served->constrain(grammar, stops, max); };
  }
  read_other_fields(fields);
  fields.reject_unknown();
  return request;
}

Json head(const ChatRequest& request) {
  return {{"id", make_id("chatcmpl-")},
          {"object", request.stream ? "chat.completion.chunk" : "chat.completion"},
          {"created", unix_time()},
          {"model", request.model->id()},
          {"service_tier", "default"},
          {"system_fingerprint", request.model->fingerprint()}};
}

}  // namespace

http::Task chat_completions(Call& call) {
  // 1. Read the request.
  const http::Request& http_request = call.exchange.request();
  const Json body = parse_body(http_request.body);
  Fields fields(body);
  std::shared_ptr<ServedModel> model = call.find_model(fields);
  const auto read = [&] { return read_chat_request(fields, model, call.services); };
  const ChatRequest request = co_await offload(call.services, is_small(http_request, body), read);
  if (call.services.options.log_prompts) spdlog::debug("{}: {}", http_request.id, dump(body));
  call.prompt_tokens = std::ssize(request.generation.prompts.front());
  const int64_t n = request.generation.choices;
  if (call.admit) call.admit(call.prompt_tokens, n * request.generation.sampling.max_tokens);
  if (request.dropped > 0)
    call.headers.set("X-Parley-Dropped-Messages", std::to_string(request.dropped));

  // 2. Begin the answers.
  const auto generation = co_await call.generate(model, request.generation);
  std::vector<ChatChoice> choices;
  for (int64_t i = 0; i < n; ++i)
    choices.emplace_back(static_cast<size_t>(i), model->model().tokenizer,
                         request.generation.logprobs, !request.tools.empty(), request.tools.legacy);

  // 3. Collect them, or send them piece by piece.
  const Json reply_head = head(request);
  EventStream events(call, reply_head, request.include_usage);
  while (true) {
    const std::vector<Piece> pieces = co_await generation->next(call.deadline());
    if (pieces.empty()) break;
    for (const Piece& piece : pieces) {
      fail_on_error(piece);
      const std::vector<std::string> chunks = choices[piece.choice].push(piece);
      if (piece.end) call.count(*piece.end, piece.choice == 0);
      if (request.stream)
        for (const std::string& chunk : chunks) events.add(chunk);
    }
    if (request.stream) co_await events.send();
  }
  if (request.stream) {
    co_await events.finish(usage_json(call));
    co_return;
  }
  Json reply = reply_head;
  reply["choices"] = Json::array();
  for (const ChatChoice& choice : choices) reply["choices"].push_back(choice.whole());
  reply["usage"] = usage_json(call);
  co_await call.reply(reply);
}

}  // namespace parley::server
