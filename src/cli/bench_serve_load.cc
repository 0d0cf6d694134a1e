// The loop of the load generator: one thread, epoll, raw HTTP. The engine it measures usually runs
// on the same cores, so it must hardly use them.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "cli/bench_serve.h"
#include "cli/bench_serve_client.h"

namespace parley::cli {
namespace {

using Outcome = LoadClient::Outcome;

constexpr double kTick = 0.02;         // seconds between looks at what waits for time to pass
constexpr double kMemoryInterval = 1;  // seconds
constexpr double kLongestPause = 5;    // after a 429, whatever it says
constexpr double kSettleSeconds = 5;   // for the server to notice that all is over
constexpr double kDrainSeconds = 120;  // for the last answers

LoadClock::duration as_time(double seconds) {
  return std::chrono::duration_cast<LoadClock::duration>(std::chrono::duration<double>(seconds));
}
double since(LoadClock::time_point start) {
  return std::chrono::duration<double>(LoadClock::now() - start).count();
}

std::string head_of(const ServerUrl& url, std::string_view method, const std::string& path,
                    const std::string& key) {
  std::string head = fmt::format("{} {}{} HTTP/1.1\r\nHost: {}:{}\r\nUser-Agent: parley-bench\r\n",
                                 method, url.prefix, path, url.host, url.port);
  if (!key.empty()) head += "Authorization: Bearer " + key + "\r\n";
  return head;
}

// Words that most tokenizers have as one token, drawn anew for each request: no prefix is shared.
std::string random_prompt(const base::Philox& random, int64_t words) {
  constexpr std::string_view kWords[] = {"the",    "house", "water", "people", "time",   "small",
                                         "light",  "river", "stone", "green",  "table",  "world",
                                         "night",  "music", "paper", "road",   "bread",  "white",
                                         "garden", "city",  "horse", "window", "summer", "story"};
  std::string text = "Tell me about";
  for (int64_t i = 0; i < words; ++i)
    text += fmt::format(" {}", kWords[random.below(static_cast<uint64_t>(i), std::size(kWords))]);
  return text;
}

double resident_bytes(int64_t pid) {
  std::ifstream file(fmt::format("/proc/{}/statm", pid));
  int64_t size = 0, resident = -1;
  file >> size >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

class LoadRun {
 public:
  LoadRun(const LoadOptions& options, std::function<bool()> interrupted)
      : options_(options),
        interrupted_(std::move(interrupted)),
        url_(parse_server_url(options.url)),
        clients_(static_cast<size_t>(options.clients)),
        poller_(epoll_create1(EPOLL_CLOEXEC)) {
    if (poller_ < 0) base::fail("epoll is not to be had");
  }
  ~LoadRun() { ::close(poller_); }

  LoadResult run() {
    choose_model();
    start_ = LoadClock::now();
    while (true) {
      const bool begins = may_begin();
      if (begins) {
        for (LoadClient& client : clients_)
          if (!client.active && may_begin() && LoadClock::now() >= client.wake) begin(client);
      } else if (stopped_ < 0) {
        stopped_ = since(start_);
      }
      if (active_ == 0 && !begins) break;
      if (stopped_ >= 0 && since(start_) > stopped_ + kDrainSeconds) break;
      poll();
      watch_memory();
    }
    result_.seconds = since(start_);
    for (LoadClient& client : clients_) {
      if (client.active) count(client, Outcome::kFailed, "unfinished at the end");
      client.close();
    }
    settle();
    return std::move(result_);
  }

 private:
  void choose_model() {
    if (!options_.model.empty()) return;
    const std::string list = fetch(url_, "/v1/models", options_.key, 30);
    const auto json = nlohmann::json::parse(list, nullptr, false);
    if (!json.is_object() || !json.contains("data") || !json["data"].is_array() ||
        json["data"].empty() || !json["data"][0].contains("id"))
      base::fail("{}/v1/models lists no model; name one with --model", options_.url);
    options_.model = json["data"][0]["id"].get<std::string>();
  }

  bool may_begin() const {
    if (interrupted_()) return false;
    return options_.requests > 0 ? begun_ < options_.requests : since(start_) < options_.seconds;
  }

  void begin(LoadClient& client) {
    const auto number = static_cast<uint64_t>(begun_++);
    const base::Philox random(options_.seed, number);
    nlohmann::json body = {
        {"model", options_.model},
        {"max_tokens", options_.max_tokens},
        {"seed", number},
        {"messages",
         {{{"role", "user"}, {"content", random_prompt(random, options_.prompt_tokens)}}}}};
    if (options_.stream) {
      body["stream"] = true;
      body["stream_options"] = {{"include_usage", true}};
    }
    body["temperature"] = options_.temperature;
    if (options_.ignore_eos) body["ignore_eos"] = true;
    const std::string text = body.dump();
    const std::string bytes =
        head_of(url_, "POST", "/v1/chat/completions", options_.key) +
        fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", text.size(),
                    text);
    // Who goes away does so after a random part of the answer; without a stream, of the time
    // answers take.
    const base::Philox leaving(options_.seed, number + (uint64_t{1} << 40));
    int64_t after = -1;
    auto at = LoadClock::time_point::max();
    if (leaving.uniform(0) < options_.disconnect) {
      after = static_cast<int64_t>(
          leaving.below(1, static_cast<uint64_t>(std::max<int64_t>(1, options_.max_tokens))));
      const double usual = result_.latency.empty() ? 1.0 : quantile(result_.latency, 0.5);
      if (!options_.stream) at = LoadClock::now() + as_time(usual * leaving.uniform(2));
    }
    ++active_;
    try {
      client.begin(url_, bytes, options_.stream, after, at);
    } catch (const base::Error&) {
      return count(client, Outcome::kFailed, "no connection");
    }
    go_on(client);
  }

  void go_on(LoadClient& client) {
    const Outcome outcome = client.go_on(LoadClock::now(), options_.timeout_seconds, result_);
    if (outcome != Outcome::kGoesOn) return count(client, outcome, client.error());
    tell_poller(client);
  }

  void tell_poller(LoadClient& client) {
    const bool write = client.wants_write();
    if (client.fd_known == client.fd() && client.write_known == write) return;
    epoll_event event{};
    event.events = EPOLLIN | (write ? static_cast<uint32_t>(EPOLLOUT) : 0);
    event.data.ptr = &client;
    const int what = client.fd_known == client.fd() ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    epoll_ctl(poller_, what, client.fd(), &event);
    client.fd_known = client.fd();
    client.write_known = write;
  }

  void count(LoadClient& client, Outcome outcome, const std::string& error) {
    --active_;
    client.active = false;
    switch (outcome) {
      case Outcome::kDone: ++result_.done; break;
      case Outcome::kDisconnected: ++result_.disconnected; break;
      case Outcome::kRefused: {
        ++result_.refused;
        const double asked = client.retry_after() >= 0 ? client.retry_after() : 1;
        client.wake = LoadClock::now() + as_time(std::min(asked, kLongestPause));
        break;
      }
      default:
        ++result_.failed;
        ++result_.errors[result_.errors.size() < 20 || result_.errors.contains(error) ? error
                                                                                      : "others"];
        client.wake = LoadClock::now() + as_time(0.1);  // no storm against a server that is down
    }
  }

  void poll() {
    epoll_event events[64];
    const int n = epoll_wait(poller_, events, std::size(events), static_cast<int>(kTick * 1000));
    for (int i = 0; i < n; ++i) {
      auto& client = *static_cast<LoadClient*>(events[i].data.ptr);
      if (client.active)
        go_on(client);
      else
        client.close();  // the server ended a connection that nobody uses
    }
    if (since(start_) < last_tick_ + kTick) return;
    last_tick_ = since(start_);
    for (LoadClient& client : clients_)
      if (client.active) go_on(client);
  }

  void watch_memory() {
    if (options_.pid == 0 || since(start_) < next_memory_) return;
    next_memory_ += kMemoryInterval;
    const double bytes = resident_bytes(options_.pid);
    if (bytes > 0) result_.memory.push_back({since(start_), bytes});
  }

  // Has anything outlived its client?
  void settle() {
    const auto start = LoadClock::now();
    try {
      do {
        const std::string text = fetch(url_, "/metrics", options_.key, 5);
        result_.running_after = metric_value(text, "parley_engine_running");
        result_.waiting_after = metric_value(text, "parley_engine_waiting");
        if (result_.running_after <= 0 && result_.waiting_after <= 0) return;
        usleep(100'000);
      } while (since(start) < kSettleSeconds);
    } catch (const base::Error&) {
      result_.running_after = result_.waiting_after = -1;  // it has no metrics
    }
  }

  LoadOptions options_;
  std::function<bool()> interrupted_;
  ServerUrl url_;
  std::deque<LoadClient> clients_;
  int poller_;
  LoadResult result_;
  LoadClock::time_point start_;
  int64_t begun_ = 0, active_ = 0;
  double stopped_ = -1, last_tick_ = 0, next_memory_ = 0;
};

}  // namespace

LoadResult run_load(const LoadOptions& options, const std::function<bool()>& interrupted) {
  return LoadRun(options, interrupted).run();
}

std::string fetch(const ServerUrl& url, const std::string& path, const std::string& key,
                  double timeout_seconds) {
  LoadClient client;
  LoadResult ignored;
  client.begin(url, head_of(url, "GET", path, key) + "Connection: close\r\n\r\n", false, -1,
               LoadClock::time_point::max());
  const auto start = LoadClock::now();
  Outcome outcome = Outcome::kGoesOn;
  while (outcome == Outcome::kGoesOn && since(start) < timeout_seconds) {
    outcome = client.go_on(LoadClock::now(), timeout_seconds, ignored);
    if (outcome == Outcome::kGoesOn) usleep(1000);
  }
  if (client.status() != 200)
    base::fail("GET http://{}:{}{}{}: {}; is the server running?", url.host, url.port, url.prefix,
               path, client.status() > 0 ? fmt::format("status {}", client.status()) : "no answer");
  return client.body();
}

double quantile(std::vector<float> values, double q) {
  if (values.empty()) return 0;
  const int64_t place = std::llround(q * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, values.begin() + place);
  return static_cast<double>(values[static_cast<size_t>(place)]);
}

double memory_slope(const std::vector<MemorySample>& memory) {
  if (memory.empty()) return 0;
  const double warm = memory.back().seconds / 10;
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (const MemorySample& sample : memory) {
    if (sample.seconds < warm) continue;
    ++n;
    x += sample.seconds;
    y += sample.bytes;
    xx += sample.seconds * sample.seconds;
    xy += sample.seconds * sample.bytes;
  }
  const double spread = n * xx - x * x;
  return n < 3 || spread <= 0 ? 0 : (n * xy - x * y) / spread;
}

double metric_value(std::string_view text, std::string_view name) {
  double sum = -1;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view metric = line.substr(0, line.find_first_of("{ "));
    if (metric != name) continue;
    const std::string value(line.substr(line.rfind(' ') + 1));
    sum = std::max(sum, 0.0) + std::strtod(value.c_str(), nullptr);
  }
  return sum;
}

}  // namespace parley::cli
