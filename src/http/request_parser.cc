#include "http/request_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <utility>

#include "http/text.h"

namespace parley::http {
namespace {

namespace bhttp = boost::beast::http;
using BeastParser = bhttp::request_parser<bhttp::string_body>;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

bool has_control(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  return false;
}

Refusal refusal_of(const boost::system::error_code& error, int64_t max_header, int64_t max_body) {
  if (error == bhttp::error::header_limit)
    return {431, "the head of the request is longer than " + std::to_string(max_header) + " bytes"};
  if (error == bhttp::error::body_limit)
    return {413, "the body of the request is longer than " + std::to_string(max_body) + " bytes"};
  return {400, "malformed request: " + error.message()};
}

}  // namespace

struct RequestParser::Impl {
  Impl(int64_t max_header_bytes, int64_t max_body_bytes)
      : max_header(max_header_bytes), max_body(max_body_bytes) {
    parser.header_limit(static_cast<uint32_t>(max_header));
    parser.body_limit(static_cast<uint64_t>(max_body));
  }

  void refuse(int status, std::string message) {
    if (!refusal) refusal = Refusal{status, std::move(message)};
  }

  // Whether Host, Transfer-Encoding, … are such that every server reads this request alike.
  void check_framing() {
    const auto& message = parser.get();
    const auto coding = message.find(bhttp::field::transfer_encoding);
    if (coding != message.end()) {
      if (message.count(bhttp::field::transfer_encoding) > 1 ||
          !equal_ignoring_case(trim(view(coding->value())), "chunked"))
        return refuse(400, "the only Transfer-Encoding there is here is chunked");
      if (http_1_0) return refuse(400, "HTTP/1.0 has no Transfer-Encoding");
      if (message.count(bhttp::field::content_length) > 0)
        return refuse(400, "Content-Length and Transfer-Encoding exclude each other");
    }
    const size_t hosts = message.count(bhttp::field::host);
    if (hosts > 1 || (hosts == 0 && !http_1_0)) return refuse(400, "a request has one Host field");
  }

  // The target's three forms: "/path?query", "http://host/path?query", "*".
  void take_target(std::string_view target) {
    if (has_control(target)) return refuse(400, "control characters in the request target");
    if (target == "*") {
      if (request.method != "OPTIONS") return refuse(400, "the target * is for OPTIONS only");
      request.path = "*";
      return;
    }
    if (!target.starts_with("/")) {
      const size_t scheme = target.find("://");
      const std::string_view name = target.substr(0, scheme);
      if (scheme == std::string_view::npos ||
          !(equal_ignoring_case(name, "http") || equal_ignoring_case(name, "https")))
        return refuse(400, "the request target must begin with /");
      target.remove_prefix(scheme + 3);
      const size_t slash = target.find_first_of("/?");
      target = slash == std::string_view::npos ? std::string_view() : target.substr(slash);
    }
    const size_t question = target.find('?');
    const auto path = percent_decode(target.substr(0, question));
    if (!path) return refuse(400, "malformed percent-encoding in the path");
    if (has_control(*path)) return refuse(400, "control characters in the path");
    if (path->find('#') != std::string::npos && target.find('#') < question)
      return refuse(400, "a request target has no fragment");
    request.path = path->starts_with("/") ? *path : "/" + *path;
    if (question != std::string_view::npos) request.query = target.substr(question + 1);
  }

  // Before the body: trailers of a chunked body must not become header fields.
  void take_head() {
    const auto& message = parser.get();
    http_1_0 = message.version() == 10;
    keep_alive = message.keep_alive();
    if (message.version() != 10 && message.version() != 11)
      return refuse(400, "this server speaks HTTP/1.1 and HTTP/1.0");
    check_framing();
    request.method = view(message.method_string());
    for (const auto& field : message)
      request.headers.add(view(field.name_string()), view(field.value()));
    take_target(view(message.target()));
    const auto expect = request.headers.find("Expect");
    if (!expect || http_1_0) return;
    expects_continue = equal_ignoring_case(trim(*expect), "100-continue");
    if (!expects_continue) refuse(400, "the only expectation met here is 100-continue");
  }

  const int64_t max_header, max_body;
  BeastParser parser;
  bool head_taken = false;
  bool keep_alive = false, http_1_0 = false, expects_continue = false;
  Request request;
  std::optional<Refusal> refusal;
};

RequestParser::RequestParser(int64_t max_header_bytes, int64_t max_body_bytes)
    : impl_(std::make_unique<Impl>(max_header_bytes, max_body_bytes)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

size_t RequestParser::put(std::string_view bytes) {
  Impl& impl = *impl_;
  size_t consumed = 0;
  // The parser wants a head whole, and a chunk's size line whole: what it leaves comes again.
  while (!impl.refusal && !impl.parser.is_done() && consumed < bytes.size()) {
    boost::system::error_code error;
    const size_t n = impl.parser.put(
        boost::asio::const_buffer(bytes.data() + consumed, bytes.size() - consumed), error);
    consumed += n;
    if (impl.parser.is_header_done() && !impl.head_taken) {
      impl.head_taken = true;
      impl.take_head();
      if (!impl.expects_continue) impl.parser.eager(true);
      // The body waits for the caller, who may have to answer an Expect field first.
      if (!error) return consumed;
    }
    if (error == bhttp::error::need_more) break;
    if (error) {
      const Refusal refusal = refusal_of(error, impl.max_header, impl.max_body);
      impl.refuse(refusal.status, refusal.message);
    } else if (n == 0) {
      break;
    }
  }
  const size_t left = bytes.size() - consumed;
  // Chunk extensions and trailers have no other bound.
  if (!done() && !impl.refusal && left > static_cast<size_t>(impl.max_header) + 4)
    impl.refuse(impl.head_taken ? 400 : 431, "a line of the request is too long");
  return consumed;
}

bool RequestParser::head_done() const { return impl_->head_taken; }
bool RequestParser::done() const { return impl_->head_taken && impl_->parser.is_done(); }
const std::optional<Refusal>& RequestParser::refusal() const { return impl_->refusal; }
const Request& RequestParser::request() const { return impl_->request; }
bool RequestParser::keep_alive() const { return impl_->keep_alive; }
bool RequestParser::http_1_0() const { return impl_->http_1_0; }
bool RequestParser::expects_continue() const { return impl_->expects_continue; }

Request RequestParser::release() {
  impl_->request.body = std::move(impl_->parser.get().body());
  return std::move(impl_->request);
}

}  // namespace parley::http
