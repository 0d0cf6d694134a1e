// The exchange a handler sees, over a connection.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/connection.h"
#include "http/exchange.h"

namespace parley::http {

class ConnectionExchange final : public Exchange {
 public:
  struct Options {
    bool keep_alive = true;
    bool http_1_0 = false;
  };
  // References `request`, `connection` and `shared`.
  ConnectionExchange(Connection& connection, const Shared& shared, const Request& request,
                     Options options);

  const Request& request() const override { return request_; }
  Task reply(Response response) override;
  Task begin(Response response) override;
  Task write(std::string_view piece) override;
  Task end() override;
  bool begun() const override { return begun_; }
  void on_disconnect(std::function<void()> callback) override;
  bool disconnected() const override { return gone_; }
  void note(std::string_view key, std::string_view value) override;

  // The connection's word that the client has gone.
  void client_gone();
  // No more callbacks: the handler has returned.
  void handler_ended() { callback_ = nullptr; }
  // The whole answer is with the operating system.
  bool complete() const { return complete_; }
  bool keeps_alive() const { return options_.keep_alive; }
  // The connection ends with this answer.
  void close_after() { options_.keep_alive = false; }

  AccessRecord record() const;

 private:
  std::string head(Response& response, bool whole);
  Task send(std::string_view bytes);

  Connection& connection_;
  const Shared& shared_;
  const Request& request_;
  Options options_;
  const bool head_only_;
  std::string client_id_;  // the client's own name for the request, if it has a safe one
  bool begun_ = false, complete_ = false, streaming_ = false, gone_ = false, failed_ = false;
  bool chunked_ = false;
  int status_ = 0;
  int64_t response_bytes_ = 0;
  std::function<void()> callback_;
  std::vector<std::pair<std::string, std::string>> notes_;
};

}  // namespace parley::http
