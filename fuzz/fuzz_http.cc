// A server and a client that sends anything: every answer is well-formed, a refusal ends the
// connection, and the connection ends soon after the client's last byte.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "base/log.h"
#include "http/http_test_util.h"

namespace {

using parley::http::RawAnswer;
using parley::http::RawClient;
using parley::http::TestServer;

// Lives as long as the process: starting one for each input would be most of the time.
const TestServer& server() {
  static const TestServer* const kServer = [] {
    spdlog::set_level(spdlog::level::off);
    parley::http::ServerOptions options = TestServer::options();
    options.max_header_bytes = 4096;
    options.max_body_bytes = 1 << 16;
    // Never reached: the client's end comes first, unless something hangs.
    options.header_seconds = options.body_seconds = options.idle_seconds = 3600;
    return new TestServer(parley::http::echo, options, /*keep_records=*/false);
  }();
  return *kServer;
}

// Says what is wrong with which bytes: the input alone may not fail again.
void require(bool good, const char* what, std::string_view answers) {
  if (good) return;
  std::fprintf(stderr, "fuzz_http: %s; unread answers, %zu bytes:\n%.*s\n", what, answers.size(),
               static_cast<int>(answers.size()), answers.data());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  RawClient client(server().port());
  client.send(bytes);
  client.half_close();
  require(client.closes(10000), "the connection is still open after ten seconds", client.unread());
  // Answers to HEAD have lengths without bodies: whose answers are whose is not known here.
  if (bytes.find("HEAD") != std::string_view::npos) return 0;
  std::string unread = client.unread();
  for (bool refused = false; !unread.empty();) {
    const std::string all = unread;
    require(!refused, "an answer follows a refusal", all);
    RawAnswer answer;
    try {
      answer = parley::http::parse_answer(unread, /*head=*/false, /*at_end=*/true);
    } catch (const std::exception& error) {
      require(false, error.what(), all);
    }
    require(answer.complete, "an answer without its end", all);
    require(answer.status == 100 || answer.status == 200 || answer.status == 204 ||
                (answer.status >= 400 && answer.status < 500),
            "an unexpected status", all);
    refused = answer.status >= 400;
  }
  // Thousands of connections a second: none may keep its port for a minute.
  client.reset();
  return 0;
}
