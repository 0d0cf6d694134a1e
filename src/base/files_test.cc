#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "base/error.h"

namespace parley::base {
namespace {

// A folder of its own for each test, removed afterwards.
class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "parley-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Names in a folder.
  static std::vector<std::string> names(const fs::path& folder) {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder))
      found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }

  fs::path folder_;
};

// The message of the Error that fn throws; empty if it throws none.
template <typename Fn>
std::string error_of(Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << '"' << text << "\" does not contain \"" << part << '"';
}

TEST_F(Files, WriteAndReadBack) {
  const fs::path path = folder_ / "new" / "deep" / "file";
  const std::string content("a\0b\n", 4);
  write_file(path, content);
  EXPECT_EQ(read_file(path), content);
  EXPECT_EQ(names(path.parent_path()), std::vector<std::string>{"file"});
  write_file(path, "");
  EXPECT_EQ(read_file(path), "");
}

TEST_F(Files, WritesOfEverySizeArriveInOrder) {
  const fs::path path = folder_ / "file";
  std::string expected;
  AtomicFile file(path);
  // Around the buffer's size: less, equal, more, then small ones again.
  for (const size_t size : {1ul, 100'000ul, 1ul << 20, (1ul << 20) - 1, 3ul << 20, 0ul, 7ul}) {
    const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
    expected += piece;
    file.write(piece.data(), piece.size());
  }
  EXPECT_EQ(file.bytes_written(), expected.size());
  file.commit();
  EXPECT_EQ(read_file(path), expected);
}

TEST_F(Files, WithoutCommitNothingChanges) {
  const fs::path path = folder_ / "file";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write(std::string(3 << 20, 'x'));
    EXPECT_EQ(read_file(path), "old");
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(names(folder_), std::vector<std::string>{"file"});
}

TEST_F(Files, AFullDiskKeepsTheOldFile) {
  const fs::path path = folder_ / "file";
  write_file(path, "old");
  // A file size limit fails write() the way a full disk does, in a child of its own.
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 16, 1 << 16};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message = error_of([&] { write_file(path, std::string(1 << 20, 'x')); });
    ::_exit(message.find("cannot write") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(names(folder_), std::vector<std::string>{"file"});
}

TEST_F(Files, RefusesWhatIsNoFile) {
  EXPECT_TRUE(contains(error_of([&] { read_file(folder_ / "none"); }), "cannot open"));
  EXPECT_TRUE(contains(error_of([&] { read_file(folder_); }), "is a folder"));
  EXPECT_TRUE(contains(error_of([&] { MappedFile(folder_ / "none"); }), "cannot open"));
  EXPECT_TRUE(contains(error_of([&] { MappedFile{folder_}; }), "is a folder"));
  EXPECT_TRUE(contains(error_of([&] { MappedFile("/dev/zero"); }), "is a pipe or device"));
  EXPECT_TRUE(contains(error_of([&] { write_file("/dev/null", "x"); }), "not a regular file"));
  EXPECT_TRUE(contains(error_of([&] { write_file(folder_, "x"); }), "not a regular file"));
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(contains(error_of([&] { MappedFile(folder_ / "pipe"); }), "is a pipe or device"));
  write_file(folder_ / "file", "x");
  EXPECT_TRUE(contains(error_of([&] { AtomicDirectory(folder_ / "file"); }), "not a folder"));
  EXPECT_TRUE(contains(error_of([&] { write_file(folder_ / "file" / "below", "x"); }),
                       "cannot create the folder"));
}

TEST_F(Files, ReadStopsAtTheLimit) {
  write_file(folder_ / "file", std::string(1000, 'x'));
  EXPECT_EQ(read_file(folder_ / "file", 1000).size(), 1000u);
  EXPECT_TRUE(contains(error_of([&] { read_file(folder_ / "file", 999); }), "more than the 999"));
  // A device reports size 0 and never ends.
  EXPECT_TRUE(contains(error_of([&] { read_file("/dev/zero", 1 << 20); }), "more than"));
  EXPECT_FALSE(read_file("/proc/self/status").empty());
}

TEST_F(Files, MapsAndMoves) {
  write_file(folder_ / "file", "hello");
  write_file(folder_ / "empty", "");
  MappedFile a(folder_ / "file");
  EXPECT_EQ(a.text(), "hello");
  EXPECT_EQ(a.bytes().size(), 5u);
  MappedFile b(std::move(a));
  EXPECT_EQ(b.text(), "hello");
  a = std::move(b);
  EXPECT_EQ(a.text(), "hello");
  EXPECT_EQ(MappedFile(folder_ / "empty").text(), "");
  // Replacing the file leaves the mapped one alone: the rename makes a new inode.
  write_file(folder_ / "file", "other");
  EXPECT_EQ(a.text(), "hello");
}

TEST_F(Files, DirectoryAppearsAtCommit) {
  const fs::path path = folder_ / "parent" / "model";
  {
    AtomicDirectory directory(path);
    write_file(directory.path() / "sub" / "a", "1");
    EXPECT_FALSE(fs::exists(path));
    directory.commit();
    EXPECT_EQ(read_file(path / "sub" / "a"), "1");
  }
  EXPECT_EQ(read_file(path / "sub" / "a"), "1");
  {
    AtomicDirectory directory(path);
    write_file(directory.path() / "b", "2");
    directory.commit();
  }
  EXPECT_EQ(names(path), std::vector<std::string>{"b"});
  {
    AtomicDirectory directory(path);
    write_file(directory.path() / "c", "3");
  }
  EXPECT_EQ(names(path), std::vector<std::string>{"b"});
  EXPECT_EQ(names(path.parent_path()), std::vector<std::string>{"model"});
}

TEST_F(Files, DirectoryNameMayEndInASlash) {
  for (int turn = 0; turn < 2; ++turn) {
    AtomicDirectory directory(folder_ / "model" / "");
    write_file(directory.path() / "a", std::to_string(turn));
    directory.commit();
    EXPECT_EQ(read_file(folder_ / "model" / "a"), std::to_string(turn));
    EXPECT_EQ(names(folder_), std::vector<std::string>{"model"});
  }
}

// Kills a process that replaces a file and a directory again and again, at random
// moments: both must be there, whole, and of one version each.
TEST_F(Files, AKilledProcessLeavesTheOldOrTheNew) {
  constexpr int kParts = 4;
  const fs::path file = folder_ / "file", directory = folder_ / "directory";
  const auto write_version = [&](int version) {
    write_file(file, std::string(200'000, static_cast<char>('a' + version % 26)));
    AtomicDirectory next(directory);
    for (int part = 0; part < kParts; ++part)
      write_file(next.path() / std::to_string(part), std::to_string(version));
    next.commit();
  };
  write_version(0);
  std::mt19937 random(7);
  for (int turn = 0; turn < 20; ++turn) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int version = 1;; ++version) write_version(version);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);

    const std::string content = read_file(file);
    EXPECT_EQ(content, std::string(200'000, content.at(0)));
    ASSERT_EQ(names(directory).size(), static_cast<size_t>(kParts));
    for (int part = 0; part < kParts; ++part)
      EXPECT_EQ(read_file(directory / std::to_string(part)), read_file(directory / "0"));
  }
}

TEST(HumanBytes, ThreeDigits) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(12'345'678), "12.3 MB");
  EXPECT_EQ(human_bytes(5e15), "5000.0 TB");
}

}  // namespace
}  // namespace parley::base
