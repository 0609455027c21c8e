// Sections that several kinds of file hold in the same form: the network's specification and the inner loop's
// settings.
#pragma once

#include "formats/container.h"
#include "formats/network_spec.h"
#include "formats/prior.h"

namespace altocast {

// Section "network", i64 [7]: input_frames, leads, base_channels, depth, activation, norm_groups, residual.
void add_network(ContainerWriter& writer, const NetworkSpec& spec);
// The specification is valid and its hash is that of the header.
Result<NetworkSpec> read_network(const Container& container);

// Sections "inner.counts", i64 [4]: steps, samples, noise (0 independent samples, + 1 antithetic, + 2 Flipout),
// support pairs; "inner.values", f32 [3]:
// kl_weight, clip_mu, clip_rho.
void add_inner_loop(ContainerWriter& writer, const InnerLoopSettings& inner, int support_pairs);
struct InnerLoopSection {
  InnerLoopSettings inner;
  int support_pairs = 0;
};
Result<InnerLoopSection> read_inner_loop(const Container& container);

// Steps 0 … 1000, samples 1 … 1024, support pairs 0 … 4096, weights and limits finite and not negative.
Status validate(const InnerLoopSettings& inner, int support_pairs);

}  // namespace altocast
