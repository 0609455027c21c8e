// Large memory whose size a file decides: refused with an answer, where std::vector would throw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace altocast {

// Makes `values` that long, or returns false, changing nothing, if the system does not grant the memory.
template <class T>
[[nodiscard]] bool try_resize(std::vector<T>& values, std::uint64_t size) {
  if (size > values.capacity()) {
    if (size > values.max_size()) return false;
    void* const trial = ::operator new(static_cast<std::size_t>(size) * sizeof(T), std::nothrow);
    if (trial == nullptr) return false;
    ::operator delete(trial);
  }
  values.resize(static_cast<std::size_t>(size));
  return true;
}

}  // namespace altocast
