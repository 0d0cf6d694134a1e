#include "app/jobs.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <thread>

#include "app/jobs_job.h"
#include "base/log.h"
#include "base/random.h"
#include "data/token_shard.h"
#include "server/sampling.h"

namespace parley::app {
namespace {

namespace asio = boost::asio;
using Clock = server::Clock;

// Answers of one user side by side; the engine's queue bounds those of all.
constexpr size_t kMostOfUser = 16;
constexpr std::chrono::seconds kStaleCheck{5};
constexpr int kFinalTries = 5;
constexpr std::chrono::milliseconds kRetryAfter{400};

ApiError busy() {
  ApiError error(429, "The server has as many answers waiting as it takes. Try again in a moment.",
                 {}, "busy");
  error.retry_after = 2;
  return error;
}

ApiError being_written() { return {409, "This answer is being written already.", {}, "streaming"}; }

server::GenerationOptions generation_options(const Jobs::Start& start, int64_t number) {
  const server::ServedModel& model = *start.model;
  Fields fields(start.params, "params.");
  server::GenerationOptions options;
  options.prompts = {start.prompt.ids};
  options.sampling = server::read_sampling(fields, model);
  options.sampling.seed += static_cast<uint64_t>(number);
  const auto asked = fields.integer("max_tokens", 1, std::numeric_limits<int32_t>::max());
  options.sampling.max_tokens =
      std::min(asked.value_or(start.prompt.max_tokens), start.prompt.max_tokens);
  options.stops = server::read_stops(fields);
  for (std::string& stop : text::chat_stops(model.chat_format()))
    options.stops.push_back(std::move(stop));
  options.trim_start = !start.continued && model.chat_format() == text::ChatFormat::kPlain;
  options.client = data::fnv1a(start.user.id);
  return options;
}

}  // namespace

struct Jobs::Impl {
  explicit Impl(Parts given) : parts(given), timer(context) {}

  asio::awaitable<void> read(std::shared_ptr<Job> job);
  asio::awaitable<void> keep(std::shared_ptr<Job> job);
  asio::awaitable<void> check_stale();
  asio::awaitable<bool> write(std::shared_ptr<Job> job, store::Message message);
  asio::awaitable<void> finish(std::shared_ptr<Job> job);

  std::shared_ptr<Job> find(const store::Id& message) const {
    const std::lock_guard lock(mutex);
    const auto found = jobs.find(message);
    return found == jobs.end() ? nullptr : found->second;
  }
  template <typename Which>
  void end(Job::Reason reason, Which&& which) {
    const std::lock_guard lock(mutex);
    for (const auto& [id, job] : jobs)
      if (which(*job)) asio::post(context, [job = job, reason] { job->cancel(reason); });
  }
  void enter(const std::vector<std::shared_ptr<Job>>& fresh, const store::Id& user);
  void leave(const store::Id& message) {
    const std::lock_guard lock(mutex);
    jobs.erase(message);
    if (jobs.empty()) empty.notify_all();
  }

  Parts parts;
  mutable std::mutex mutex;
  std::condition_variable empty;
  std::map<store::Id, std::shared_ptr<Job>, std::less<>> jobs;
  bool accepting = true;

  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  asio::steady_timer timer;  // of check_stale
  std::thread thread;
};

// Stores `message`, on the pool. False when that failed.
asio::awaitable<bool> Jobs::Impl::write(std::shared_ptr<Job> job, store::Message message) {
  const auto work_there = [](store::Store& store, std::shared_ptr<Job> of,
                             store::Message what) -> asio::awaitable<bool> {
    try {
      // Another server that shares the store may have been asked to stop or to remove it.
      if (!store.update_message(what)) of->ask_to_stop();
      co_return true;
    } catch (const std::exception& error) {
      spdlog::error("an answer could not be stored: {}", error.what());
      co_return false;
    }
  };
  auto task = work_there(parts.store, job, std::move(message));
  co_return co_await asio::co_spawn(parts.pool, std::move(task), asio::use_awaitable);
}

// Takes what the engine makes.
asio::awaitable<void> Jobs::Impl::read(std::shared_ptr<Job> job) {
  std::string error;
  try {
    while (!job->has_end()) {
      std::vector<server::Piece> pieces = co_await job->generation().next(Clock::time_point::max());
      if (pieces.empty()) break;
      job->take(std::move(pieces));
    }
  } catch (const http::Disconnected&) {  // cancelled before it began
  } catch (const std::exception& failure) {
    error = failure.what();
  }
  job->ended(error);
}

// Stores it every now and then, and at the end.
asio::awaitable<void> Jobs::Impl::keep(std::shared_ptr<Job> job) {
  const auto gap = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(std::max(0.01, parts.options.flush_seconds)));
  while (!job->over()) {
    boost::system::error_code ignored;
    job->timer().expires_after(gap);
    co_await job->timer().async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (job->over()) break;
    store::Message message = job->snapshot();
    co_await write(job, std::move(message));
    if (job->asked_to_stop()) job->cancel(Job::Reason::kStopped);
  }
  co_await finish(job);
}

asio::awaitable<void> Jobs::Impl::finish(std::shared_ptr<Job> job) {
  for (int i = 0; i < kFinalTries; ++i) {
    store::Message message = job->result();
    const bool stored = co_await write(job, std::move(message));
    if (stored) break;
    boost::system::error_code ignored;
    job->timer().expires_after(kRetryAfter);
    co_await job->timer().async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  const auto count = [](store::Store& store, std::shared_ptr<Job> of) -> asio::awaitable<void> {
    try {
      count_tokens(store, of->user(), of->tokens());
    } catch (const std::exception& error) {  // a user that was removed meanwhile
      spdlog::warn("tokens were not counted: {}", error.what());
    }
    co_return;
  };
  auto task = count(parts.store, job);
  co_await asio::co_spawn(parts.pool, std::move(task), asio::use_awaitable);
  job->let_go();
  leave(job->id());
}

asio::awaitable<void> Jobs::Impl::check_stale() {
  while (true) {
    boost::system::error_code ended;
    timer.expires_after(kStaleCheck);
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    if (ended) co_return;
    const auto look = [](store::Store& store) -> asio::awaitable<void> {
      try {
        store.interrupt_stale(store::now() - kStaleAfter);
      } catch (const std::exception& error) {
        spdlog::error("looking for answers of servers that ended: {}", error.what());
      }
      co_return;
    };
    auto task = look(parts.store);
    co_await asio::co_spawn(parts.pool, std::move(task), asio::use_awaitable);
  }
}

void Jobs::Impl::enter(const std::vector<std::shared_ptr<Job>>& fresh, const store::Id& user) {
  const std::lock_guard lock(mutex);
  if (!accepting) throw server::shutting_down();
  const auto own = std::ranges::count_if(
      jobs, [&](const auto& entry) { return entry.second->user().id == user; });
  if (static_cast<size_t>(own) + fresh.size() > kMostOfUser) throw busy();
  for (const auto& job : fresh)
    if (jobs.contains(job->id())) throw being_written();
  for (const auto& job : fresh) jobs.emplace(job->id(), job);
}

Jobs::Jobs(Parts parts) : impl_(std::make_unique<Impl>(parts)) {
  const bool shared = parts.store.shared();
  const int64_t left = parts.store.interrupt_stale(
      shared ? store::now() - kStaleAfter : std::numeric_limits<store::Time>::max());
  if (left > 0) spdlog::info("{} answers of a server that ended early are marked as such", left);
  if (shared) asio::co_spawn(impl_->context, impl_->check_stale(), asio::detached);
  impl_->thread = std::thread([impl = impl_.get()] { impl->context.run(); });
}

Jobs::~Jobs() {
  drain(0);
  asio::post(impl_->context, [impl = impl_.get()] { impl->timer.cancel(); });
  impl_->work.reset();
  impl_->thread.join();
}

std::vector<store::Message> Jobs::start(Start start) {
  // 1. A place in the engine's queue for each, or for none.
  std::vector<std::shared_ptr<Job>> fresh;
  const store::Time now = store::now(), seen = start.answers.at(0).heartbeat;
  for (store::Message& message : start.answers) {
    message.status = "streaming";
    message.heartbeat = now;
    message.model = fmt::format("{}@{}", start.model->id(), start.model->fingerprint());
    message.data["params"] = start.params;
    message.data["finish"] = nullptr;
    message.data["error"] = nullptr;
    message.data["used_memories"] = start.prompt.used_memories;
    message.data["citations"] = start.prompt.citations;
    message.data["dropped"] = start.prompt.dropped;
    message.prompt = {{"messages", start.prompt.messages}};
    fresh.push_back(std::make_shared<Job>(start.user, message, impl_->context.get_executor()));
  }
  // Both answers of a pair draw from one random place, a step apart.
  if (!start.params.contains("seed"))
    start.params["seed"] = static_cast<int64_t>(base::random_seed() >> 2);
  impl_->enter(fresh, start.user.id);
  std::vector<std::unique_ptr<server::Generation>> generations;
  try {
    for (size_t i = 0; i < fresh.size(); ++i)
      generations.push_back(std::make_unique<server::Generation>(
          start.model, generation_options(start, static_cast<int64_t>(i)),
          impl_->context.get_executor()));
    // 2. In the store before anything can end.
    for (const store::Message& message : start.before) impl_->parts.store.add_message(message);
    for (const store::Message& message : start.answers) {
      if (!start.continued)
        impl_->parts.store.add_message(message);
      else if (impl_->parts.store.resume_message(message.id, seen, now))
        impl_->parts.store.update_message(message);
      else  // by another server
        throw being_written();
    }
    if (!start.continued && start.answers.size() > 1)
      impl_->parts.store.set_leaf(start.answers[0].conversation, start.answers[0].id);
  } catch (const ApiError& error) {
    for (const auto& job : fresh) impl_->leave(job->id());
    throw error.code == "rate_limit_exceeded" ? busy() : error;
  } catch (...) {
    for (const auto& job : fresh) impl_->leave(job->id());
    throw;
  }
  // 3. On its own from here.
  for (size_t i = 0; i < fresh.size(); ++i)
    asio::post(impl_->context, [impl = impl_.get(), job = fresh[i],
                                generation = std::move(generations[i])]() mutable {
      job->begin(std::move(generation));
      asio::co_spawn(impl->context, impl->read(job), asio::detached);
      asio::co_spawn(impl->context, impl->keep(job), asio::detached);
    });
  return std::move(start.answers);
}

bool Jobs::stop(const store::Id& message) {
  const auto job = impl_->find(message);
  if (!job) return false;
  asio::post(impl_->context, [job] { job->cancel(Job::Reason::kStopped); });
  return true;
}

void Jobs::stop_conversation(const store::Id& conversation) {
  impl_->end(Job::Reason::kStopped,
             [&](const Job& job) { return job.conversation() == conversation; });
}

void Jobs::stop_user(const store::Id& user) {
  impl_->end(Job::Reason::kStopped, [&](const Job& job) { return job.user().id == user; });
}

std::shared_ptr<Jobs::Listener> Jobs::listen(const store::Id& message,
                                             const asio::any_io_executor& executor) {
  const auto job = impl_->find(message);
  return job ? job->listen(job, executor) : nullptr;
}

bool Jobs::has(const store::Id& message) const { return impl_->find(message) != nullptr; }

size_t Jobs::count() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->jobs.size();
}

void Jobs::drain(double seconds) {
  const auto is_empty = [this] { return impl_->jobs.empty(); };
  std::unique_lock lock(impl_->mutex);
  impl_->accepting = false;
  if (impl_->empty.wait_for(lock, std::chrono::duration<double>(seconds), is_empty)) return;
  lock.unlock();
  impl_->end(Job::Reason::kInterrupted, [](const Job&) { return true; });
  lock.lock();
  impl_->empty.wait(lock, is_empty);
}

}  // namespace parley::app
