// What the C++ library throws in the static program, for want of memory or threads, is caught by nobody: the program
// says what it was and ends. So it needs no way back through functions that are left: neither the unwinder nor the
// tables that the libraries bring for it (static.ld), together 90 kB.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <typeinfo>

#include "apps/altocast/end_by_exception.h"

extern "C" {

// An exception that is thrown while another one is made, or by another thread, needs room of its own.
void* __cxa_allocate_exception(std::size_t size) noexcept {
  constexpr std::size_t kRoom = 256;
  constexpr unsigned kRooms = 16;
  alignas(std::max_align_t) static std::byte rooms[kRooms][kRoom];
  static std::atomic<unsigned> taken = 0;
  const unsigned room = taken++;
  if (size > kRoom || room >= kRooms) altocast::end_by_exception(nullptr);
  return rooms[room];
}
void __cxa_free_exception(void*) noexcept {}

[[noreturn]] void __cxa_throw(void* thrown, std::type_info* type, void (*)(void*)) {
  void* exception = thrown;
  const bool known = typeid(std::exception).__do_catch(type, &exception, 1);
  altocast::end_by_exception(known ? static_cast<const std::exception*>(exception) : nullptr);
}
[[noreturn]] void __cxa_rethrow() { altocast::end_by_exception(nullptr); }

// The libraries' own handlers are never reached.
void* __cxa_begin_catch(void*) noexcept { altocast::end_by_exception(nullptr); }
void __cxa_end_catch() { altocast::end_by_exception(nullptr); }
void __cxa_call_unexpected(void*) { altocast::end_by_exception(nullptr); }
[[noreturn]] void _Unwind_Resume(void*) { altocast::end_by_exception(nullptr); }
int _Unwind_ForcedUnwind(void*, void*, void*) { altocast::end_by_exception(nullptr); }
unsigned long _Unwind_GetCFA(void*) { altocast::end_by_exception(nullptr); }
int __gxx_personality_v0(...) { altocast::end_by_exception(nullptr); }
int __gcc_personality_v0(...) { altocast::end_by_exception(nullptr); }
#ifdef __ARM_EABI__
int __aeabi_unwind_cpp_pr0(...) { altocast::end_by_exception(nullptr); }
int __aeabi_unwind_cpp_pr1(...) { altocast::end_by_exception(nullptr); }
int __aeabi_unwind_cpp_pr2(...) { altocast::end_by_exception(nullptr); }
#endif

}  // extern "C"

namespace __gnu_cxx {
void __verbose_terminate_handler() { altocast::end_by_exception(nullptr); }
}  // namespace __gnu_cxx
