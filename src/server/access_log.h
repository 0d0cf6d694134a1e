// One line for each request: who, what, how it ended, how long it took; never what was said.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "http/server.h"

namespace spdlog {
class logger;
}

namespace parley::server {

class AccessLog {
 public:
  // `target`: stderr, off, or a file, which is appended to. Error when it cannot be opened.
  AccessLog(const std::string& target, bool json);
  ~AccessLog();

  // Never waits for the disk: when it cannot keep up, the oldest lines are lost. Thread-safe.
  void write(const http::AccessRecord& record);
  // Opens the file anew, after a log rotation moved it away.
  void reopen();

 private:
  void open();

  std::string target_;
  bool json_;
  std::mutex mutex_;
  std::shared_ptr<spdlog::logger> logger_;
};

// The line without its end.
std::string access_line(const http::AccessRecord& record, bool json);

}  // namespace parley::server
