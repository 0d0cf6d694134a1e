// Answers of a model as they are made: from the engine's thread to the coroutine that sends them.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/channel.h"
#include "server/piece.h"
#include "server/served_model.h"

namespace parley::server {

struct GenerationOptions {
  std::vector<std::vector<int32_t>> prompts;
  int64_t choices = 1;  // answers to each prompt: answer p · choices + i is the i-th of prompt p
  infer::SamplingParams sampling;  // `logprobs`: how many alternatives
  bool logprobs = false;           // report tokens
  std::vector<std::string> stops;  // texts that end an answer
  bool score_prompts = false;
  bool trim_start = false;  // no white space at the beginning of an answer
  bool in_pieces = true;    // false: one piece an answer, when it has ended
  uint64_t client = 0;      // clients take turns
  // Makes each answer's constraint; empty: none.
  std::function<std::shared_ptr<infer::Constraint>()> constraint;
};

class Generation {
 public:
  // Puts the answers into the engine's queue, as many as run together; the others follow as these
  // end. ApiError 429 when the queue is full (none is queued then), 400 when the engine
  // refuses one.
  Generation(std::shared_ptr<ServedModel> model, GenerationOptions options,
             const boost::asio::any_io_executor& executor);
  // Ends what has not ended.
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  // What came since the last call; waits when there is nothing. Empty when all have ended. ApiError
  // 503 when `deadline` passes first.
  boost::asio::awaitable<std::vector<Piece>> next(Clock::time_point deadline);
  // Ends what has not ended, within a step of the engine.
  void cancel();

 private:
  struct Answer;
  bool submit(size_t count);

  std::shared_ptr<ServedModel> model_;
  std::shared_ptr<http::Channel<Piece>> channel_;
  std::vector<infer::RequestId> ids_;
  std::deque<infer::Request> waiting_;  // for their turn
  size_t open_ = 0;                     // answers whose end has not been seen
  size_t running_ = 0;                  // of these, those the engine has
};

}  // namespace parley::server
