#include "server/access_log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>

#include "base/error.h"
#include "server/fields.h"

namespace parley::server {
namespace {

constexpr size_t kWaitingLines = 8192;
constexpr size_t kLongestText = 512;

std::string time_text() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(now - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

// What a client sent, on one line and not longer than it is worth.
std::string safe(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kLongestText)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '"' || c == '\\')
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string access_line(const http::AccessRecord& record, bool json) {
  if (json) {
    Json line = {{"time", time_text()},
                 {"id", record.id},
                 {"peer", record.peer},
                 {"method", record.method.substr(0, kLongestText)},
                 {"path", record.path.substr(0, kLongestText)},
                 {"status", record.status},
                 {"seconds", record.seconds},
                 {"request_bytes", record.request_bytes},
                 {"response_bytes", record.response_bytes},
                 {"user_agent", record.user_agent.substr(0, kLongestText)}};
    for (const auto& [key, value] : record.notes) line[key] = value;
    return line.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  std::string line = fmt::format("{} {} {} \"{} {}\" {} {:.1f} ms {} B", time_text(), record.id,
                                 record.peer, safe(record.method), safe(record.path), record.status,
                                 1000 * record.seconds, record.response_bytes);
  for (const auto& [key, value] : record.notes) line += fmt::format(" {}={}", key, safe(value));
  return line;
}

AccessLog::AccessLog(const std::string& target, bool json) : target_(target), json_(json) {
  if (target_ != "off") open();
}

AccessLog::~AccessLog() = default;

void AccessLog::open() {
  // One thread writes the lines of all.
  static const auto pool = std::make_shared<spdlog::details::thread_pool>(kWaitingLines, 1);
  spdlog::sink_ptr sink;
  try {
    if (target_ == "stderr")
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    else
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(target_);
  } catch (const spdlog::spdlog_ex& error) {
    base::fail("the access log: {}", error.what());
  }
  auto logger = std::make_shared<spdlog::async_logger>(
      "access", sink, pool, spdlog::async_overflow_policy::overrun_oldest);
  logger->set_pattern("%v");
  logger->flush_on(spdlog::level::info);
  const std::lock_guard lock(mutex_);
  logger_ = std::move(logger);
}

void AccessLog::reopen() {
  if (target_ != "off" && target_ != "stderr") open();
}

void AccessLog::write(const http::AccessRecord& record) {
  std::shared_ptr<spdlog::logger> logger;
  {
    const std::lock_guard lock(mutex_);
    logger = logger_;
  }
  if (logger) logger->info("{}", access_line(record, json_));
}

}  // namespace parley::server
