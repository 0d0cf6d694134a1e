// The web app's files, built into the program or from a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/message.h"

namespace parley::app {

class WebFiles {
 public:
  // `folder`: where to read them anew each time (development); empty: from `pack`, which
  // cmake/pack_web.mjs made and must outlive this: lines of "PATH HASH BYTES GZIP_BYTES", an
  // empty line, and the files' gzip one behind the other. An empty pack: nothing was built.
  // Error when the folder does not exist or the pack is damaged.
  WebFiles(std::filesystem::path folder, std::span<const char> pack);

  // The answer to a GET. Unknown paths whose last part has no dot, asked for by a browser
  // (Accept: text/html), are places in the app: index.html. ApiError 404.
  http::Response get(const http::Request& request) const;

 private:
  struct File {
    std::string hash;
    uint64_t bytes = 0, offset = 0, gzip_bytes = 0;
  };
  http::Response packed(const http::Request& request, const std::string& path) const;
  http::Response from_folder(const http::Request& request, const std::string& path) const;

  std::filesystem::path folder_;
  std::map<std::string, File, std::less<>> files_;
  std::string_view contents_;  // where the offsets count from
};

// The media type of a file's name: "text/html; charset=utf-8".
std::string_view media_type(std::string_view name);

// What a gzip file holds. Error when it is damaged or holds more than `most` bytes.
std::string gunzip(std::string_view gzip, uint64_t most);

}  // namespace parley::app
