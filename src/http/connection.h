// One connection of a client: requests in, answers out.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "http/proxies.h"
#include "http/request_parser.h"
#include "http/server.h"
#include "http/transport.h"

namespace parley::http {

using Clock = std::chrono::steady_clock;

// What the connections of a server share.
struct Shared {
  Shared(ServerOptions server_options, ServerHooks server_hooks);

  const ServerOptions options;
  const ServerHooks hooks;
  const TrustedProxies proxies;
  std::optional<boost::asio::ssl::context> tls;
  std::atomic<bool> draining = false;

  std::mutex mutex;
  std::condition_variable changed;
  Server::Numbers numbers;  // under mutex, as is:
  int64_t busy = 0;         // connections between the first byte of a request and its answer's last
  int64_t refusing = 0;     // connections that are only told that there are too many

  // Adds to one of the counts, and tells who waits for them.
  void count(int64_t& number, int64_t by);
};

class ConnectionExchange;

// Everything but shut_down() runs on the connection's strand. Lives as long as its coroutine and
// what it has under way.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `refused`: there are too many; says so and ends.
  Connection(boost::asio::ip::tcp::socket socket, boost::asio::ip::address peer, Shared& shared,
             bool refused);
  ~Connection();

  Task run();

  // From any thread. `now`: whatever is under way ends; otherwise only a connection that waits
  // for a request does, the others with their next answer.
  void shut_down(bool now);

  // For the exchange: all of `bytes`, to the operating system. Error: Disconnected.
  Task write(std::string_view bytes);

 private:
  Task serve();
  boost::asio::awaitable<bool> serve_request();
  boost::asio::awaitable<bool> wait_for_request();
  boost::asio::awaitable<bool> read_request(RequestParser& parser);
  Task read_until(RequestParser& parser, bool whole, Clock::time_point deadline);
  boost::asio::awaitable<bool> answer(RequestParser& parser);
  Task run_handler(ConnectionExchange& exchange);
  Task refuse(const Refusal& refusal, const Request& request);
  Task send_error(ConnectionExchange& exchange, int status, const std::string& message);
  Task linger();
  void finish(const ConnectionExchange& exchange);

  void start_reading();
  void on_read(const boost::system::error_code& error, size_t n);
  // Until something was read, the connection ended, or the deadline.
  Task wait(Clock::time_point deadline);
  void set_busy(bool busy);
  // Closes the connection after `time`, unless that is set anew before: for everything that is
  // under way but not a read.
  void close_after(Clock::duration time);
  void close_unless_taken(Clock::duration time, int64_t queued);
  void close();

  Shared& shared_;
  Transport transport_;
  const boost::asio::ip::address peer_;
  const bool refused_;
  boost::asio::steady_timer signal_, close_timer_;

  std::string buffer_;  // read and not yet parsed
  std::array<char, 16 * 1024> chunk_;
  bool reading_ = false;  // into chunk_
  bool ended_ = false;    // the client will send nothing more
  bool closed_ = false;
  bool busy_ = false;
  std::optional<Refusal> refusal_;          // for what this request did in time, not in form
  ConnectionExchange* exchange_ = nullptr;  // while its handler runs
};

}  // namespace parley::http
