#include "eval/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/log.h"

namespace parley::eval {
namespace {

using std::chrono::milliseconds;

struct Receiver {
  std::string body;
  size_t max_bytes;
  bool too_large = false;
};

size_t receive(const char* data, size_t size, size_t count, void* target) {
  auto& receiver = *static_cast<Receiver*>(target);
  if (receiver.body.size() + size * count > receiver.max_bytes) {
    receiver.too_large = true;
    return 0;  // ends the transfer
  }
  receiver.body.append(data, size * count);
  return size * count;
}

int check_interrupt(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return base::interrupted() ? 1 : 0;
}

// "https://host/v1/x?key=1" → "https://host/v1/x", for messages.
std::string shown(const std::string& url) { return url.substr(0, url.find_first_of("?#")); }

bool may_pass(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

// The beginning of an answer on one line.
std::string excerpt(std::string_view body) {
  std::string text(body.substr(0, 300));
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

struct HttpClient::Attempt {
  std::optional<HttpResponse> response;
  std::string problem;  // when there is none
  bool final = false;   // no use trying again
  milliseconds retry_after{0};
};

HttpClient::HttpClient(const HttpOptions& options) : options_(options) {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) base::fail("cannot start libcurl");
  });
  curl_ = curl_easy_init();
  if (!curl_) throw std::bad_alloc();
}

HttpClient::~HttpClient() { curl_easy_cleanup(curl_); }

HttpClient::Attempt HttpClient::attempt(const std::string& url, const void* headers,
                                        std::string_view body) {
  CURL* curl = curl_;
  Receiver receiver{{}, options_.max_bytes};
  char reason[CURL_ERROR_SIZE] = {};
  curl_easy_reset(curl);  // keeps the connection
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "parley");
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);  // several threads
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, long{options_.connect_timeout.count()});
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, long{options_.timeout.count()});
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, check_interrupt);

  const CURLcode code = curl_easy_perform(curl);
  Attempt result;
  if (code == CURLE_ABORTED_BY_CALLBACK) base::fail("interrupted");
  if (receiver.too_large) {
    result.problem = fmt::format("the answer has more than {} bytes", options_.max_bytes);
    result.final = true;
    return result;
  }
  if (code != CURLE_OK) {
    result.problem = reason[0] ? reason : curl_easy_strerror(code);
    result.final = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
                   code == CURLE_PEER_FAILED_VERIFICATION;
    return result;
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (!may_pass(static_cast<int>(status))) {
    result.response = HttpResponse{static_cast<int>(status), std::move(receiver.body), 1};
    return result;
  }
  result.problem = fmt::format("status {}: {}", status, excerpt(receiver.body));
  curl_off_t seconds = 0;
  if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
    result.retry_after = milliseconds(1000 * std::min<curl_off_t>(seconds, 86400));
  return result;
}

void HttpClient::wait(milliseconds time) const {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    if (base::interrupted()) base::fail("interrupted");
    const auto left =
        std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now());
    std::this_thread::sleep_for(std::clamp(left, milliseconds(1), milliseconds(100)));
  }
}

HttpResponse HttpClient::post(const std::string& url, const std::vector<std::string>& headers,
                              std::string_view body) {
  curl_slist* list = nullptr;
  for (const std::string& header : headers) {
    if (header.find_first_of("\r\n") != std::string::npos) {
      curl_slist_free_all(list);
      base::fail("a header of a request holds a line break; is there one in the key?");
    }
    list = curl_slist_append(list, header.c_str());
  }
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owner(list,
                                                                          curl_slist_free_all);
  milliseconds backoff = options_.backoff;
  for (int attempts = 1;; ++attempts) {
    Attempt result = attempt(url, list, body);
    if (result.response) {
      result.response->attempts = attempts;
      return *std::move(result.response);
    }
    if (result.final) base::fail("{}: {}", shown(url), result.problem);
    if (attempts > options_.retries)
      base::fail("{}: {} (given up after {} attempts)", shown(url), result.problem, attempts);
    const milliseconds pause =
        std::min(std::max(backoff, result.retry_after), options_.max_backoff);
    spdlog::debug("{}: {}; again in {:.1f} s", shown(url), result.problem,
                  std::chrono::duration<double>(pause).count());
    wait(pause);
    backoff = std::min(2 * backoff, options_.max_backoff);
  }
}

}  // namespace parley::eval
