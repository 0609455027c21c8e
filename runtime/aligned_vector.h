// A vector whose first element starts a cache line: a wide load or store that crosses two lines costs twice.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace altocast {

inline constexpr std::size_t kCacheLine = 64;

template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t(kCacheLine)));
  }
  void deallocate(T* memory, std::size_t) { ::operator delete(memory, std::align_val_t(kCacheLine)); }
  template <class U>
  bool operator==(const AlignedAllocator<U>&) const {
    return true;
  }
};

template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

// The same whose elements hold anything until they are written: what is never used of it takes no memory.
template <class T>
struct ScratchAllocator : AlignedAllocator<T> {
  template <class U>
  struct rebind {
    using other = ScratchAllocator<U>;
  };
  void construct(T*) {}
};

template <class T>
using ScratchVector = std::vector<T, ScratchAllocator<T>>;

}  // namespace altocast
