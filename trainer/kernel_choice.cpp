#include "trainer/kernel_choice.h"

#include "runtime/kernels/native/native_kernels.h"
#include "runtime/kernels/reference.h"
#include "trainer/onednn/onednn_kernels.h"

namespace altocast {

Status check_kernel_set(std::string_view name) {
  if (name == "native" || name == "onednn" || name == "reference") return {};
  return Status::error("unknown kernel set '" + std::string(name) + "'; choose native, onednn or reference");
}

Result<std::unique_ptr<Kernels<float>>> make_training_kernels(std::string_view name, int threads) {
  ALTOCAST_RETURN_IF_ERROR(check_kernel_set(name));
  if (name == "native") return std::unique_ptr<Kernels<float>>(std::make_unique<NativeKernels>(best_table(), threads));
  if (name == "reference") return std::unique_ptr<Kernels<float>>(std::make_unique<ReferenceKernels<float>>(threads));
  Result<std::unique_ptr<OneDnnKernels>> kernels = make_onednn_kernels(threads);
  if (!kernels.ok()) return kernels.status();
  return std::unique_ptr<Kernels<float>>(std::move(*kernels));
}

}  // namespace altocast
