// The specification of every kernel: plain loops, one scalar type (float or double),
// no threads, no SIMD. The fast kernels are tested against these, and these against
// finite differences in double. Nothing but tests runs them.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/activation.h"
#include "kernels/attention.h"
#include "kernels/optimizer.h"
#include "kernels/shapes.h"

namespace parley::kernels::reference {

template <typename T>
using In = tensor::View<const T>;
template <typename T>
using Out = tensor::View<T>;

// ---- matmul ----------------------------------------------------------------

template <typename T>
void matmul_forward(Out<T> out, In<T> x, In<T> weight, In<T> bias, bool accumulate = false) {
  const int64_t N = rows(x), IC = cols(x), OC = rows(weight);
  for (int64_t n = 0; n < N; ++n)
    for (int64_t o = 0; o < OC; ++o) {
      T sum = bias.empty() ? T(0) : bias[o];
      for (int64_t i = 0; i < IC; ++i) sum += x[n * IC + i] * weight[o * IC + i];
      out[n * OC + o] = accumulate ? out[n * OC + o] + sum : sum;
    }
}

template <typename T>
void matmul_backward_input(Out<T> dx, In<T> dout, In<T> weight, bool accumulate = false) {
  const int64_t N = rows(dx), IC = cols(dx), OC = rows(weight);
  for (int64_t n = 0; n < N; ++n)
    for (int64_t i = 0; i < IC; ++i) {
      T sum = 0;
      for (int64_t o = 0; o < OC; ++o) sum += dout[n * OC + o] * weight[o * IC + i];
      dx[n * IC + i] = accumulate ? dx[n * IC + i] + sum : sum;
    }
}

template <typename T>
void matmul_backward_weight(Out<T> dweight, Out<T> dbias, In<T> dout, In<T> x, bool accumulate) {
  const int64_t N = rows(x), IC = cols(x), OC = rows(dweight);
  for (int64_t o = 0; o < OC; ++o) {
    for (int64_t i = 0; i < IC; ++i) {
      T sum = 0;
      for (int64_t n = 0; n < N; ++n) sum += dout[n * OC + o] * x[n * IC + i];
      dweight[o * IC + i] = accumulate ? dweight[o * IC + i] + sum : sum;
    }
    if (dbias.empty()) continue;
    T sum = 0;
    for (int64_t n = 0; n < N; ++n) sum += dout[n * OC + o];
    dbias[o] = accumulate ? dbias[o] + sum : sum;
  }
}

// ---- norms -----------------------------------------------------------------

template <typename T>
void layernorm_forward(Out<T> out, Out<T> mean, Out<T> rstd, In<T> x, In<T> weight, In<T> bias,
                       T eps) {
  const int64_t N = rows(x), C = cols(x);
  for (int64_t n = 0; n < N; ++n) {
    const T* xn = x.data() + n * C;
    T m = 0, v = 0;
    for (int64_t c = 0; c < C; ++c) m += xn[c];
    m /= T(C);
    for (int64_t c = 0; c < C; ++c) v += (xn[c] - m) * (xn[c] - m);
    const T r = T(1) / std::sqrt(v / T(C) + eps);
    for (int64_t c = 0; c < C; ++c)
      out[n * C + c] = (xn[c] - m) * r * weight[c] + (bias.empty() ? T(0) : bias[c]);
    mean[n] = m;
    rstd[n] = r;
  }
}

template <typename T>
void layernorm_backward(Out<T> dx, Out<T> dweight, Out<T> dbias, In<T> dout, In<T> x, In<T> weight,
                        In<T> mean, In<T> rstd, bool accumulate_dx, bool accumulate_dw) {
  const int64_t N = rows(x), C = cols(x);
  if (!accumulate_dw) {
    std::fill(dweight.begin(), dweight.end(), T(0));
    std::fill(dbias.begin(), dbias.end(), T(0));
  }
  for (int64_t n = 0; n < N; ++n) {
    T sum = 0, sum_xhat = 0;  // of dxhat and dxhat · xhat
    for (int64_t c = 0; c < C; ++c) {
      const T xhat = (x[n * C + c] - mean[n]) * rstd[n], d = dout[n * C + c];
      dweight[c] += d * xhat;
      if (!dbias.empty()) dbias[c] += d;
      sum += d * weight[c];
      sum_xhat += d * weight[c] * xhat;
    }
    for (int64_t c = 0; c < C; ++c) {
      const T xhat = (x[n * C + c] - mean[n]) * rstd[n];
      const T g = (dout[n * C + c] * weight[c] - sum / T(C) - xhat * sum_xhat / T(C)) * rstd[n];
      dx[n * C + c] = accumulate_dx ? dx[n * C + c] + g : g;
    }
  }
}

template <typename T>
void rmsnorm_forward(Out<T> out, Out<T> rstd, In<T> x, In<T> weight, T eps) {
  const int64_t N = rows(x), C = cols(x);
  for (int64_t n = 0; n < N; ++n) {
    T sum = 0;
    for (int64_t c = 0; c < C; ++c) sum += x[n * C + c] * x[n * C + c];
    rstd[n] = T(1) / std::sqrt(sum / T(C) + eps);
    for (int64_t c = 0; c < C; ++c) out[n * C + c] = x[n * C + c] * rstd[n] * weight[c];
  }
}

template <typename T>
void rmsnorm_backward(Out<T> dx, Out<T> dweight, In<T> dout, In<T> x, In<T> weight, In<T> rstd,
                      bool accumulate_dx, bool accumulate_dw) {
  const int64_t N = rows(x), C = cols(x);
  if (!accumulate_dw) std::fill(dweight.begin(), dweight.end(), T(0));
  for (int64_t n = 0; n < N; ++n) {
    T sum = 0;
    for (int64_t c = 0; c < C; ++c) {
      const T xhat = x[n * C + c] * rstd[n], d = dout[n * C + c];
      dweight[c] += d * xhat;
      sum += d * weight[c] * xhat;
    }
    for (int64_t c = 0; c < C; ++c) {
      const T xhat = x[n * C + c] * rstd[n];
      const T g = (dout[n * C + c] * weight[c] - xhat * sum / T(C)) * rstd[n];
      dx[n * C + c] = accumulate_dx ? dx[n * C + c] + g : g;
    }
  }
}

// ---- activations -----------------------------------------------------------

template <typename T>
T activate(T x, Activation act) {
  switch (act) {
    case Activation::kGeluTanh: {
      const T u = T(std::sqrt(2 / std::numbers::pi)) * (x + T(0.044715) * x * x * x);
      return T(0.5) * x * (T(1) + std::tanh(u));
    }
    case Activation::kGeluErf: return T(0.5) * x * std::erfc(-x / T(std::numbers::sqrt2));
    case Activation::kRelu: return std::max(x, T(0));
    case Activation::kRelu2: return std::max(x, T(0)) * std::max(x, T(0));
    case Activation::kSilu: return x / (T(1) + std::exp(-x));
  }
  return x;
}

template <typename T>
T activate_derivative(T x, Activation act) {
  switch (act) {
    case Activation::kGeluTanh: {
      const T k = T(std::sqrt(2 / std::numbers::pi));
      const T t = std::tanh(k * (x + T(0.044715) * x * x * x));
      return T(0.5) * (T(1) + t) +
             T(0.5) * x * (T(1) - t * t) * k * (T(1) + T(3 * 0.044715) * x * x);
    }
    case Activation::kGeluErf:
      return T(0.5) * std::erfc(-x / T(std::numbers::sqrt2)) +
             x * std::exp(T(-0.5) * x * x) * T(std::sqrt(0.5 / std::numbers::pi));
    case Activation::kRelu: return x > 0 ? T(1) : T(0);
    case Activation::kRelu2: return T(2) * std::max(x, T(0));
    case Activation::kSilu: {
      const T s = T(1) / (T(1) + std::exp(-x));
      return s + x * s * (T(1) - s);
    }
  }
  return T(1);
}

template <typename T>
void activation_forward(Out<T> out, In<T> x, Activation act) {
  for (int64_t i = 0; i < x.size(); ++i) out[i] = activate(x[i], act);
}

template <typename T>
void activation_backward(Out<T> dx, In<T> dout, In<T> x, Activation act) {
  for (int64_t i = 0; i < x.size(); ++i) dx[i] = dout[i] * activate_derivative(x[i], act);
}

template <typename T>
void gated_forward(Out<T> out, In<T> x, Activation act) {
  const int64_t N = rows(out), F = cols(out);
  for (int64_t n = 0; n < N; ++n)
    for (int64_t f = 0; f < F; ++f)
      out[n * F + f] = activate(x[n * 2 * F + f], act) * x[n * 2 * F + F + f];
}

template <typename T>
void gated_backward(Out<T> dx, In<T> dout, In<T> x, Activation act) {
  const int64_t N = rows(dout), F = cols(dout);
  for (int64_t n = 0; n < N; ++n)
    for (int64_t f = 0; f < F; ++f) {
      const int64_t g = n * 2 * F + f, u = g + F;
      const T gate = x[g], up = x[u], d = dout[n * F + f];
      dx[g] = d * up * activate_derivative(gate, act);
      dx[u] = d * activate(gate, act);
    }
}

// ---- embedding and rope ------------------------------------------------------

template <typename T>
void embedding_forward(Out<T> out, tensor::ConstI32 tokens, tensor::ConstI32 positions, In<T> wte,
                       In<T> wpe) {
  const int64_t N = tokens.size(), C = cols(wte);
  for (int64_t n = 0; n < N; ++n)
    for (int64_t c = 0; c < C; ++c)
      out[n * C + c] = wte[tokens[n] * C + c] + (wpe.empty() ? T(0) : wpe[positions[n] * C + c]);
}

template <typename T>
void embedding_backward(Out<T> dwte, Out<T> dwpe, In<T> dout, tensor::ConstI32 tokens,
                        tensor::ConstI32 positions) {
  const int64_t N = tokens.size(), C = cols(dwte);
  for (int64_t n = 0; n < N; ++n)
    for (int64_t c = 0; c < C; ++c) {
      dwte[tokens[n] * C + c] += dout[n * C + c];
      if (!dwpe.empty()) dwpe[positions[n] * C + c] += dout[n * C + c];
    }
}

// direction 1: forward, −1: backward. cos, sin (positions, HS/2).
template <typename T>
void rope(Out<T> x, int64_t column, int64_t heads, tensor::ConstI32 positions, In<T> cos, In<T> sin,
          T direction) {
  const int64_t N = rows(x), W = cols(x), half = cols(cos);
  for (int64_t n = 0; n < N; ++n)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < half; ++i) {
        T& a = x[n * W + column + h * 2 * half + i];
        T& b = x[n * W + column + h * 2 * half + half + i];
        const T c = cos[positions[n] * half + i], s = direction * sin[positions[n] * half + i];
        const T rotated = a * c - b * s;
        b = b * c + a * s;
        a = rotated;
      }
}

// ---- attention -------------------------------------------------------------

// probs (T): the softmax of the query at (b, t) of head h, 0 where it does not see.
// Returns the log-sum-exp.
template <typename T>
T attention_probs(std::vector<T>& probs, In<T> qkv, tensor::ConstI32 first_key,
                  const AttentionShape& s, int64_t b, int64_t t, int64_t h) {
  const int64_t row = (s.NH + 2 * s.NKV) * s.HS;
  const T* q = qkv.data() + (b * s.T + t) * row + h * s.HS;
  const int64_t kv = h / (s.NH / s.NKV);
  int64_t first = first_key.empty() ? 0 : first_key[b * s.T + t];
  if (s.window > 0) first = std::max(first, t - s.window + 1);
  T max = -std::numeric_limits<T>::infinity(), sum = 0;
  probs.assign(static_cast<size_t>(s.T), T(0));
  for (int64_t k = first; k <= t; ++k) {
    const T* key = qkv.data() + (b * s.T + k) * row + (s.NH + kv) * s.HS;
    T dot = 0;
    for (int64_t i = 0; i < s.HS; ++i) dot += q[i] * key[i];
    probs[static_cast<size_t>(k)] = dot * T(s.scale);
    max = std::max(max, dot * T(s.scale));
  }
  for (int64_t k = first; k <= t; ++k) {
    T& p = probs[static_cast<size_t>(k)];
    p = std::exp(p - max);
    sum += p;
  }
  for (T& p : probs) p /= sum;
  return max + std::log(sum);
}

template <typename T>
void attention_forward(Out<T> out, Out<T> lse, In<T> qkv, tensor::ConstI32 first_key,
                       const AttentionShape& s) {
  const int64_t row = (s.NH + 2 * s.NKV) * s.HS;
  std::vector<T> probs;
  for (int64_t b = 0; b < s.B; ++b)
    for (int64_t h = 0; h < s.NH; ++h)
      for (int64_t t = 0; t < s.T; ++t) {
        lse[(b * s.NH + h) * s.T + t] = attention_probs<T>(probs, qkv, first_key, s, b, t, h);
        for (int64_t i = 0; i < s.HS; ++i) {
          const int64_t v = (s.NH + s.NKV + h / (s.NH / s.NKV)) * s.HS + i;
          T sum = 0;
          for (int64_t k = 0; k <= t; ++k)
            sum += probs[static_cast<size_t>(k)] * qkv[(b * s.T + k) * row + v];
          out[((b * s.T + t) * s.NH + h) * s.HS + i] = sum;
        }
      }
}

template <typename T>
void attention_backward(Out<T> dqkv, In<T> dout, In<T> qkv, tensor::ConstI32 first_key,
                        const AttentionShape& s) {
  const int64_t row = (s.NH + 2 * s.NKV) * s.HS;
  std::fill(dqkv.begin(), dqkv.end(), T(0));
  std::vector<T> probs, dprobs(static_cast<size_t>(s.T));
  for (int64_t b = 0; b < s.B; ++b)
    for (int64_t h = 0; h < s.NH; ++h)
      for (int64_t t = 0; t < s.T; ++t) {
        attention_probs<T>(probs, qkv, first_key, s, b, t, h);
        const int64_t q = (b * s.T + t) * row + h * s.HS;
        const int64_t key = b * s.T * row + (s.NH + h / (s.NH / s.NKV)) * s.HS;
        const int64_t value = key + s.NKV * s.HS;
        const T* d = dout.data() + ((b * s.T + t) * s.NH + h) * s.HS;
        T mean = 0;  // of dprobs under probs
        for (int64_t k = 0; k <= t; ++k) {
          const size_t ks = static_cast<size_t>(k);
          dprobs[ks] = 0;
          for (int64_t i = 0; i < s.HS; ++i) {
            dprobs[ks] += d[i] * qkv[value + k * row + i];
            dqkv[value + k * row + i] += probs[ks] * d[i];
          }
          mean += probs[ks] * dprobs[ks];
        }
        for (int64_t k = 0; k <= t; ++k) {
          const size_t ks = static_cast<size_t>(k);
          const T dscore = probs[ks] * (dprobs[ks] - mean) * T(s.scale);
          for (int64_t i = 0; i < s.HS; ++i) {
            dqkv[q + i] += dscore * qkv[key + k * row + i];
            dqkv[key + k * row + i] += dscore * qkv[q + i];
          }
        }
      }
}

// ---- cross-entropy -----------------------------------------------------------

template <typename T>
void log_softmax_inplace(Out<T> logits) {
  const int64_t N = rows(logits), V = cols(logits);
  for (int64_t n = 0; n < N; ++n) {
    T* row = logits.data() + n * V;
    const T max = *std::max_element(row, row + V);
    T sum = 0;
    for (int64_t v = 0; v < V; ++v) sum += std::exp(row[v] - max);
    for (int64_t v = 0; v < V; ++v) row[v] -= max + std::log(sum);
  }
}

// dlosses empty: losses only, logits become log-probabilities.
template <typename T>
void cross_entropy(Out<T> losses, Out<T> logits, tensor::ConstI32 targets, In<T> dlosses) {
  const int64_t N = rows(logits), V = cols(logits);
  log_softmax_inplace<T>(logits);
  for (int64_t n = 0; n < N; ++n) {
    const int32_t target = targets[n];
    losses[n] = target < 0 ? T(0) : -logits[n * V + target];
    if (dlosses.empty()) continue;
    for (int64_t v = 0; v < V; ++v) {
      T& logit = logits[n * V + v];
      logit = target < 0 ? T(0) : (std::exp(logit) - (v == target ? T(1) : T(0))) * dlosses[n];
    }
  }
}

// ---- optimisers --------------------------------------------------------------

template <typename T>
void adamw_update(Out<T> param, Out<T> m, Out<T> v, In<T> grad, const AdamWStep& s) {
  const T step_size = T(s.lr / (1 - std::pow(s.beta1, double(s.step))));
  const T root_correction = T(std::sqrt(1 - std::pow(s.beta2, double(s.step))));
  for (int64_t i = 0; i < param.size(); ++i) {
    const T g = grad[i] * T(s.grad_scale);
    param[i] *= T(1 - s.lr * s.weight_decay);
    m[i] += T(1 - s.beta1) * (g - m[i]);
    v[i] = v[i] * T(s.beta2) + T(1 - s.beta2) * g * g;
    param[i] -= step_size * m[i] / (std::sqrt(v[i]) / root_correction + T(s.eps));
  }
}

template <typename T>
void muon_update(Out<T> param, Out<T> momentum, In<T> grad, const MuonStep& s) {
  const int64_t R = rows(param), C = cols(param), small = std::min(R, C), large = std::max(R, C);
  const size_t square = static_cast<size_t>(small * small);
  std::vector<T> x(static_cast<size_t>(R * C)), next(x.size()), a(square), b(square);
  T norm = 0;
  for (int64_t r = 0; r < R; ++r)
    for (int64_t c = 0; c < C; ++c) {
      const T g = grad[r * C + c] * T(s.grad_scale);
      T& m = momentum[r * C + c];
      m += T(1 - s.momentum) * (g - m);
      const T update = s.nesterov ? g + T(s.momentum) * (m - g) : m;
      x[static_cast<size_t>(R <= C ? r * C + c : c * R + r)] = update;
      norm += update * update;
    }
  for (T& value : x) value /= std::sqrt(norm) + T(1e-7);
  // out (small, cols) = alpha · base + left · right, right (small, cols) or its transpose.
  for (int iteration = 0; iteration < 5; ++iteration) {
    for (int64_t i = 0; i < small; ++i)
      for (int64_t j = 0; j < small; ++j) {
        T sum = 0;
        for (int64_t k = 0; k < large; ++k)
          sum += x[static_cast<size_t>(i * large + k)] * x[static_cast<size_t>(j * large + k)];
        a[static_cast<size_t>(i * small + j)] = sum;
      }
    for (int64_t i = 0; i < small; ++i)
      for (int64_t j = 0; j < small; ++j) {
        T sum = 0;
        for (int64_t k = 0; k < small; ++k)
          sum += a[static_cast<size_t>(i * small + k)] * a[static_cast<size_t>(k * small + j)];
        b[static_cast<size_t>(i * small + j)] =
            T(-4.7750) * a[static_cast<size_t>(i * small + j)] + T(2.0315) * sum;
      }
    for (int64_t i = 0; i < small; ++i)
      for (int64_t j = 0; j < large; ++j) {
        T sum = T(3.4445) * x[static_cast<size_t>(i * large + j)];
        for (int64_t k = 0; k < small; ++k)
          sum += b[static_cast<size_t>(i * small + k)] * x[static_cast<size_t>(k * large + j)];
        next[static_cast<size_t>(i * large + j)] = sum;
      }
    std::swap(x, next);
  }
  const T gain = std::sqrt(std::max(T(1), T(R) / T(C)));
  for (int64_t r = 0; r < R; ++r)
    for (int64_t c = 0; c < C; ++c) {
      const T update = x[static_cast<size_t>(R <= C ? r * C + c : c * R + r)];
      param[r * C + c] *= T(1 - s.lr * s.weight_decay);
      param[r * C + c] -= T(s.lr) * gain * update;
    }
}

}  // namespace parley::kernels::reference
