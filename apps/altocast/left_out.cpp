// What the C and C++ libraries would bring into the static program and it never uses. Each function stands here in
// place of the library's own, so that the linker does not take that one and all that it draws in: together 220 kB of
// x86-64. Names and types are those of glibc 2.36 and libstdc++ 12 (Debian 12). With a glibc of other names nothing
// breaks, but the program grows, and EdgeProgram.IsSmallAndNeedsNothing tells; where they do not link,
// apps/CMakeLists.txt leaves this file out.
#include <cstdarg>
#include <cstddef>

extern "C" {

// What is said of an exception that nobody caught names its type in mangled form: 48 kB.
char* __cxa_demangle(const char*, char*, std::size_t*, int* status) {
  constexpr int kNotAName = -2;
  if (status != nullptr) *status = kNotAName;
  return nullptr;
}

// The C library's messages are not translated: 29 kB.
char* __dcgettext(const char*, const char* message, int) { return const_cast<char*>(message); }
char* dcgettext(const char*, const char* message, int) { return const_cast<char*>(message); }

// No host is looked up, so a thread has no resolver to keep and to free: 57 kB.
thread_local struct __res_state* __libc_resp = nullptr;
void __res_thread_freeres() {}

// No shared library is loaded (for character sets, which nobody converts): 29 kB.
void* __libc_dlopen_mode(const char*, int) { return nullptr; }
void* __libc_dlsym(void*, const char*) { return nullptr; }
void* __libc_dlvsym(void*, const char*, const char*) { return nullptr; }
int __libc_dlclose(void*) { return 0; }

// Nothing is printed in wide characters: 29 kB.
int __vfwprintf_internal(void*, const wchar_t*, std::va_list, unsigned) { return -1; }

}  // extern "C"
