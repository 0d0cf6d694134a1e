#include "base/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace parley::base {
namespace {

constexpr size_t kWriteBuffer = size_t{1} << 20;

// Closes a file descriptor at the end of a scope.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// A name beside `path`, so that the rename stays within one file system.
fs::path temporary_name(const fs::path& path) {
  static std::atomic<unsigned> counter{0};
  fs::path name = path;
  name += fmt::format(".{}-{}.tmp", ::getpid(), counter++);
  return name;
}

// "runs/mini/" names the folder "runs/mini".
fs::path without_trailing_slash(const fs::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

[[noreturn]] void fail_write(const fs::path& path, int error) {
  if (error == ENOSPC || error == EDQUOT)
    fail(
        "{}: cannot write: {}. Free some space and run the command again; "
        "what was there before is unchanged.",
        path.string(), std::strerror(error));
  fail("{}: cannot write: {}", path.string(), std::strerror(error));
}

Descriptor open_for_reading(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("{}: cannot open: {}", path.string(), std::strerror(errno));
  return {fd};
}

uint64_t file_size(int fd, const fs::path& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) fail("{}: cannot stat: {}", path.string(), std::strerror(errno));
  if (S_ISDIR(info.st_mode)) fail("{}: is a folder, expected a file", path.string());
  return static_cast<uint64_t>(info.st_size);
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  const Descriptor file = open_for_reading(path);
  const uint64_t size = file_size(file.fd, path);
  if (size > max_bytes)
    fail("{}: {} bytes, more than the {} expected of such a file", path.string(), size, max_bytes);
  std::string content;
  content.reserve(size);
  // Pipes and /proc report size 0, so read until the end rather than `size` bytes.
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = ::read(file.fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("{}: cannot read: {}", path.string(), std::strerror(errno));
    if (n == 0) break;
    if (content.size() + static_cast<size_t>(n) > max_bytes)
      fail("{}: more than the {} bytes expected of such a file", path.string(), max_bytes);
    content.append(buffer, static_cast<size_t>(n));
  }
  return content;
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), temporary_(temporary_name(path_)) {
  // The rename would put a plain file in the place of /dev/null or a folder.
  std::error_code ignored;
  if (const fs::file_status status = fs::status(path_, ignored);
      fs::exists(status) && !fs::is_regular_file(status))
    fail("{}: exists and is not a regular file; choose another name", path_.string());
  if (path_.has_parent_path()) {
    std::error_code error;
    fs::create_directories(path_.parent_path(), error);
    if (error)
      fail("{}: cannot create the folder: {}", path_.parent_path().string(), error.message());
  }
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) fail_write(temporary_, errno);
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, size_t bytes) {
  write(std::string_view(static_cast<const char*>(data), bytes));
}

void AtomicFile::write(std::string_view bytes) {
  written_ += bytes.size();
  if (buffer_.size() + bytes.size() < kWriteBuffer) {
    buffer_.append(bytes);
    return;
  }
  write_out(buffer_);
  buffer_.clear();
  if (bytes.size() < kWriteBuffer)
    buffer_.append(bytes);
  else
    write_out(bytes);
}

void AtomicFile::write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_write(path_, errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

void AtomicFile::commit() {
  PARLEY_CHECK(fd_ >= 0, "commit of {} twice", path_.string());
  write_out(buffer_);
  if (::fsync(fd_) != 0) fail_write(path_, errno);
  if (::close(std::exchange(fd_, -1)) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    fail_write(path_, error);
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    fail_write(path_, error);
  }
  sync_directory(path_.parent_path());
}

void write_file(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void sync_directory(const fs::path& directory) {
  const Descriptor file{
      ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  // Some file systems cannot sync a directory; the rename itself is still atomic.
  if (file.fd >= 0) (void)::fsync(file.fd);
}

AtomicDirectory::AtomicDirectory(const fs::path& path)
    : path_(without_trailing_slash(path)), temporary_(temporary_name(path_)) {
  std::error_code error;
  if (const fs::file_status status = fs::status(path_, error);
      fs::exists(status) && !fs::is_directory(status))
    fail("{}: exists and is not a folder; choose another name", path_.string());
  fs::create_directories(temporary_, error);
  if (error) fail("{}: cannot create: {}", temporary_.string(), error.message());
}

AtomicDirectory::~AtomicDirectory() {
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
}

void AtomicDirectory::commit() {
  sync_directory(temporary_);
  std::error_code error;
  if (!fs::exists(path_)) {
    fs::rename(temporary_, path_, error);
  } else if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) !=
             0) {
    // rename() cannot replace a folder that holds files; the exchange above can, in one
    // step. Where the file system does not know it (some network ones), two steps.
    const fs::path old = temporary_name(path_);
    fs::rename(path_, old, error);
    if (!error) {
      fs::rename(temporary_, path_, error);
      std::error_code ignored;
      if (error) fs::rename(old, path_, ignored);
    }
    if (!error) temporary_ = old;
  }
  if (error) fail("{}: cannot put the new folder in place: {}", path_.string(), error.message());
  sync_directory(path_.parent_path());
  // What is left under the temporary name is the folder that was replaced.
  fs::remove_all(temporary_, error);
}

MappedFile::MappedFile(const fs::path& path) {
  // Before opening: the open of a pipe waits for a writer.
  std::error_code ignored;
  if (const fs::file_status status = fs::status(path, ignored);
      fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status))
    fail("{}: is a pipe or device, expected a file on a disk", path.string());
  const Descriptor file = open_for_reading(path);
  size_ = file_size(file.fd, path);
  if (size_ == 0) return;
  void* data = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.fd, 0);
  if (data == MAP_FAILED) fail("{}: cannot map: {}", path.string(), std::strerror(errno));
  data_ = static_cast<const std::byte*>(data);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

std::string human_bytes(double bytes) {
  const char* units[] = {"B", "kB", "MB", "GB", "TB"};
  int unit = 0;
  while (bytes >= 1000 && unit < 4) bytes /= 1000, ++unit;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, units[unit]);
}

}  // namespace parley::base
