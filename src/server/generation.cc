#include "server/generation.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/exchange.h"
#include "server/api_error.h"
#include "text/text_stream.h"

namespace parley::server {
namespace {

constexpr std::chrono::milliseconds kRetry{20};

}  // namespace

// One answer, on the engine's thread.
struct Generation::Answer {
  Answer(size_t number, const tokenizer::Tokenizer& vocabulary, const GenerationOptions& options,
         std::shared_ptr<http::Channel<Piece>> to, std::shared_ptr<WakeList> wake_list)
      : tokenizer(vocabulary),
        decoder(vocabulary),
        matcher(options.stops),
        channel(std::move(to)),
        wakes(std::move(wake_list)),
        logprobs(options.logprobs),
        in_pieces(options.in_pieces),
        trimming(options.trim_start),
        stop_ids(options.sampling.stop_ids) {
    piece.choice = number;
  }

  infer::Verdict on_token(const infer::Sample& sample) {
    const Clock::time_point now = Clock::now();
    if (tokens++ == 0) end.first_token = now;
    end.last_token = now;
    sum_logprob += static_cast<double>(sample.logprob);
    if (std::ranges::find(stop_ids, sample.token) != stop_ids.end())
      return infer::Verdict::kContinue;  // the engine ends it
    const int64_t place = decoded;
    std::string shown_text;
    if (!tokenizer.is_special(sample.token)) shown_text = decoder.push(sample.token);
    if (logprobs)
      waiting.push_back({{sample.token, sample.logprob, sample.top, decoded_characters}, place});
    show(shown_text);
    if (matcher.stopped()) return infer::Verdict::kStop;
    if (in_pieces) send();
    return infer::Verdict::kContinue;
  }

  // Text that has been decoded, as far as no stop string holds it back.
  void show(const std::string& fresh) {
    decoded += std::ssize(fresh);
    decoded_characters += text::count_characters(fresh);
    std::string seen = matcher.push(fresh);
    shown += std::ssize(seen);
    if (trimming) {
      seen.erase(0, std::min(seen.find_first_not_of(" \n\t"), seen.size()));
      trimming = seen.empty();
    }
    piece.text += seen;
    release();
  }

  void release() {
    size_t n = 0;
    for (; n < waiting.size() && waiting[n].place < shown; ++n)
      piece.tokens.push_back(std::move(waiting[n].report));
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(n));
  }

  void send() {
    if (piece.text.empty() && piece.tokens.empty() && !piece.end) return;
    const size_t choice = piece.choice;
    wakes->push(channel, std::move(piece));
    piece = {};
    piece.choice = choice;
  }

  void on_done(const infer::Finished& finished) {
    if (!matcher.stopped()) {
      show(decoder.finish());
      piece.text += matcher.finish();
      for (Waiting& token : waiting) piece.tokens.push_back(std::move(token.report));
    }
    end.reason = finished.reason;
    end.error = finished.error;
    end.prompt_tokens = finished.prompt_tokens;
    end.cached_tokens = finished.cached_tokens;
    end.answer_tokens = tokens - (finished.stopped_by_token ? 1 : 0);
    end.mean_logprob = tokens > 0 ? sum_logprob / static_cast<double>(tokens) : 0;
    piece.end = std::move(end);
    send();
  }

  struct Waiting {
    TokenReport report;
    int64_t place;  // where its text begins, in bytes
  };

  tokenizer::Tokenizer tokenizer;
  tokenizer::StreamDecoder decoder;
  text::StopMatcher matcher;
  std::shared_ptr<http::Channel<Piece>> channel;
  std::shared_ptr<WakeList> wakes;
  bool logprobs, in_pieces, trimming;
  std::vector<int32_t> stop_ids;
  Piece piece;
  AnswerEnd end;
  std::vector<Waiting> waiting;  // tokens whose text is held back
  int64_t decoded = 0, decoded_characters = 0, shown = 0, tokens = 0;
  double sum_logprob = 0;
};

Generation::Generation(std::shared_ptr<ServedModel> model, GenerationOptions options,
                       const boost::asio::any_io_executor& executor)
    : model_(std::move(model)), channel_(std::make_shared<http::Channel<Piece>>(executor)) {
  const size_t choices = static_cast<size_t>(options.choices);
  const size_t answers = options.prompts.size() * choices;
  for (size_t number = 0; number < answers; ++number) {
    const std::vector<int32_t>& prompt = options.prompts[number / choices];
    auto answer = std::make_shared<Answer>(number, model_->model().tokenizer, options, channel_,
                                           model_->wakes());
    infer::Request request{.prompt = prompt, .sampling = options.sampling};
    request.stream = number;
    request.client = options.client;
    try {
      if (options.constraint) request.constraint = options.constraint();
    } catch (const base::Error& error) {  // this vocabulary cannot write what is asked for
      throw ApiError(400, error.what(), "response_format", "invalid_value");
    }
    if (options.score_prompts && prompt.size() > 1) {
      request.score_from = 1;
      request.on_scores = [answer](std::span<const infer::TokenScore> scores) {
        answer->piece.scores.insert(answer->piece.scores.end(), scores.begin(), scores.end());
      };
    }
    request.on_token = [answer](const infer::Sample& sample) { return answer->on_token(sample); };
    request.on_done = [answer](const infer::Finished& finished) { answer->on_done(finished); };
    waiting_.push_back(std::move(request));
  }
  open_ = answers;
  const auto window =
      static_cast<size_t>(std::min(model_->options().max_sequences, model_->options().max_waiting));
  if (!submit(std::min(answers, window))) throw queue_full();
}

// The next `count` of those that wait; false when the engine's queue is full.
bool Generation::submit(size_t count) {
  std::vector<infer::Request> requests;
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  for (auto request = waiting_.begin(); request != end; ++request) requests.push_back(*request);
  try {
    for (const infer::RequestId id : model_->engine().submit(std::move(requests)))
      ids_.push_back(id);
  } catch (const infer::QueueFull&) {
    return false;
  } catch (const base::Error& error) {
    if (!model_->engine().metrics().accepting) throw shutting_down();
    throw ApiError(400, error.what());
  }
  waiting_.erase(waiting_.begin(), end);
  running_ += count;
  return true;
}

Generation::~Generation() { cancel(); }

void Generation::cancel() {
  if (open_ == 0) return;
  waiting_.clear();
  for (const infer::RequestId id : ids_) model_->engine().cancel(id);
  ids_.clear();
}

boost::asio::awaitable<std::vector<Piece>> Generation::next(Clock::time_point deadline) {
  if (open_ == 0) co_return std::vector<Piece>{};
  // Others may have filled the queue; ours go on when there is room.
  while (running_ == 0 && !waiting_.empty() && !submit(1)) {
    if (Clock::now() >= deadline) throw timed_out();
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, kRetry);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  if (running_ == 0 && waiting_.empty()) throw http::Disconnected("the answers were cancelled");
  std::vector<Piece> pieces = co_await channel_->pop_all(deadline);
  if (pieces.empty() || Clock::now() >= deadline) {
    cancel();
    throw timed_out();
  }
  for (const Piece& piece : pieces) {
    if (!piece.end) continue;
    --open_;
    --running_;
    if (!waiting_.empty()) submit(1);
  }
  co_return pieces;
}

}  // namespace parley::server
