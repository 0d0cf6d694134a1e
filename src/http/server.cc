#include "http/server.h"

#include <pthread.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "http/connection.h"

namespace parley::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Connections beyond the limit that are told so at a time; further ones are just closed.
constexpr int64_t kMaxRefused = 64;
// For handlers to unwind when their connections have been closed.
constexpr auto kUnwind = std::chrono::seconds(1);

// Signals are the program's business; a thread started here must never receive one.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

struct Server::Impl {
  Impl(ServerOptions options, ServerHooks hooks)
      : shared(std::move(options), std::move(hooks)),
        io(std::max(1, shared.options.threads)),
        acceptor(asio::make_strand(io)) {}

  void listen();
  Task accept_all();
  void take(tcp::socket socket);
  void stop_accepting();
  void shut_down_connections(bool now);
  bool wait_until_idle(double seconds);
  void run();

  Shared shared;
  // Destroyed first, with whatever coroutines are left: they use `shared`.
  asio::io_context io;
  tcp::acceptor acceptor;
  uint16_t port = 0;
  std::vector<std::thread> threads;

  std::mutex connections_mutex;
  uint64_t next_connection = 0;
  std::unordered_map<uint64_t, std::weak_ptr<Connection>> connections;
};

void Server::Impl::listen() {
  const ServerOptions& options = shared.options;
  boost::system::error_code error;
  const asio::ip::address address = asio::ip::make_address(options.address, error);
  if (error)
    base::fail("\"{}\" is not an address to listen on: give one such as 127.0.0.1, 0.0.0.0 or ::",
               options.address);
  const tcp::endpoint endpoint(address, options.port);
  const auto try_to = [&](const char* what) {
    if (error)
      base::fail("cannot {} on {} port {}: {}; is another program using it? Choose another port",
                 what, options.address, options.port, error.message());
  };
  acceptor.open(endpoint.protocol(), error);
  try_to("open a socket");
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  acceptor.bind(endpoint, error);
  try_to("listen");
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  try_to("listen");
  port = acceptor.local_endpoint(error).port();
}

Task Server::Impl::accept_all() {
  asio::steady_timer pause(acceptor.get_executor());
  while (acceptor.is_open()) {
    tcp::socket socket(asio::make_strand(io));
    boost::system::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await acceptor.async_accept(socket, token);
    if (!acceptor.is_open()) co_return;
    if (!error) {
      take(std::move(socket));
      continue;
    }
    if (error == asio::error::connection_aborted) continue;
    // Mostly no file descriptors left: they come back when connections end.
    spdlog::warn("accepting a connection: {}", error.message());
    pause.expires_after(std::chrono::milliseconds(50));
    co_await pause.async_wait(token);
  }
}

void Server::Impl::take(tcp::socket socket) {
  boost::system::error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return;  // gone already
  socket.set_option(tcp::no_delay(true), error);
  int64_t open = 0, refusing = 0;
  {
    const std::lock_guard lock(shared.mutex);
    open = shared.numbers.connections - shared.refusing;
    refusing = shared.refusing;
  }
  const bool refused = open >= shared.options.max_connections;
  shared.count(refused ? shared.numbers.refused : shared.numbers.accepted, 1);
  if (refused && refusing >= kMaxRefused) return;

  const auto executor = socket.get_executor();
  const auto connection =
      std::make_shared<Connection>(std::move(socket), peer.address(), shared, refused);
  uint64_t id = 0;
  {
    const std::lock_guard lock(connections_mutex);
    id = next_connection++;
    connections.emplace(id, connection);
  }
  asio::co_spawn(executor, connection->run(), [this, id, connection](std::exception_ptr) {
    const std::lock_guard lock(connections_mutex);
    connections.erase(id);
  });
  // An accept that came between the drain's first look and the acceptor's end.
  if (shared.draining) connection->shut_down(false);
}

void Server::Impl::stop_accepting() {
  asio::post(acceptor.get_executor(), [this] {
    boost::system::error_code ignored;
    acceptor.close(ignored);
  });
}

void Server::Impl::shut_down_connections(bool now) {
  std::vector<std::shared_ptr<Connection>> live;
  {
    const std::lock_guard lock(connections_mutex);
    for (const auto& [id, weak] : connections)
      if (auto connection = weak.lock()) live.push_back(std::move(connection));
  }
  for (const auto& connection : live) connection->shut_down(now);
}

bool Server::Impl::wait_until_idle(double seconds) {
  std::unique_lock lock(shared.mutex);
  return shared.changed.wait_for(lock, std::chrono::duration<double>(seconds),
                                 [this] { return shared.busy == 0; });
}

void Server::Impl::run() {
  while (true) {
    try {
      io.run();
      return;
    } catch (const std::exception& error) {
      // A callback's: the others' connections go on.
      spdlog::error("http: {}", error.what());
    }
  }
}

Server::Server(ServerOptions options, ServerHooks hooks)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(hooks))) {
  PARLEY_CHECK(impl_->shared.hooks.handler != nullptr, "a server needs a handler");
  impl_->listen();
}

Server::~Server() {
  stop();
  impl_->io.stop();
  for (std::thread& thread : impl_->threads) thread.join();
}

uint16_t Server::port() const { return impl_->port; }

std::string Server::url() const {
  const ServerOptions& options = impl_->shared.options;
  const bool v6 = options.address.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", impl_->shared.tls ? "https" : "http", v6 ? "[" : "",
                     options.address, v6 ? "]" : "", impl_->port);
}

void Server::start() {
  PARLEY_CHECK(impl_->threads.empty(), "a server starts once");
  Impl* const impl = impl_.get();
  asio::co_spawn(impl->acceptor.get_executor(), impl->accept_all(), asio::detached);
  const BlockedSignals blocked;
  const int threads = std::max(1, impl->shared.options.threads);
  for (int i = 0; i < threads; ++i) impl->threads.emplace_back([impl] { impl->run(); });
}

bool Server::drain(double seconds) {
  Impl& impl = *impl_;
  impl.shared.draining = true;
  if (impl.threads.empty()) {  // never started
    boost::system::error_code ignored;
    impl.acceptor.close(ignored);
    return true;
  }
  impl.stop_accepting();
  impl.shut_down_connections(/*now=*/false);
  const bool idle = impl.wait_until_idle(seconds);
  impl.shut_down_connections(/*now=*/true);
  std::unique_lock lock(impl.shared.mutex);
  impl.shared.changed.wait_for(lock, kUnwind, [&] { return impl.shared.numbers.connections == 0; });
  return idle;
}

void Server::stop() { drain(0); }

Server::Numbers Server::numbers() const {
  const std::lock_guard lock(impl_->shared.mutex);
  return impl_->shared.numbers;
}

}  // namespace parley::http
