// As much of HTTP/1.1 and of server-sent events as a load generator needs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace parley::cli {

// "http://host[:port][/prefix]"
struct ServerUrl {
  std::string host, port, prefix;
};
// UsageError for what is no such URL, https too.
ServerUrl parse_server_url(std::string_view url);

// One response, as its bytes come: status, the few header fields of interest, and a body of known
// length, in chunks, or up to the connection's end.
class ResponseParser {
 public:
  using OnBody = std::function<void(std::string_view)>;

  // Takes bytes, up to the response's end; what comes after it is not expected. Error when they
  // are no HTTP.
  void push(std::string_view bytes, const OnBody& on_body);
  // The connection was closed. True if that is where the response ends.
  bool push_end();

  bool any() const { return any_; }  // bytes have come
  bool done() const { return state_ == State::kDone; }
  int status() const { return status_; }
  bool keep_alive() const { return keep_alive_; }
  double retry_after() const { return retry_after_; }  // seconds; −1: not said

 private:
  enum class State { kHead, kBody, kToEnd, kChunkSize, kChunk, kChunkEnd, kTrailer, kDone };

  // Takes a whole line from `bytes`, without its end, into line_; false: not there yet.
  bool take_line(std::string_view& bytes);
  void read_head_line();
  void end_of_head();
  void read_chunk_size();
  void take_body(std::string_view& bytes, const OnBody& on_body);

  State state_ = State::kHead;
  std::string line_, partial_;
  bool any_ = false, chunked_ = false, keep_alive_ = true;
  int status_ = 0;
  int64_t length_ = -1, left_ = 0;
  double retry_after_ = -1;
};

// The `data:` lines of a stream of events.
class EventScanner {
 public:
  // Calls on_data for each whole line, with what stands behind "data: ". Valid during the call.
  void push(std::string_view bytes, const std::function<void(std::string_view)>& on_data);

 private:
  std::string partial_;
};

}  // namespace parley::cli
