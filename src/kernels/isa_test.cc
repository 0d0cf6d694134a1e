#include "kernels/isa.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace parley::kernels {
namespace {

TEST(Isa, ForcedOneByOne) {
  const auto all = available_isas();
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.front(), "scalar");
  for (const std::string& name : all) {
    force_isa(name);
    EXPECT_EQ(current_isa(), name);
  }
  EXPECT_EQ(available_isas(), all);
}

TEST(Isa, UnknownNameListsTheKnown) {
  try {
    force_isa("mmx");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_NE(std::string(error.what()).find("scalar"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace parley::kernels
