// One request and its answer, as a handler sees them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <string_view>

#include "base/error.h"
#include "http/message.h"

namespace parley::http {

using Task = boost::asio::awaitable<void>;

// The client went away, or reads so slowly that the write timeout ran out.
class Disconnected : public base::Error {
 public:
  using base::Error::Error;
};

// Everything here runs on the connection's strand, as the handler does.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Request& request() const = 0;

  // The whole answer at once. At most one of reply() and begin() is called, once.
  virtual Task reply(Response response) = 0;

  // An answer in pieces (chunked; HTTP/1.0: until the connection closes). `response.body` is
  // sent with the head. A piece is with the operating system when write() returns, so a slow
  // reader makes only its own handler wait. Error: Disconnected.
  virtual Task begin(Response response) = 0;
  virtual Task write(std::string_view piece) = 0;
  virtual Task end() = 0;
  // Whether begin() or reply() was called: what goes wrong now can no longer become a status.
  virtual bool begun() const = 0;

  // Called once, on the strand, as soon as the client has gone (also while the handler waits for
  // something else), never after the handler returned. At once if it is gone already. A client
  // that only closed its sending side looks the same, so reply() is tried even then; begin() and
  // write() are not.
  virtual void on_disconnect(std::function<void()> callback) = 0;
  virtual bool disconnected() const = 0;

  // What the access log should say beside the usual (key: model, tokens, …).
  virtual void note(std::string_view key, std::string_view value) = 0;
};

// A handler must reply; what it throws, or no reply at all, becomes a 500 (or ends the connection
// when the answer had begun).
using Handler = std::function<Task(Exchange&)>;

}  // namespace parley::http
