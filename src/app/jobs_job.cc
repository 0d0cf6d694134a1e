#include "app/jobs_job.h"

#include "base/log.h"
#include "store/utf8.h"

namespace parley::app {
namespace {

using server::Clock;

int64_t milliseconds(Clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

int64_t number(const Json& data, const char* name) {
  const auto found = data.find(name);
  return found != data.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

}  // namespace

// Reads the job's text at its own pace; what waits for it is at most one nudge.
class Job::Listening : public Jobs::Listener {
 public:
  Listening(std::shared_ptr<const Job> job, const boost::asio::any_io_executor& executor)
      : job_(std::move(job)), nudges_(executor) {}

  boost::asio::awaitable<Update> next(Clock::time_point deadline) override {
    Update update = take();
    if (!update.text.empty() || update.done) co_return update;
    co_await nudges_.pop_all(deadline);
    nudged_ = false;
    co_return take();
  }
  void wake() override {
    if (!nudged_.exchange(true)) nudges_.push(0);
  }

 private:
  Update take() {
    Update update = job_->since(at_);
    at_ += update.text.size();
    return update;
  }

  std::shared_ptr<const Job> job_;
  http::Channel<char> nudges_;
  std::atomic<bool> nudged_ = false;
  size_t at_ = 0;
};

Job::Job(store::User user, store::Message message, boost::asio::any_io_executor executor)
    : user_(std::move(user)),
      message_(std::move(message)),
      timer_(std::move(executor)),
      text_(message_.content) {}

void Job::begin(std::unique_ptr<server::Generation> generation) {
  generation_ = std::move(generation);
  if (reason_ != Reason::kNone) generation_->cancel();
}

std::shared_ptr<Jobs::Listener> Job::listen(const std::shared_ptr<Job>& self,
                                            const boost::asio::any_io_executor& executor) {
  auto listener = std::make_shared<Listening>(self, executor);
  const std::lock_guard lock(mutex_);
  std::erase_if(listeners_, [](const auto& other) { return other.expired(); });
  listeners_.push_back(listener);
  return listener;
}

Jobs::Listener::Update Job::since(size_t from) const {
  const std::lock_guard lock(mutex_);
  return {.text = text_.substr(from), .done = stored_};
}

void Job::take(std::vector<server::Piece> pieces) {
  {
    const std::lock_guard lock(mutex_);
    for (server::Piece& piece : pieces) {
      text_ += store::valid_text(piece.text);  // as it will be stored: offsets count on it
      if (piece.end) end_ = std::move(piece.end);
    }
  }
  notify();
}

void Job::ended(const std::string& error) {
  error_ = error;
  over_ = true;
  timer_.cancel();
}

void Job::cancel(Reason reason) {
  if (over_ || reason_ != Reason::kNone) return;
  reason_ = reason;
  if (generation_) generation_->cancel();
}

store::Message Job::snapshot() const {
  store::Message message = message_;
  message.heartbeat = store::now();
  const std::lock_guard lock(mutex_);
  message.content = text_;
  return message;
}

store::Message Job::result() const {
  store::Message message = snapshot();
  Json& data = message.data;
  data["finish"] = nullptr;
  const auto reason = end_ ? end_->reason : infer::FinishReason::kCancelled;
  if (reason == infer::FinishReason::kStop || reason == infer::FinishReason::kLength) {
    message.status = "done";
    data["finish"] = infer::finish_reason_name(reason);
  } else if (reason == infer::FinishReason::kError || !error_.empty()) {
    message.status = "error";
    const std::string& why = end_ ? end_->error : error_;
    data["error"] = fmt::format("The model failed: {}", why);
    spdlog::error("an answer failed: {}", why);
  } else if (reason_ == Reason::kStopped) {
    message.status = "stopped";
  } else {  // the server ends, or the model was taken away
    message.status = "interrupted";
  }
  if (end_) {
    data["prompt_tokens"] = end_->prompt_tokens;
    data["answer_tokens"] = number(message_.data, "answer_tokens") + end_->answer_tokens;
    if (end_->answer_tokens > 0) data["first_token_ms"] = milliseconds(end_->first_token - began_);
    data["total_ms"] = number(message_.data, "total_ms") + milliseconds(Clock::now() - began_);
  }
  return message;
}

int64_t Job::tokens() const { return end_ ? end_->prompt_tokens + end_->answer_tokens : 0; }

void Job::let_go() {
  {
    const std::lock_guard lock(mutex_);
    stored_ = true;
  }
  notify();
  generation_.reset();  // and with it the model, if nobody else has it
}

void Job::notify() {
  std::vector<std::shared_ptr<Listening>> listeners;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& listener : listeners_)
      if (auto alive = listener.lock()) listeners.push_back(std::move(alive));
  }
  for (const auto& listener : listeners) listener->wake();
}

}  // namespace parley::app
