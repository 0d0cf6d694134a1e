#include "app/web_files.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>

#include "base/files.h"
#include "data/token_shard.h"
#include "http/text.h"
#include "server/api_error.h"

namespace parley::app {
namespace {

namespace fs = std::filesystem;
using server::ApiError;

constexpr std::string_view kIndex = "index.html";
constexpr uint64_t kMostFile = 64 << 20;

// No script but the app's own files, no frame around it. KaTeX sets styles on its elements.
constexpr std::string_view kPolicy =
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: "
    "blob:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action "
    "'self'; frame-ancestors 'none'";

constexpr std::string_view kNothingBuilt =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>parley</title>"
    "<h1>The web app is not built in</h1>"
    "<p>This program was built without it. With Node.js 18 or newer and npm installed, build it "
    "again: <code>./run build</code> (CMake: <code>-DPARLEY_WEB=ON</code>). Or build the app alone "
    "(<code>npm ci &amp;&amp; npm run build</code> in <code>web/</code>) and start "
    "<code>parley serve --web web/dist</code>.</p><p>The API is at <code>/v1</code>.</p></html>\n";

// Names that say what is in them: "assets/index-B4xHk2Qd.js".
bool is_hashed(std::string_view path) {
  if (!path.starts_with("assets/")) return false;
  const size_t dash = path.rfind('-'), dot = path.find('.', dash == path.npos ? 0 : dash);
  return dash != path.npos && dot != path.npos && dot - dash > 8;
}

bool accepts_gzip(const http::Request& request) {
  std::string_view list = request.headers.find("Accept-Encoding").value_or("");
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    const std::string_view item = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const size_t semicolon = item.find(';');
    const std::string_view name = http::trim(item.substr(0, semicolon));
    if (!http::equal_ignoring_case(name, "gzip") && name != "*") continue;
    if (semicolon == std::string_view::npos) return true;
    const std::string_view quality = http::trim(item.substr(semicolon + 1));
    return quality.find_first_of("123456789") != std::string_view::npos;
  }
  return false;
}

bool matches_tag(const http::Request& request, const std::string& tag) {
  std::string_view list = request.headers.find("If-None-Match").value_or("");
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    std::string_view item = http::trim(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == tag || item == "*") return true;
  }
  return false;
}

http::Response page_head(std::string_view path, const std::string& tag) {
  http::Response response;
  response.headers.set("Content-Type", media_type(path));
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Referrer-Policy", "same-origin");
  response.headers.set("Content-Security-Policy", kPolicy);
  response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.set("Cross-Origin-Resource-Policy", "same-origin");
  response.headers.set("X-Frame-Options", "DENY");
  response.headers.set("Cache-Control",
                       is_hashed(path) ? "public, max-age=31536000, immutable" : "no-cache");
  if (!tag.empty()) response.headers.set("ETag", tag);
  return response;
}

[[noreturn]] void no_file(const http::Request& request) {
  throw ApiError(404,
                 fmt::format("Unknown request URL: {} {}. There is no such page.", request.method,
                             request.path.substr(0, 200)),
                 {}, "unknown_url");
}

// Whether what is no file is a place in the app, which a browser goes to. A client of the API with
// a wrong address should not take a page for an answer.
bool is_place(const http::Request& request, std::string_view path) {
  if (path == kIndex) return true;
  const std::string_view wanted = request.headers.find("Accept").value_or("");
  if (wanted.find("text/html") == std::string_view::npos) return false;
  const size_t slash = path.rfind('/');
  return path.substr(slash == path.npos ? 0 : slash + 1).find('.') == path.npos;
}

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    base::fail("the web app that was built in is damaged: '{}' is no number", text);
  return value;
}

std::string_view take(std::string_view& text, char until) {
  const size_t end = text.find(until);
  if (end == std::string_view::npos) base::fail("the web app that was built in is damaged");
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end + 1);
  return taken;
}

}  // namespace

std::string_view media_type(std::string_view name) {
  struct Type {
    std::string_view ending, type;
  };
  static constexpr Type kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".webp", "image/webp"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".woff", "font/woff"},
      {".ttf", "font/ttf"},
      {".txt", "text/plain; charset=utf-8"},
      {".map", "application/json"},
      {".wasm", "application/wasm"},
      {".md", "text/markdown; charset=utf-8"},
  };
  for (const Type& known : kTypes)
    if (name.ends_with(known.ending)) return known.type;
  return "application/octet-stream";
}

std::string gunzip(std::string_view gzip, uint64_t most) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) base::fail("zlib gives no memory");
  std::string out;
  std::string block(64 * 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));  // zlib only reads it
  stream.avail_in = static_cast<uInt>(gzip.size());
  int state = Z_OK;
  while (state == Z_OK && out.size() <= most) {
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = static_cast<uInt>(block.size());
    state = inflate(&stream, Z_NO_FLUSH);
    out.append(block, 0, block.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (state != Z_STREAM_END || out.size() > most) base::fail("a compressed file is damaged");
  return out;
}

WebFiles::WebFiles(fs::path folder, std::span<const char> pack) : folder_(std::move(folder)) {
  if (!folder_.empty()) {
    if (!fs::exists(folder_ / kIndex))
      base::fail(
          "{}: there is no index.html; build the web app (npm run build in web/) and give "
          "its dist folder",
          folder_.string());
    folder_ = fs::canonical(folder_);
    return;
  }
  std::string_view rest(pack.data(), pack.size());
  if (rest.empty()) return;
  uint64_t offset = 0;
  for (std::string_view line = take(rest, '\n'); !line.empty(); line = take(rest, '\n')) {
    const std::string path(take(line, ' '));
    File file;
    file.hash = take(line, ' ');
    file.bytes = number(take(line, ' '));
    file.gzip_bytes = number(line);
    file.offset = offset;
    offset += file.gzip_bytes;
    files_.emplace(path, std::move(file));
  }
  contents_ = rest;
  if (offset != contents_.size() || files_.find(kIndex) == files_.end())
    base::fail("the web app that was built in is damaged");
}

http::Response WebFiles::get(const http::Request& request) const {
  const std::string path = request.path == "/" ? std::string(kIndex) : request.path.substr(1);
  if (!folder_.empty()) return from_folder(request, path);
  return packed(request, path);
}

http::Response WebFiles::packed(const http::Request& request, const std::string& path) const {
  auto found = files_.find(path);
  if (found == files_.end() && !is_place(request, path)) no_file(request);
  if (files_.empty()) {
    http::Response response = page_head(kIndex, {});
    response.body = kNothingBuilt;
    return response;
  }
  if (found == files_.end()) found = files_.find(kIndex);
  const File& file = found->second;
  const std::string_view gzip = contents_.substr(file.offset, file.gzip_bytes);
  const std::string tag = fmt::format("\"{}\"", file.hash);
  http::Response response = page_head(found->first, tag);
  response.headers.set("Vary", "Accept-Encoding");
  if (matches_tag(request, tag)) {
    response.status = 304;
  } else if (accepts_gzip(request)) {
    response.headers.set("Content-Encoding", "gzip");
    response.body = gzip;
  } else {
    response.body = gunzip(gzip, file.bytes);
  }
  return response;
}

http::Response WebFiles::from_folder(const http::Request& request, const std::string& path) const {
  std::error_code ignored;
  fs::path file = fs::weakly_canonical(folder_ / path, ignored);
  // Nothing outside the folder, by ".." or by links.
  const fs::path inside = file.lexically_relative(folder_);
  const bool good = !ignored && !inside.empty() && *inside.begin() != ".." &&
                    path.find('\0') == std::string::npos && fs::is_regular_file(file, ignored);
  if (!good) {
    if (!is_place(request, path)) no_file(request);
    file = folder_ / kIndex;
  }
  std::string bytes = base::read_file(file, kMostFile);
  const std::string tag = fmt::format("\"{:016x}\"", data::fnv1a(bytes));
  http::Response response = page_head(file.lexically_relative(folder_).string(), tag);
  if (matches_tag(request, tag))
    response.status = 304;
  else
    response.body = std::move(bytes);
  return response;
}

}  // namespace parley::app
