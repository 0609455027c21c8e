#include "trainer/kernel_choice.h"

#include "runtime/kernels/native/native_kernels.h"
#include "runtime/kernels/reference.h"
#include "trainer/onednn/onednn_kernels.h"

namespace altocast {

Result<std::unique_ptr<Kernels<float>>> make_training_kernels(std::string_view name, int threads) {
  if (name == "native") return std::unique_ptr<Kernels<float>>(std::make_unique<NativeKernels>(best_table(), threads));
  if (name == "reference") return std::unique_ptr<Kernels<float>>(std::make_unique<ReferenceKernels<float>>(threads));
  if (name == "onednn") {
    Result<std::unique_ptr<OneDnnKernels>> kernels = make_onednn_kernels(threads);
    if (!kernels.ok()) return kernels.status();
    return std::unique_ptr<Kernels<float>>(std::move(*kernels));
  }
  return Status::error("unknown kernel set '" + std::string(name) + "'; choose native, onednn or reference");
}

}  // namespace altocast
