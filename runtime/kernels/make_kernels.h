// The kernel set that the station's commands run on, by the name of an instruction set.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "formats/status.h"
#include "runtime/kernels/kernels.h"

namespace altocast {

// Native kernels for `isa` (avx512, avx2, neon or scalar; empty: the fastest that this processor has) on
// `threads` threads (0: all cores). Fails if the name is unknown or the processor lacks it; the message lists
// what it has.
Result<std::unique_ptr<Kernels<float>>> make_kernels(std::string_view isa, int threads);

// "avx512, avx2, scalar": what make_kernels takes here, the fastest first.
std::string available_isas();

}  // namespace altocast
