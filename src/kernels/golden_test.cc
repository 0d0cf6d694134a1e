// The kernels against PyTorch: values and gradients of single operations.
#include <gtest/gtest.h>

#include "kernels/activation.h"
#include "kernels/attention.h"
#include "kernels/cross_entropy.h"
#include "kernels/golden_reader.h"
#include "kernels/norm.h"
#include "kernels/optimizer.h"
#include "kernels/rope.h"
#include "kernels/shapes.h"
#include "kernels/testing.h"

namespace parley::kernels {
namespace {

using testing::Golden;
using testing::on_each_isa;
using testing::Tensor;

constexpr double kTolerance = 5e-6;

const Golden& golden() {
  static const Golden file;
  return file;
}

Tensor<float> copy_of(ConstF32 x) {
  Tensor<float> out(x.shape());
  std::copy(x.begin(), x.end(), out.begin());
  return out;
}

TEST(Golden, LayerNorm) {
  const Golden& g = golden();
  const ConstF32 x = g["layernorm.x"], w = g["layernorm.w"];
  on_each_isa([&] {
    Tensor<float> out(x.shape()), mean({rows(x)}), rstd({rows(x)}), dx(x.shape()), dw(w.shape()),
        db(w.shape());
    layernorm_forward(out, mean, rstd, x, w, g["layernorm.b"], 1e-5f);
    layernorm_backward(dx, dw, db, g["layernorm.dout"], x, w, mean, rstd, false, false);
    PARLEY_EXPECT_CLOSE(out, g["layernorm.out"], kTolerance);
    PARLEY_EXPECT_CLOSE(dx, g["layernorm.dx"], kTolerance);
    PARLEY_EXPECT_CLOSE(dw, g["layernorm.dw"], kTolerance);
    PARLEY_EXPECT_CLOSE(db, g["layernorm.db"], kTolerance);
  });
}

TEST(Golden, RmsNorm) {
  const Golden& g = golden();
  const ConstF32 x = g["rmsnorm.x"], w = g["rmsnorm.w"];
  on_each_isa([&] {
    Tensor<float> out(x.shape()), rstd({rows(x)}), dx(x.shape()), dw(w.shape());
    rmsnorm_forward(out, rstd, x, w, 1e-6f);
    rmsnorm_backward(dx, dw, g["rmsnorm.dout"], x, w, rstd, false, false);
    PARLEY_EXPECT_CLOSE(out, g["rmsnorm.out"], kTolerance);
    PARLEY_EXPECT_CLOSE(dx, g["rmsnorm.dx"], kTolerance);
    PARLEY_EXPECT_CLOSE(dw, g["rmsnorm.dw"], kTolerance);
  });
}

TEST(Golden, Activations) {
  const Golden& g = golden();
  for (const auto& [name, act] : {std::pair{"gelu_tanh", Activation::kGeluTanh},
                                  {"gelu_erf", Activation::kGeluErf},
                                  {"silu", Activation::kSilu}}) {
    const std::string prefix = name;
    const ConstF32 x = g[prefix + ".x"];
    on_each_isa([&] {
      SCOPED_TRACE(prefix);
      Tensor<float> out(x.shape()), dx(x.shape());
      activation_forward(out, x, act);
      activation_backward(dx, g[prefix + ".dout"], x, act);
      PARLEY_EXPECT_CLOSE(out, g[prefix + ".out"], kTolerance);
      PARLEY_EXPECT_CLOSE(dx, g[prefix + ".dx"], kTolerance);
    });
  }
  on_each_isa([&] {
    const ConstF32 x = g["swiglu.x"], dout = g["swiglu.dout"];
    Tensor<float> out(dout.shape()), dx(x.shape());
    gated_forward(out, x, Activation::kSilu);
    gated_backward(dx, dout, x, Activation::kSilu);
    PARLEY_EXPECT_CLOSE(out, g["swiglu.out"], kTolerance);
    PARLEY_EXPECT_CLOSE(dx, g["swiglu.dx"], kTolerance);
  });
}

TEST(Golden, Rope) {
  const Golden& g = golden();
  const auto positions = g.ints("rope.positions");
  const RopeTable table(64, 16, 10000.0);
  on_each_isa([&] {
    auto x = copy_of(g["rope.x"]), dx = copy_of(g["rope.dout"]);
    rope_forward(x, 0, 3, positions, table);
    rope_backward(dx, 0, 3, positions, table);
    PARLEY_EXPECT_CLOSE(x, g["rope.out"], kTolerance);
    PARLEY_EXPECT_CLOSE(dx, g["rope.dx"], kTolerance);
  });
}

TEST(Golden, Attention) {
  const Golden& g = golden();
  for (const std::string prefix : {"attention", "attention_gqa", "attention_window"}) {
    const auto sizes = g.ints(prefix + ".shape");
    const AttentionShape shape = {sizes[0], sizes[1],
                                  sizes[2], sizes[3],
                                  sizes[4], 1.0f / std::sqrt(static_cast<float>(sizes[4])),
                                  sizes[5]};
    const auto first = g.ints(prefix + ".first");
    const ConstF32 qkv = g[prefix + ".qkv"], dout = g[prefix + ".dout"];
    on_each_isa([&] {
      SCOPED_TRACE(prefix);
      Tensor<float> out(dout.shape()), lse({shape.B, shape.NH, shape.T}), dqkv(qkv.shape());
      attention_forward(out, lse, qkv, first, shape);
      attention_backward(dqkv, dout, qkv, out, lse, first, shape);
      PARLEY_EXPECT_CLOSE(out, g[prefix + ".out"], kTolerance);
      PARLEY_EXPECT_CLOSE(lse, g[prefix + ".lse"], kTolerance);
      PARLEY_EXPECT_CLOSE(dqkv, g[prefix + ".dqkv"], kTolerance);
    });
  }
}

TEST(Golden, CrossEntropy) {
  const Golden& g = golden();
  const auto targets = g.ints("cross_entropy.targets");
  on_each_isa([&] {
    auto logits = copy_of(g["cross_entropy.logits"]);
    Tensor<float> losses({targets.size()});
    cross_entropy_forward_backward(losses, logits, targets, g["cross_entropy.dout"]);
    PARLEY_EXPECT_CLOSE(losses, g["cross_entropy.out"], kTolerance);
    PARLEY_EXPECT_CLOSE(logits, g["cross_entropy.dlogits"], kTolerance);
  });
}

TEST(Golden, AdamWTenSteps) {
  const Golden& g = golden();
  const ConstF32 grads = g["adamw.grads"];
  on_each_isa([&] {
    auto param = copy_of(g["adamw.param"]);
    Tensor<float> m(param.shape()), v(param.shape());
    for (int64_t step = 1; step <= grads.dim(0); ++step)
      adamw_update(param, m, v, grads.row(step - 1), {1e-2, 0.9, 0.95, 1e-8, 0.1, 1.0, step});
    PARLEY_EXPECT_CLOSE(param, g["adamw.out"], 1e-6);
  });
}

TEST(Golden, MuonThreeSteps) {
  const Golden& g = golden();
  for (const std::string prefix : {"muon_wide", "muon_tall"}) {
    const ConstF32 grads = g[prefix + ".grads"];
    on_each_isa([&] {
      SCOPED_TRACE(prefix);
      auto param = copy_of(g[prefix + ".param"]);
      Tensor<float> momentum(param.shape());
      Tensor<float> scratch({muon_scratch_size(rows(param), cols(param))});
      for (int64_t step = 0; step < grads.dim(0); ++step)
        muon_update(param, momentum, grads.row(step), scratch, {0.02, 0.95, 0.1, 1.0, true});
      PARLEY_EXPECT_CLOSE(param, g[prefix + ".out"], kTolerance);
    });
  }
}

}  // namespace
}  // namespace parley::kernels
