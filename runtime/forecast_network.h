// A U-Net that forecasts only: of whole images (unet.h), or of those whose buffers would be too large in bands of rows
// (banded_unet.h). Which of them changes no bit.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/banded_unet.h"
#include "runtime/unet.h"

namespace altocast {

// Not for concurrent use; the kernel set is borrowed and must outlive the network. All memory is allocated by the
// constructor.
class ForecastNetwork {
 public:
  // Bands of `band` rows, as BandedUNet takes them; 0: the whole image at once.
  ForecastNetwork(const NetworkSpec& spec, Kernels<float>& kernels, int height, int width, int band);

  // Bytes of a network's buffers, of its packed weights and of the kernels' scratch memory; at most a few MiB too many.
  static std::uint64_t bytes(const NetworkSpec& spec, const Kernels<float>& kernels, int height, int width, int band);

  const NetworkSpec& spec() const { return spec_; }
  ThreadPool& threads() const { return kernels_.threads(); }
  int height() const { return height_; }
  int width() const { return width_; }
  std::size_t terms() const { return terms_; }  // leads · height · width
  std::size_t activation_bytes() const { return whole_ ? whole_->activation_bytes() : bands_->activation_bytes(); }
  void set_weights(const float* phi);  // as UNet's
  void forward(const Sample<float>& sample, float* out);

 private:
  NetworkSpec spec_;
  Kernels<float>& kernels_;
  int height_, width_;
  std::size_t terms_;
  std::optional<UNet<float>> whole_;  // or
  std::optional<BandedUNet> bands_;
};

}  // namespace altocast
