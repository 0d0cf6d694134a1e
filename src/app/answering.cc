#include "app/answering.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "app/jobs.h"
#include "app/prompt.h"
#include "data/token_shard.h"
#include "server/sampling.h"

namespace parley::app {
namespace {

namespace asio = boost::asio;
using server::Clock;

constexpr std::chrono::seconds kSummaryTime{60};

std::shared_ptr<server::ServedModel> choose_model(const Services& services, const Json& settings,
                                                  const std::string& asked,
                                                  const store::Conversation& conversation) {
  const std::string& name = asked.empty() ? conversation.model : asked;
  if (!name.empty()) return find_model(services.models, name);
  if (auto preferred = services.models.find(settings["model"].get<std::string>())) return preferred;
  return find_model(services.models, "");
}

asio::awaitable<std::string> read_all(server::Generation& generation) {
  std::string text;
  const auto until = Clock::now() + kSummaryTime;
  while (true) {
    const auto pieces = co_await generation.next(until);
    if (pieces.empty()) co_return text;
    for (const server::Piece& piece : pieces) text += piece.text;
  }
}

// The model's own few words for an earlier part of a chat. Blocks.
std::string summarise(const std::shared_ptr<server::ServedModel>& model, const store::User& user,
                      std::string_view text, int64_t tokens) {
  const std::vector<text::Message> messages = {
      {"user", fmt::format("Summarise this conversation in a few sentences, in its language. Keep "
                           "names, numbers and decisions.\n\n{}",
                           text)}};
  server::GenerationOptions options;
  options.prompts = {text::chat_ids(model->model(), model->chat_format(), messages)};
  const int64_t room = model->context() - std::ssize(options.prompts[0]);
  if (room < 16) return {};
  const Json greedy = {{"temperature", 0}};
  Fields fields(greedy);
  options.sampling = server::read_sampling(fields, *model);
  options.sampling.max_tokens = std::min(tokens, room);
  options.stops = text::chat_stops(model->chat_format());
  options.trim_start = model->chat_format() == text::ChatFormat::kPlain;
  options.client = data::fnv1a(user.id);
  asio::io_context context;
  server::Generation generation(model, std::move(options), context.get_executor());
  auto result = asio::co_spawn(context, read_all(generation), asio::use_future);
  context.run();
  return result.get();
}

}  // namespace

std::vector<store::Message> begin_answers(const Services& services, const store::User& user,
                                          AnswerRequest request) {
  check_quota(services.store, services.options, user);
  const Json settings = settings_of(user);
  const auto model = choose_model(services, settings, request.model, request.conversation);
  Json params = settings["params"];
  for (const Json* more : {&request.conversation.params, &std::as_const(request.params)})
    if (more->is_object()) params.update(*more);

  PromptRequest wanted{.user = user,
                       .conversation = request.conversation,
                       .branch = request.branch,
                       .continued = request.continued};
  wanted.answer_tokens = params.value("max_tokens", int64_t{0});
  if (services.options.summaries == "model")
    wanted.summarise = [&](std::string_view text, int64_t tokens) {
      return summarise(model, user, text, tokens);
    };
  Jobs::Start start{.user = user,
                    .before = std::move(request.before),
                    .continued = request.continued,
                    .model = model,
                    .params = std::move(params)};
  start.prompt = make_prompt(services.store, *model, services.options, wanted);
  if (request.continued) {
    start.answers.push_back(request.branch.back());
    // What the text so far refers to stays.
    const Json& data = request.branch.back().data;
    if (start.prompt.citations.empty() && data.contains("citations"))
      start.prompt.citations = data["citations"];
  } else {
    for (int64_t i = 0; i < request.answers; ++i) {
      store::Message answer{.id = store::make_id(),
                            .conversation = request.conversation.id,
                            .parent = request.branch.back().id,
                            .role = "assistant"};
      // After its question, and in this order, also within a millisecond.
      answer.created = std::max(store::now(), request.branch.back().created + 1) + i;
      start.answers.push_back(std::move(answer));
    }
  }
  return services.jobs.start(std::move(start));
}

}  // namespace parley::app
