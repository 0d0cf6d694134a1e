// GFLOP/s or GB/s of every kernel at the shapes of GPT-2 124M (N = 4 × 256 tokens,
// C = 768, F = 3072, V = 50257) and of the mini model (N = 32 × 256, C = 384, F = 1024,
// V = 16384). The first benchmarks are the machine's own limits.
//
//   kernels_bench --benchmark_filter=attention
//   OMP_NUM_THREADS=1 kernels_bench
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "kernels/activation.h"
#include "kernels/attention.h"
#include "kernels/attention_paged.h"
#include "kernels/cross_entropy.h"
#include "kernels/embedding.h"
#include "kernels/machine.h"
#include "kernels/matmul.h"
#include "kernels/norm.h"
#include "kernels/optimizer.h"
#include "kernels/rope.h"
#include "tensor/buffer.h"

namespace {

using namespace parley::kernels;
using benchmark::Counter;
using benchmark::State;
using parley::tensor::Shape;
using parley::tensor::Tensor;

Tensor<float> filled(Shape shape) {
  Tensor<float> x(shape);
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 2001 - 1000) * 1e-3f;
  return x;
}

Tensor<int32_t> ids(int64_t n, int64_t limit) {
  Tensor<int32_t> x({n});
  for (int64_t i = 0; i < n; ++i) x[i] = static_cast<int32_t>(i * 7919 % limit);
  return x;
}

// Runs `work` and reports its rate from the operations and bytes of one run.
template <typename Work>
void measure(State& state, double flops, double bytes, Work&& work) {
  work();
  for (auto _ : state) work();
  if (flops > 0) state.counters["FLOP/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
  if (bytes > 0) state.counters["B/s"] = Counter(bytes, Counter::kIsIterationInvariantRate);
}

double floats(std::initializer_list<int64_t> counts) {
  double bytes = 0;
  for (const int64_t n : counts) bytes += static_cast<double>(n) * sizeof(float);
  return bytes;
}

void gemm_peak(State& state) {
  double best = 0;
  for (auto _ : state) best = std::max(best, measure_gemm_peak());
  state.counters["FLOP/s"] = best;
}

void read_bandwidth(State& state) {
  double best = 0;
  for (auto _ : state) best = std::max(best, measure_read_bandwidth());
  state.counters["B/s"] = best;
}

// ---- matmul: N, IC, OC -------------------------------------------------------

double matmul_flops(const State& s) {
  return 2.0 * static_cast<double>(s.range(0) * s.range(1) * s.range(2));
}

void matmul_forward(State& s) {
  const int64_t N = s.range(0), IC = s.range(1), OC = s.range(2);
  const auto x = filled({N, IC}), w = filled({OC, IC}), bias = filled({OC});
  Tensor<float> out({N, OC});
  measure(s, matmul_flops(s), N <= 8 ? floats({OC * IC}) : 0,
          [&] { parley::kernels::matmul_forward(out, x, w, bias); });
}

void matmul_backward_input(State& s) {
  const int64_t N = s.range(0), IC = s.range(1), OC = s.range(2);
  const auto dout = filled({N, OC}), w = filled({OC, IC});
  Tensor<float> dx({N, IC});
  measure(s, matmul_flops(s), 0, [&] { parley::kernels::matmul_backward_input(dx, dout, w); });
}

void matmul_backward_weight(State& s) {
  const int64_t N = s.range(0), IC = s.range(1), OC = s.range(2);
  const auto dout = filled({N, OC}), x = filled({N, IC});
  Tensor<float> dw({OC, IC}), dbias({OC});
  measure(s, matmul_flops(s), 0,
          [&] { parley::kernels::matmul_backward_weight(dw, dbias, dout, x, true); });
}

void matmul_shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"N", "IC", "OC"});
  for (const auto& [IC, OC] :
       {std::pair{768, 2304}, {768, 768}, {768, 3072}, {3072, 768}, {768, 50257}})
    b->Args({1024, IC, OC});
  for (const auto& [IC, OC] :
       {std::pair{384, 1152}, {384, 384}, {384, 2048}, {1024, 384}, {384, 16384}})
    b->Args({8192, IC, OC});
}

void decode_shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"N", "IC", "OC"});
  for (const int N : {1, 4, 8})
    for (const auto& [IC, OC] : {std::pair{768, 3072}, {768, 50257}}) b->Args({N, IC, OC});
}

// ---- attention: B, T, NH, NKV, HS ----------------------------------------------

struct Attention {
  AttentionShape shape;
  Tensor<float> qkv, out, lse;
  explicit Attention(const State& s)
      : shape{s.range(0), s.range(1), s.range(2),
              s.range(3), s.range(4), 1.0f / std::sqrt(static_cast<float>(s.range(4))),
              0},
        qkv(filled({shape.B, shape.T, (shape.NH + 2 * shape.NKV) * shape.HS})),
        out({shape.B, shape.T, shape.NH * shape.HS}),
        lse({shape.B, shape.NH, shape.T}) {}
  // The two products of the forward, over the keys that causality leaves.
  double flops() const {
    const double pairs = static_cast<double>(shape.T) * static_cast<double>(shape.T + 1) / 2;
    return 4.0 * static_cast<double>(shape.B * shape.NH * shape.HS) * pairs;
  }
};

void attention_forward(State& s) {
  Attention a(s);
  measure(s, a.flops(), 0,
          [&] { parley::kernels::attention_forward(a.out, a.lse, a.qkv, {}, a.shape); });
}

void attention_backward(State& s) {
  Attention a(s);
  parley::kernels::attention_forward(a.out, a.lse, a.qkv, {}, a.shape);
  const auto dout = filled(a.out.shape());
  Tensor<float> dqkv(a.qkv.shape());
  // Five products, where the forward has two.
  measure(s, 2.5 * a.flops(), 0, [&] {
    parley::kernels::attention_backward(dqkv, dout, a.qkv, a.out, a.lse, {}, a.shape);
  });
}

void attention_shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"B", "T", "NH", "NKV", "HS"});
  b->Args({4, 256, 12, 12, 64})->Args({4, 1024, 12, 12, 64});
  b->Args({32, 256, 6, 6, 64})->Args({4, 512, 12, 4, 64})->Args({4, 512, 6, 6, 128});
}

// new tokens, past, NH, NKV, HS, format
void attention_paged(State& s) {
  const int64_t T = s.range(0), past = s.range(1), NH = s.range(2), NKV = s.range(3),
                HS = s.range(4);
  const auto format = static_cast<parley::kernels::KvFormat>(s.range(5));
  const parley::kernels::AttentionShape shape = {1, T, NH, NKV, HS, 0.125f, 0};
  const int64_t count = (past + T + parley::kernels::kKvBlock - 1) / parley::kernels::kKvBlock;
  const auto bytes = static_cast<int64_t>(parley::kernels::kv_block_bytes(format, NKV, HS));
  Tensor<float> data({count * bytes / 4});
  std::vector<std::byte*> blocks;
  for (int64_t i = 0; i < count; ++i)
    blocks.push_back(reinterpret_cast<std::byte*>(data.data()) + i * bytes);
  const auto all = filled({past + T, (NH + 2 * NKV) * HS});
  const parley::kernels::PagedSequence filling = {0, past + T, 0, blocks};
  parley::kernels::kv_write({&filling, 1}, format, all, shape);
  const auto qkv = filled({T, (NH + 2 * NKV) * HS});
  const parley::kernels::PagedSequence sequence = {0, T, past, blocks};
  Tensor<float> out({T, NH * HS});
  measure(s, 0, static_cast<double>(count * bytes), [&] {
    parley::kernels::attention_paged(out, qkv, {&sequence, 1}, format, shape);
  });
}

// ---- rows of C channels: N, C -----------------------------------------------------

void layernorm_forward(State& s) {
  const int64_t N = s.range(0), C = s.range(1);
  const auto x = filled({N, C}), w = filled({C}), b = filled({C});
  Tensor<float> out({N, C}), mean({N}), rstd({N});
  measure(s, 0, floats({2 * N * C}),
          [&] { parley::kernels::layernorm_forward(out, mean, rstd, x, w, b, 1e-5f); });
}

void layernorm_backward(State& s) {
  const int64_t N = s.range(0), C = s.range(1);
  const auto x = filled({N, C}), w = filled({C}), dout = filled({N, C});
  Tensor<float> out({N, C}), mean({N}), rstd({N}), dx({N, C}), dw({C}), db({C});
  parley::kernels::layernorm_forward(out, mean, rstd, x, w, {}, 1e-5f);
  measure(s, 0, floats({4 * N * C}), [&] {
    parley::kernels::layernorm_backward(dx, dw, db, dout, x, w, mean, rstd, true, true);
  });
}

void rmsnorm_forward(State& s) {
  const int64_t N = s.range(0), C = s.range(1);
  const auto x = filled({N, C}), w = filled({C});
  Tensor<float> out({N, C}), rstd({N});
  measure(s, 0, floats({2 * N * C}),
          [&] { parley::kernels::rmsnorm_forward(out, rstd, x, w, 1e-6f); });
}

void rmsnorm_backward(State& s) {
  const int64_t N = s.range(0), C = s.range(1);
  const auto x = filled({N, C}), w = filled({C}), dout = filled({N, C});
  Tensor<float> out({N, C}), rstd({N}), dx({N, C}), dw({C});
  parley::kernels::rmsnorm_forward(out, rstd, x, w, 1e-6f);
  measure(s, 0, floats({4 * N * C}),
          [&] { parley::kernels::rmsnorm_backward(dx, dw, dout, x, w, rstd, true, true); });
}

void gelu_forward(State& s) {
  const auto x = filled({s.range(0), s.range(1)});
  Tensor<float> out(x.shape());
  measure(s, 0, floats({2 * x.size()}), [&] { activation_forward(out, x, Activation::kGeluTanh); });
}

void gelu_backward(State& s) {
  const auto x = filled({s.range(0), s.range(1)}), dout = filled(x.shape());
  Tensor<float> dx(x.shape());
  measure(s, 0, floats({3 * x.size()}),
          [&] { activation_backward(dx, dout, x, Activation::kGeluTanh); });
}

void swiglu_forward(State& s) {
  const auto x = filled({s.range(0), 2 * s.range(1)});
  Tensor<float> out({s.range(0), s.range(1)});
  measure(s, 0, floats({3 * out.size()}), [&] { gated_forward(out, x, Activation::kSilu); });
}

void swiglu_backward(State& s) {
  const auto x = filled({s.range(0), 2 * s.range(1)}), dout = filled({s.range(0), s.range(1)});
  Tensor<float> dx(x.shape());
  measure(s, 0, floats({5 * dout.size()}), [&] { gated_backward(dx, dout, x, Activation::kSilu); });
}

void add(State& s) {
  const auto a = filled({s.range(0), s.range(1)}), b = filled(a.shape());
  Tensor<float> out(a.shape());
  measure(s, 0, floats({3 * a.size()}), [&] { add_forward(out, a, b); });
}

void rope(State& s) {
  const int64_t N = s.range(0), C = s.range(1);
  const RopeTable table(256, 64, 10000.0);
  const auto positions = ids(N, 256);
  auto x = filled({N, 3 * C});
  measure(s, 0, floats({4 * N * C}), [&] { rope_forward(x, 0, 2 * C / 64, positions, table); });
}

// ---- N, C, V ------------------------------------------------------------------------

void embedding_forward(State& s) {
  const int64_t N = s.range(0), C = s.range(1), V = s.range(2);
  const auto wte = filled({V, C}), wpe = filled({256, C});
  const auto tokens = ids(N, V), positions = ids(N, 256);
  Tensor<float> out({N, C});
  measure(s, 0, floats({3 * N * C}),
          [&] { parley::kernels::embedding_forward(out, tokens, positions, wte, wpe); });
}

void embedding_backward(State& s) {
  const int64_t N = s.range(0), C = s.range(1), V = s.range(2);
  Tensor<float> dwte({V, C}), dwpe({256, C});
  const auto tokens = ids(N, V), positions = ids(N, 256);
  const auto dout = filled({N, C});
  measure(s, 0, floats({5 * N * C}),
          [&] { parley::kernels::embedding_backward(dwte, dwpe, dout, tokens, positions); });
}

void cross_entropy_forward_backward(State& s) {
  const int64_t N = s.range(0), V = s.range(2);
  auto logits = filled({N, V});
  const auto targets = ids(N, V);
  Tensor<float> losses({N}), dlosses({N});
  std::fill(dlosses.begin(), dlosses.end(), 1.0f);
  measure(s, 0, floats({2 * N * V}), [&] {
    parley::kernels::cross_entropy_forward_backward(losses, logits, targets, dlosses);
  });
}

// ---- optimisers -----------------------------------------------------------------------

void adamw(State& s) {
  const int64_t n = s.range(0);
  auto param = filled({n}), m = filled({n}), grad = filled({n});
  Tensor<float> v({n});
  measure(s, 0, floats({7 * n}), [&] {
    adamw_update(param, m, v, grad, {1e-4, 0.9, 0.95, 1e-8, 0.1, 1.0, 10});
  });
}

void muon(State& s) {
  const int64_t R = s.range(0), C = s.range(1), small = std::min(R, C);
  auto param = filled({R, C}), momentum = filled({R, C});
  const auto grad = filled({R, C});
  Tensor<float> scratch({muon_scratch_size(R, C)});
  const double flops = 5 * 2.0 * static_cast<double>(small) * static_cast<double>(small) *
                       static_cast<double>(2 * std::max(R, C) + small);
  measure(s, flops, 0, [&] {
    muon_update(param, momentum, grad, scratch, {0.02, 0.95, 0.01, 1.0, true});
  });
}

void gradient_norm(State& s) {
  const auto x = filled({s.range(0)});
  measure(s, 0, floats({x.size()}), [&] { benchmark::DoNotOptimize(sum_of_squares(x)); });
}

void row_shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"N", "C"})->Args({1024, 768})->Args({8192, 384});
}
void ffn_shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"N", "F"})->Args({1024, 3072})->Args({8192, 1024});
}
void vocabulary_shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"N", "C", "V"})->Args({1024, 768, 50257})->Args({8192, 384, 16384});
}

// Wall-clock time: the work is done by the whole pool.
#define PARLEY_BENCH(function) BENCHMARK(function)->UseRealTime()

PARLEY_BENCH(gemm_peak)->Iterations(1);
PARLEY_BENCH(read_bandwidth)->Iterations(1);
PARLEY_BENCH(matmul_forward)->Apply(matmul_shapes);
PARLEY_BENCH(matmul_backward_input)->Apply(matmul_shapes);
PARLEY_BENCH(matmul_backward_weight)->Apply(matmul_shapes);
PARLEY_BENCH(matmul_forward)->Name("matmul_decode")->Apply(decode_shapes);
PARLEY_BENCH(attention_forward)->Apply(attention_shapes);
PARLEY_BENCH(attention_backward)->Apply(attention_shapes);
PARLEY_BENCH(attention_paged)
    ->ArgNames({"T", "past", "NH", "NKV", "HS", "format"})
    ->ArgsProduct({{1}, {1000, 16000}, {12}, {12}, {64}, {0, 1, 2}})
    ->Args({1, 16000, 16, 8, 128, 2})
    ->Args({1, 16000, 32, 4, 128, 2})
    ->ArgsProduct({{256}, {1024}, {12}, {12}, {64}, {0, 1, 2}});
PARLEY_BENCH(layernorm_forward)->Apply(row_shapes);
PARLEY_BENCH(layernorm_backward)->Apply(row_shapes);
PARLEY_BENCH(rmsnorm_forward)->Apply(row_shapes);
PARLEY_BENCH(rmsnorm_backward)->Apply(row_shapes);
PARLEY_BENCH(gelu_forward)->Apply(ffn_shapes);
PARLEY_BENCH(gelu_backward)->Apply(ffn_shapes);
PARLEY_BENCH(swiglu_forward)->Apply(ffn_shapes);
PARLEY_BENCH(swiglu_backward)->Apply(ffn_shapes);
PARLEY_BENCH(add)->Apply(row_shapes);
PARLEY_BENCH(rope)->Apply(row_shapes);
PARLEY_BENCH(embedding_forward)->Apply(vocabulary_shapes);
PARLEY_BENCH(embedding_backward)->Apply(vocabulary_shapes);
PARLEY_BENCH(cross_entropy_forward_backward)->Apply(vocabulary_shapes);
PARLEY_BENCH(adamw)->ArgName("n")->Arg(124439808);
PARLEY_BENCH(muon)->ArgNames({"R", "C"})->Args({2304, 768})->Args({768, 768})->Args({768, 3072});
PARLEY_BENCH(gradient_norm)->ArgName("n")->Arg(124439808);

}  // namespace

int main(int argc, char** argv) {
  parley::base::set_num_threads(omp_get_max_threads());  // heeds OMP_NUM_THREADS
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
