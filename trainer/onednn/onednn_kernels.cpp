#include "trainer/onednn/onednn_kernels.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <new>
#include <string>
#include <utility>

#include "runtime/thread_pool.h"
#include "trainer/onednn/activation_loops.h"
#include "trainer/onednn/blocked_weights.h"
#include "trainer/onednn/primitives.h"

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
// Declared here since the library's own OpenMP must be spoken to (GCC's), whichever compiler builds this
// file.
extern "C" {
int omp_get_max_threads(void);
void omp_set_num_threads(int);
}
#endif

namespace altocast {
namespace {

using onednn::ConvolutionShape;
using onednn::Primitive;

// How oneDNN computes while this lives: on `threads` threads, subnormals flushed in the calling one.
class ComputeScope {
 public:
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
  explicit ComputeScope(int threads) : saved_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~ComputeScope() { omp_set_num_threads(saved_); }
#else
  explicit ComputeScope(int) {}
#endif
  ComputeScope(const ComputeScope&) = delete;
  ComputeScope& operator=(const ComputeScope&) = delete;

 private:
  FlushSubnormals flush_;
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
  int saved_;
#endif
};

// Scratch memory on cache lines that only grows, and loses its contents when it does.
class Scratch {
 public:
  void reserve(std::size_t floats) {
    if (floats <= size_) return;
    const std::size_t bytes = (floats * sizeof(float) + 63) / 64 * 64;
    data_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
    size_ = data_ == nullptr ? 0 : floats;
    if (data_ == nullptr) throw std::bad_alloc();
  }
  float* data() { return data_.get(); }

 private:
  struct Free {
    void operator()(float* data) const { std::free(data); }
  };
  std::unique_ptr<float, Free> data_;
  std::size_t size_ = 0;
};

void poison(float* data, std::size_t count) { std::fill_n(data, count, std::numeric_limits<float>::quiet_NaN()); }

bool has_avx512() {
  const unsigned core = dnnl_cpu_isa_avx512_core;
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & core) == core;
}

}  // namespace

class OneDnnKernels::PrimitiveCache {
 public:
  explicit PrimitiveCache(int threads) : threads_(threads) {}

  const int block = has_avx512() ? 16 : 8;
  const onednn::ActivationLoops& activations = onednn::activation_loops(has_avx512());

  const Status& status() const { return status_; }

  ConvolutionShape shape(const WeightSlice& slice, Direction direction, int height, int width) const {
    const int in = (slice.in_count + block - 1) / block;
    const int out = (slice.out + block - 1) / block;
    const bool forward = direction == Direction::forward;
    return {forward ? in : out, forward ? out : in, slice.kernel, height, width};
  }

  void prepare_convolution(const ConvolutionShape& shape) {
    guarded([&] { find_convolution(shape, false), find_convolution(shape, true); });
  }

  void prepare_weight_gradient(const ConvolutionShape& shape) {
    guarded([&] { find_weight_gradient(shape); });
  }

  // dst = bias + src ∗ packed, or dst += src ∗ packed. False after a failure.
  bool convolve(const ConvolutionShape& shape, const float* src, const float* packed, const float* bias, int channels,
                bool accumulate, float* dst) {
    return guarded([&] {
      Primitive& primitive = find_convolution(shape, accumulate);
      void* const data[] = {const_cast<float*>(src), const_cast<float*>(packed), dst, padded_bias(bias, channels)};
      check(primitive.run(stream_, std::span(data, accumulate ? 3u : 4u), scratchpad_.data()));
    });
  }

  // The blocked gradient of all terms, in memory of the cache; null after a failure.
  const float* weight_gradient(const ConvolutionShape& shape, std::span<const WeightGradientTerm<float>> terms,
                               std::size_t size) {
    const bool done = guarded([&] {
      Primitive& primitive = find_weight_gradient(shape);
      for (const WeightGradientTerm<float>& term : terms) {
        float* dst = (&term == terms.data() ? sum_ : addend_).data();
        void* const data[] = {term.src.data, term.grad_dst.data, dst};
        check(primitive.run(stream_, data, scratchpad_.data()));
        if (dst == addend_.data()) std::transform(dst, dst + size, sum_.data(), sum_.data(), std::plus<>());
      }
    });
    return done ? sum_.data() : nullptr;
  }

 private:
  // Runs `work` in this set's number of threads and turns what it throws into the status.
  template <class Work>
  bool guarded(const Work& work) {
    const ComputeScope scope(threads_);
    std::string message;
    try {
      work();
      return true;
    } catch (const dnnl::error& error) {
      message = std::string(error.what()) + " (status " + std::to_string(error.status) + ")";
    } catch (const std::bad_alloc&) {
      message = "out of memory";
    }
    if (status_.ok()) status_ = Status::error("oneDNN: " + message);
    return false;
  }

  static void check(bool ok) {
    if (!ok) throw dnnl::error(dnnl_runtime_error, "a primitive could not be executed");
  }

  Primitive& find_convolution(const ConvolutionShape& shape, bool accumulate) {
    auto& cache = accumulate ? accumulating_ : writing_;
    if (const auto found = cache.find(shape); found != cache.end()) return found->second;
    bias_.reserve(static_cast<std::size_t>(shape.out_blocks * block));
    return insert(
        cache, shape,
        accumulate ? make_accumulating_convolution(engine_, block, shape) : make_convolution(engine_, block, shape));
  }

  Primitive& find_weight_gradient(const ConvolutionShape& shape) {
    if (const auto found = gradients_.find(shape); found != gradients_.end()) return found->second;
    const std::size_t size =
        onednn::blocked_size({shape.out_blocks * block, 0, 0, shape.in_blocks * block, shape.kernel}, block);
    sum_.reserve(size);
    addend_.reserve(size);
    return insert(gradients_, shape, make_weight_gradient(engine_, block, shape));
  }

  using Cache = std::map<ConvolutionShape, Primitive>;
  Primitive& insert(Cache& cache, const ConvolutionShape& shape, Primitive primitive) {
    scratchpad_.reserve((primitive.scratchpad_bytes() + sizeof(float) - 1) / sizeof(float));
    return cache.emplace(shape, std::move(primitive)).first->second;
  }

  // The bias as whole blocks: itself, or a copy that is filled up with zeros.
  float* padded_bias(const float* bias, int channels) {
    if (bias != nullptr && channels % block == 0) return const_cast<float*>(bias);
    const auto given = static_cast<std::size_t>(bias == nullptr ? 0 : channels);
    const auto padded = static_cast<std::size_t>((channels + block - 1) / block * block);
    std::copy_n(bias, given, bias_.data());
    std::fill(bias_.data() + given, bias_.data() + padded, 0.0f);
    return bias_.data();
  }

  const int threads_;
  Status status_;
  const dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  const dnnl::stream stream_{engine_};
  Cache writing_;
  Cache accumulating_;
  Cache gradients_;
  Scratch scratchpad_;  // the largest that any primitive asks for
  Scratch bias_;
  Scratch sum_;  // blocked weight gradients
  Scratch addend_;
};

// The pool has one thread, this one: OpenMP's threads spin for a while after every convolution, and a pool's
// would have to wait for their cores.
OneDnnKernels::OneDnnKernels(int threads) : Kernels(1), cache_(std::make_unique<PrimitiveCache>(threads)) {}

OneDnnKernels::~OneDnnKernels() = default;

Result<std::unique_ptr<OneDnnKernels>> make_onednn_kernels(int threads) {
  if (threads <= 0) threads = available_cores();
  try {
    std::unique_ptr<OneDnnKernels> kernels(new OneDnnKernels(threads));
    kernels->reserve({1, 1, 0, 1, 3}, 3, 3);
    if (!kernels->status().ok()) return kernels->status();
    return kernels;
  } catch (const dnnl::error& error) {
    return Status::error(std::string("oneDNN can't be used on this machine: ") + error.what());
  }
}

Status OneDnnKernels::status() const { return cache_->status(); }

Layout OneDnnKernels::layout() const { return {cache_->block, 0}; }

void OneDnnKernels::reserve(const WeightSlice& slice, int height, int width) {
  cache_->prepare_convolution(cache_->shape(slice, Direction::forward, height, width));
  cache_->prepare_convolution(cache_->shape(slice, Direction::transposed, height, width));
  cache_->prepare_weight_gradient(cache_->shape(slice, Direction::forward, height, width));
}

std::size_t OneDnnKernels::packed_size(const WeightSlice& slice, Direction) const {
  return onednn::blocked_size(slice, cache_->block);
}

void OneDnnKernels::pack_weights(const float* weight, const WeightSlice& slice, Direction direction, float* packed) {
  onednn::pack_blocked(weight, slice, direction, cache_->block, packed);
}

void OneDnnKernels::convolve(std::span<const ConvolutionTerm<float>> terms, const float* bias,
                             const Tensor<float>& dst) {
  assert(!terms.empty() && terms.size() <= static_cast<std::size_t>(kMaxTerms));
  for (const ConvolutionTerm<float>& term : terms) {
    assert(term.src.blocks() == cache_->shape(term.slice, term.direction, 0, 0).in_blocks);
    assert(dst.blocks() == cache_->shape(term.slice, term.direction, 0, 0).out_blocks);
    assert(term.src.extent.height == dst.extent.height && term.src.extent.width == dst.extent.width);
    assert(term.src.layout.block == cache_->block && dst.layout.block == cache_->block);
    const ConvolutionShape shape = cache_->shape(term.slice, term.direction, dst.extent.height, dst.extent.width);
    const bool accumulate = &term != terms.data();
    if (!cache_->convolve(shape, term.src.data, term.packed, bias, dst.extent.channels, accumulate, dst.data)) {
      poison(dst.data, dst.size());
      return;
    }
  }
}

void OneDnnKernels::convolve_backward_weights(std::span<const WeightGradientTerm<float>> terms,
                                              const WeightSlice& slice, float* grad_weight) {
  if (terms.empty()) return;
  const Extent extent = terms.front().src.extent;
  const ConvolutionShape shape = cache_->shape(slice, Direction::forward, extent.height, extent.width);
  const float* blocked = cache_->weight_gradient(shape, terms, packed_size(slice, Direction::forward));
  if (blocked == nullptr) {
    const auto taps = static_cast<std::size_t>(slice.kernel * slice.kernel);
    poison(grad_weight, static_cast<std::size_t>(slice.out) * static_cast<std::size_t>(slice.in_total) * taps);
    return;
  }
  onednn::add_blocked(blocked, slice, cache_->block, grad_weight);
}

void OneDnnKernels::activate(ActivationKind kind, const float* z, float* a, std::size_t count) {
  cache_->activations.value(kind, z, a, count);
}

void OneDnnKernels::activate_backward(ActivationKind kind, const float* z, const float* grad_a, float* grad_z,
                                      std::size_t count) {
  cache_->activations.slope(kind, z, grad_a, grad_z, count);
}

void OneDnnKernels::activate_tangent(ActivationKind kind, const float* z, const float* tan_z, float* tan_a,
                                     std::size_t count) {
  cache_->activations.slope(kind, z, tan_z, tan_a, count);
}

void OneDnnKernels::activate_tangent_backward(ActivationKind kind, const float* z, const float* tan_z,
                                              const float* grad_a, const float* tan_grad_a, float* tan_grad_z,
                                              std::size_t count) {
  cache_->activations.tangent_of_slope(kind, z, tan_z, grad_a, tan_grad_a, tan_grad_z, count);
}

}  // namespace altocast
