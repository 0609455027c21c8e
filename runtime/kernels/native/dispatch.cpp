// Which tables were built, and which of them this processor can run. ALTOCAST_HAVE_… come from CMake.
#include <array>
#include <cstddef>

#if defined(__arm__)
#  include <sys/auxv.h>
#endif

#include "runtime/kernels/native/native_kernels.h"

namespace altocast {
namespace native {
#if defined(ALTOCAST_HAVE_AVX512)
namespace avx512 {
extern const KernelTable kTable;
}
#endif
#if defined(ALTOCAST_HAVE_AVX2)
namespace avx2 {
extern const KernelTable kTable;
}
#endif
#if defined(ALTOCAST_HAVE_NEON)
namespace neon {
extern const KernelTable kTable;
}
#endif
namespace scalar {
extern const KernelTable kTable;
extern const WeightLoops<double> kDoubleLoops;
}  // namespace scalar
}  // namespace native

namespace {

#if defined(ALTOCAST_HAVE_NEON)
bool has_neon() {
#  if defined(__arm__)
  constexpr unsigned long kNeon = 1ul << 12;
  constexpr unsigned long kVfpv4 = 1ul << 16;  // fused multiply-add
  return (getauxval(AT_HWCAP) & (kNeon | kVfpv4)) == (kNeon | kVfpv4);
#  else
  return true;
#  endif
}
#endif

class Tables {
 public:
  Tables() {
#if defined(ALTOCAST_HAVE_AVX512)
    if (__builtin_cpu_supports("avx512f")) add(native::avx512::kTable);
#endif
#if defined(ALTOCAST_HAVE_AVX2)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) add(native::avx2::kTable);
#endif
#if defined(ALTOCAST_HAVE_NEON)
    if (has_neon()) add(native::neon::kTable);
#endif
    add(native::scalar::kTable);
  }
  std::span<const KernelTable* const> list() const { return {tables_.data(), count_}; }

 private:
  void add(const KernelTable& table) { tables_[count_++] = &table; }

  std::array<const KernelTable*, 3> tables_{};
  std::size_t count_ = 0;
};

}  // namespace

std::span<const KernelTable* const> available_tables() {
  static const Tables tables;
  return tables.list();
}

const KernelTable* find_table(std::string_view isa) {
  for (const KernelTable* table : available_tables()) {
    if (table->isa == isa) return table;
  }
  return nullptr;
}

const KernelTable& best_table() { return *available_tables().front(); }

template <>
const native::WeightLoops<float>& weight_loops<float>() {
  return *best_table().weight_loops;
}
template <>
const native::WeightLoops<double>& weight_loops<double>() {
  return native::scalar::kDoubleLoops;
}

}  // namespace altocast
