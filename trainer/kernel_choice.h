// Which kernel set the trainer runs on.
#pragma once

#include <memory>
#include <string_view>

#include "formats/status.h"
#include "runtime/kernels/kernels.h"

namespace altocast {

// Fails, naming the choices, if make_training_kernels knows no set of this name.
Status check_kernel_set(std::string_view name);

// "native" (the station's own, on this machine's best instruction set), "onednn", or "reference". `threads` as in
// ThreadPool. Several sets may be made and used at the same time, each by one thread.
Result<std::unique_ptr<Kernels<float>>> make_training_kernels(std::string_view name, int threads);

}  // namespace altocast
