#include "eval/bpb.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "eval/compressors.h"

namespace parley::eval {
namespace {

TEST(Compressors, CountWhatTheProgramsWrite) {
  // Sizes of `head -c 100000 /dev/zero | gzip -9n | wc -c` and so on.
  for (const auto& compressor : make_compressors()) {
    for (int i = 0; i < 100; ++i) compressor->add(std::string(1000, '\0'));
    const uint64_t bytes = compressor->finish();
    const std::string name = compressor->name();
    if (name == "gzip -9") {
      EXPECT_EQ(bytes, 132u);
    }
    if (name == "xz -9") {
      EXPECT_EQ(bytes, 148u);
    }
    if (name == "zstd -19") {
      EXPECT_LT(bytes, 40u);
    }
  }
}

TEST(Compressors, EmptyTextIsAnErrorNotADivision) {
  const base::fs::path file = base::fs::temp_directory_path() / "parley_empty_test.txt";
  base::write_file(file, "");
  BpbOptions options;
  options.data = {file};
  EXPECT_THROW(compressor_bpb(options), base::Error);
  base::fs::remove(file);
}

}  // namespace
}  // namespace parley::eval
