#include "runtime/kernels/make_kernels.h"

#include "runtime/kernels/native/native_kernels.h"

namespace altocast {

Result<std::unique_ptr<Kernels<float>>> make_kernels(std::string_view isa, int threads) {
  const KernelTable* table = isa.empty() ? &best_table() : find_table(isa);
  if (table == nullptr) {
    return Status::error("the instruction set '" + std::string(isa) +
                         "' is unknown or this processor lacks it; available: " + available_isas());
  }
  return std::unique_ptr<Kernels<float>>(std::make_unique<NativeKernels>(*table, threads));
}

std::string available_isas() {
  std::string names;
  for (const KernelTable* table : available_tables()) names += (names.empty() ? "" : ", ") + std::string(table->isa);
  return names;
}

}  // namespace altocast
