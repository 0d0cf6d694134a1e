// Files: whole-file reads, atomic writes, memory maps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace parley::base {

namespace fs = std::filesystem;

// The whole file as bytes. Error if it cannot be read or is larger than
// `max_bytes`, so that a wrong path never becomes an allocation bomb.
std::string read_file(const fs::path& path, uint64_t max_bytes = uint64_t{4} << 30);

// Writes a file so that a reader sees either the old content or the new one:
// bytes go to a temporary name in the same folder, `commit()` flushes them to the
// disk (fsync) and renames. Without commit() the temporary is removed. Error
// (with the remedy) when the disk is full, a write fails, or the name belongs to
// something that is not a regular file.
class AtomicFile {
 public:
  explicit AtomicFile(fs::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void write(const void* data, size_t bytes);
  void commit();
  uint64_t bytes_written() const { return written_; }

 private:
  void write_out(std::string_view bytes);

  fs::path path_, temporary_;
  int fd_ = -1;
  uint64_t written_ = 0;
  std::string buffer_;
};

// AtomicFile in one call.
void write_file(const fs::path& path, std::string_view bytes);

// Makes the renames inside `directory` durable.
void sync_directory(const fs::path& directory);

// Builds a directory under a temporary name beside `path`; commit() puts it in the
// place of `path` in one step, so that a killed process leaves either what was there
// before or the whole new directory. `path()` is where to write until commit().
class AtomicDirectory {
 public:
  explicit AtomicDirectory(const fs::path& path);
  ~AtomicDirectory();
  AtomicDirectory(const AtomicDirectory&) = delete;
  AtomicDirectory& operator=(const AtomicDirectory&) = delete;

  const fs::path& path() const { return temporary_; }
  void commit();

 private:
  fs::path path_, temporary_;
};

// A read-only memory map of a file. An empty file maps to an empty span.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const fs::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// "12.3 MB" and the like, for people.
std::string human_bytes(double bytes);

}  // namespace parley::base
