// Shapes, views, owned storage, arenas.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "tensor/buffer.h"
#include "tensor/view.h"

namespace parley::tensor {
namespace {

TEST(Shape, SizeAndText) {
  EXPECT_EQ(Shape{}.size(), 1);
  EXPECT_EQ((Shape{2, 3, 4}).size(), 24);
  EXPECT_EQ((Shape{2, 0}).size(), 0);
  EXPECT_EQ((Shape{2, 3}).str(), "(2, 3)");
  EXPECT_EQ(Shape{}.str(), "()");
  EXPECT_EQ((Shape{2, 3, 4}).inner(), (Shape{3, 4}));
  EXPECT_NE((Shape{2, 3}), (Shape{2, 3, 1}));
  Shape shape{1};
  shape.append(7);
  EXPECT_EQ(shape, (Shape{1, 7}));
}

TEST(ShapeDeathTest, FourDimensionsAtMost) {
  Shape shape{1, 2, 3, 4};
  EXPECT_DEATH(shape.append(5), "rank 4");
  EXPECT_DEATH((Shape{1, 2, 3, 4, 5}), "rank 5");
}

TEST(View, RowsAndReshape) {
  float data[24];
  for (int i = 0; i < 24; ++i) data[i] = static_cast<float>(i);
  const F32 view(data, {2, 3, 4});  // (2, 3, 4)
  EXPECT_EQ(view.row(1).shape(), (Shape{3, 4}));
  EXPECT_EQ(view.row(1)[0], 12);
  EXPECT_EQ(view.row(1).row(2)[3], 23);
  EXPECT_EQ(view.row(1).row(2).row(3).shape(), Shape{});
  EXPECT_EQ(view.reshape({6, 4}).rows(2, 5).shape(), (Shape{3, 4}));
  EXPECT_EQ(view.reshape({6, 4}).rows(2, 5)[0], 8);
  EXPECT_EQ(view.rows(1, 1).size(), 0);
  const ConstF32 constant = view;
  EXPECT_EQ(constant.data(), data);
  EXPECT_EQ(std::distance(view.begin(), view.end()), 24);
  EXPECT_DEATH(view.rows(1, 3), "rows 1..3 of \\(2, 3, 4\\)");
  EXPECT_DEATH(view.reshape({5, 5}), "\\(2, 3, 4\\) as \\(5, 5\\)");
}

TEST(View, AbsentHasNoElements) {
  const F32 absent;
  EXPECT_TRUE(absent.empty());
  EXPECT_FALSE(absent);
  EXPECT_EQ(absent.size(), 0);
  EXPECT_EQ(absent.begin(), absent.end());
}

TEST(Storage, ZeroedAlignedMovable) {
  for (const size_t bytes : {size_t{1}, size_t{4096}, size_t{5} << 20}) {
    Storage storage(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(storage.data()) % 64, 0u);
    const auto* data = static_cast<const char*>(storage.data());
    for (size_t i = 0; i < bytes; i += 509) ASSERT_EQ(data[i], 0);
    const Storage moved(std::move(storage));
    EXPECT_EQ(moved.data(), data);
    EXPECT_EQ(moved.bytes(), bytes);
  }
  EXPECT_EQ(Storage(0).data(), nullptr);
}

TEST(Storage, TooMuchMemoryIsTheUsersError) { EXPECT_THROW(Storage(size_t{1} << 60), base::Error); }

TEST(Tensor, OwnsItsElements) {
  Tensor<float> a({2, 3});
  a[5] = 7;
  const Tensor<float> b(std::move(a));
  EXPECT_EQ(b.shape(), (Shape{2, 3}));
  EXPECT_EQ(b[5], 7);
  Tensor<float> c;
  EXPECT_TRUE(c.empty());
  c = Tensor<float>({4});
  EXPECT_EQ(c.size(), 4);
  EXPECT_EQ(c[3], 0);
}

TEST(Arena, TakesAlignedPiecesUpToItsSize) {
  Arena arena(Arena::bytes_for<float>(3) + Arena::bytes_for<int32_t>(17));
  EXPECT_EQ(arena.bytes(), 64u + 128u);
  const F32 a = arena.take<float>({3});
  const I32 b = arena.take<int32_t>({17});
  EXPECT_EQ(reinterpret_cast<const char*>(b.data()) - reinterpret_cast<const char*>(a.data()), 64);
  EXPECT_EQ(arena.used(), arena.bytes());
  EXPECT_DEATH(arena.take<float>({1}), "arena of 192 bytes, 192 used, 64 wanted");
}

}  // namespace
}  // namespace parley::tensor
