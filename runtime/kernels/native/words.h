// Vectors of 32-bit integers for the instruction set that a file is compiled for (ALTOCAST_ISA), with the operations
// that compilers don't find: the whole product, of which g++ 12 makes three multiplications of 64 bits each, and the
// places of what is set.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#  include <immintrin.h>
#elif defined(__ARM_NEON)
#  include <arm_neon.h>
#endif

namespace altocast::native::ALTOCAST_ISA {
namespace {

#if defined(__AVX512F__)
constexpr size_t kWords = 16;
#elif defined(__AVX2__)
constexpr size_t kWords = 8;
#else
constexpr size_t kWords = 4;
#endif
using Words = uint32_t __attribute__((vector_size(4 * kWords)));

// The upper and lower halves of the lanes' products.
inline void multiply_words(Words a, Words b, Words& high, Words& low) {
#if defined(__AVX512F__)
  const auto x = reinterpret_cast<__m512i>(a), y = reinterpret_cast<__m512i>(b);
  const __m512i even = _mm512_mul_epu32(x, y);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(x, 32), _mm512_srli_epi64(y, 32));
  high = reinterpret_cast<Words>(_mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB));
  low = reinterpret_cast<Words>(_mm512_mask_shuffle_epi32(even, 0xAAAA, odd, _MM_PERM_CCAA));
#elif defined(__AVX2__)
  const auto x = reinterpret_cast<__m256i>(a), y = reinterpret_cast<__m256i>(b);
  const __m256i even = _mm256_mul_epu32(x, y);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(y, 32));
  high = reinterpret_cast<Words>(_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA));
  low = reinterpret_cast<Words>(_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA));
#elif defined(__x86_64__)
  const auto x = reinterpret_cast<__m128i>(a), y = reinterpret_cast<__m128i>(b);
  const __m128i lower = _mm_set1_epi64x(0xFFFFFFFF);
  const __m128i even = _mm_mul_epu32(x, y);
  const __m128i odd = _mm_mul_epu32(_mm_srli_epi64(x, 32), _mm_srli_epi64(y, 32));
  high = reinterpret_cast<Words>(_mm_or_si128(_mm_srli_epi64(even, 32), _mm_andnot_si128(lower, odd)));
  low = reinterpret_cast<Words>(_mm_or_si128(_mm_and_si128(lower, even), _mm_slli_epi64(odd, 32)));
#elif defined(__ARM_NEON)
  const auto x = reinterpret_cast<uint32x4_t>(a), y = reinterpret_cast<uint32x4_t>(b);
  const uint64x2_t first = vmull_u32(vget_low_u32(x), vget_low_u32(y));
  const uint64x2_t second = vmull_u32(vget_high_u32(x), vget_high_u32(y));
  const uint32x4x2_t halves = vuzpq_u32(vreinterpretq_u32_u64(first), vreinterpretq_u32_u64(second));
  high = reinterpret_cast<Words>(halves.val[1]);
  low = reinterpret_cast<Words>(halves.val[0]);
#else
  for (size_t i = 0; i < kWords; ++i) {
    const uint64_t product = uint64_t{a[i]} * b[i];
    high[i] = static_cast<uint32_t>(product >> 32);
    low[i] = static_cast<uint32_t>(product);
  }
#endif
}

// Writes first + i for those i < kWords whose flag is not 0, in order, and says how many there are; `to` has room for
// kWords.
inline size_t append_places(const uint32_t* flags, uint32_t first, uint32_t* to) {
#if defined(__AVX512F__)
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i set = _mm512_loadu_si512(flags);
  const __mmask16 mask = _mm512_test_epi32_mask(set, set);
  const __m512i places = _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int>(first)));
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(mask, places));
  return static_cast<size_t>(__builtin_popcount(mask));
#else
  size_t count = 0;
  for (size_t i = 0; i < kWords; ++i) {
    to[count] = first + static_cast<uint32_t>(i);
    count += flags[i] ? 1 : 0;
  }
  return count;
#endif
}

}  // namespace
}  // namespace altocast::native::ALTOCAST_ISA
