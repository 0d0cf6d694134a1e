#include "app/web_files.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>

#include "app/app_test_util.h"
#include "base/files.h"

namespace parley::app {
namespace {

namespace fs = std::filesystem;

std::string gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(text.size() + 100, '\0');
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string pack_of(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string head, bodies;
  for (const auto& [path, text] : files) {
    const std::string body = gzip(text);
    head += fmt::format("{} hash{} {} {}\n", path, text.size(), text.size(), body.size());
    bodies += body;
  }
  return head + "\n" + bodies;
}

http::Request get(const std::string& path, const std::string& encoding = {},
                  const std::string& tag = {}) {
  http::Request request;
  request.method = "GET";
  request.path = path;
  request.headers.set("Accept", "text/html,*/*;q=0.8");
  if (!encoding.empty()) request.headers.set("Accept-Encoding", encoding);
  if (!tag.empty()) request.headers.set("If-None-Match", tag);
  return request;
}

int status_of(const WebFiles& files, const http::Request& request) {
  try {
    return files.get(request).status;
  } catch (const server::ApiError& error) {
    return error.status;
  }
}

TEST(WebFiles, Packed) {
  const std::string script(100'000, 's');
  const std::string pack = pack_of({{"assets/index-B4xHk2Qd.js", script},
                                    {"favicon.svg", "<svg/>"},
                                    {"index.html", "<!doctype html>你好"}});
  const WebFiles files({}, pack);
  for (const char* path : {"/", "/index.html", "/c/abc", "/app/settings", "/a/b/c"}) {
    const http::Response page = files.get(get(path));
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.body, "<!doctype html>你好") << path;
    EXPECT_EQ(page.headers.find("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(page.headers.find("Cache-Control"), "no-cache");
    const std::string policy(page.headers.find("Content-Security-Policy").value_or(""));
    EXPECT_NE(policy.find("default-src 'self'"), std::string::npos);
    EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
    EXPECT_EQ(policy.find("script-src 'self' 'unsafe"), std::string::npos);
    EXPECT_EQ(page.headers.find("X-Content-Type-Options"), "nosniff");
    EXPECT_TRUE(page.headers.find("Referrer-Policy"));
  }
  const http::Response plain = files.get(get("/assets/index-B4xHk2Qd.js"));
  EXPECT_EQ(plain.body, script);
  EXPECT_NE(plain.headers.find("Cache-Control").value_or("").find("immutable"), std::string::npos);
  EXPECT_FALSE(plain.headers.find("Content-Encoding"));
  const http::Response small = files.get(get("/assets/index-B4xHk2Qd.js", "br, gzip;q=0.8"));
  EXPECT_EQ(small.headers.find("Content-Encoding"), "gzip");
  EXPECT_EQ(small.headers.find("Vary"), "Accept-Encoding");
  EXPECT_EQ(gunzip(small.body, 1 << 20), script);
  EXPECT_FALSE(files.get(get("/", "gzip;q=0")).headers.find("Content-Encoding"));
  EXPECT_FALSE(files.get(get("/", "br")).headers.find("Content-Encoding"));

  const std::string tag(plain.headers.find("ETag").value_or(""));
  EXPECT_EQ(status_of(files, get("/assets/index-B4xHk2Qd.js", "", tag)), 304);
  EXPECT_EQ(status_of(files, get("/assets/index-B4xHk2Qd.js", "", "\"a\", W/" + tag)), 304);
  EXPECT_EQ(status_of(files, get("/assets/index-B4xHk2Qd.js", "", "\"other\"")), 200);
  EXPECT_EQ(files.get(get("/", "", "*")).body, "");
  for (const char* path : {"/assets/gone.js", "/x.png", "/../secret.txt", "/robots.txt"})
    EXPECT_EQ(status_of(files, get(path)), 404) << path;
}

TEST(WebFiles, DamagedPacks) {
  const std::string pack = pack_of({{"index.html", "text"}});
  for (size_t i = 1; i < pack.size(); ++i)
    EXPECT_THROW(WebFiles({}, std::span(pack.data(), i)), base::Error) << i;
  EXPECT_THROW(WebFiles({}, pack_of({{"other.html", "text"}})), base::Error);
  EXPECT_THROW(gunzip("nonsense", 100), base::Error);
  EXPECT_THROW(gunzip(gzip(std::string(1000, 'x')), 999), base::Error);
}

TEST(WebFiles, NothingBuiltIn) {
  const WebFiles files({}, {});
  const http::Response page = files.get(get("/"));
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("npm run build"), std::string::npos);
  EXPECT_EQ(status_of(files, get("/x.js")), 404);
}

TEST(WebFiles, AFolder) {
  const ModelFolder place;
  const fs::path folder = place.path() / "dist";
  fs::create_directories(folder / "assets");
  base::write_file(folder / "index.html", "page");
  base::write_file(folder / "assets" / "a.css", "style");
  base::write_file(place.path() / "secret.txt", "secret");
  fs::create_symlink(place.path() / "secret.txt", folder / "link.txt");
  const WebFiles files(folder, {});
  EXPECT_EQ(files.get(get("/")).body, "page");
  EXPECT_EQ(files.get(get("/c/some/place")).body, "page");
  EXPECT_EQ(files.get(get("/assets/a.css")).body, "style");
  EXPECT_EQ(files.get(get("/assets")).body, "page");
  for (const char* path :
       {"/../secret.txt", "/assets/../../secret.txt", "/link.txt", "/none.js", "//etc/hosts.txt"})
    EXPECT_EQ(status_of(files, get(path)), 404) << path;
  EXPECT_EQ(status_of(files, get(std::string("/a\0b.txt", 8))), 404);
  EXPECT_THROW(WebFiles(place.path(), {}), base::Error);
}

class Pages : public AppTest {};

TEST_F(Pages, AreServedWithoutASession) {
  Browser browser;
  const http::Response page = send(browser, "GET", "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_FALSE(page.headers.find("Set-Cookie"));
  EXPECT_EQ(send(browser, "GET", "/chat/x").status, 404);  // no browser asks so
  http::Request place = request_of(browser, "HEAD", "/chat/x");
  place.headers.set("Accept", "text/html");
  EXPECT_EQ(send(place).status, 200);
  EXPECT_EQ(send(browser, "GET", "/gone.js").status, 404);
  browser.host = "evil.example";
  EXPECT_EQ(send(browser, "GET", "/").status, 403);
  for (const char* path : {"/v1/models", "/v1", "/health", "/ready", "/metrics", "/tokenize"})
    EXPECT_FALSE(App::owns("GET", path)) << path;
  for (const char* path : {"/", "/app/api/session", "/assets/x.js", "/v12", "/healthy"})
    EXPECT_TRUE(App::owns("GET", path)) << path;
  EXPECT_TRUE(App::owns("POST", "/app/api/login"));
  EXPECT_FALSE(App::owns("POST", "/chat/completions"));  // the API says what is wrong
}

}  // namespace
}  // namespace parley::app
