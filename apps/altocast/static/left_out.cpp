// What the C and C++ libraries would bring into the static program and it never uses. Each name stands here in place
// of the library's own, so that the linker does not take that one and all that it draws in: bytes of x86-64 are given.
// Names and types are those of glibc 2.36 and libstdc++ 12 (Debian 12). With a glibc of other names nothing breaks, but
// the program grows, and EdgeProgram.IsSmallAndNeedsNothing tells; where they do not link, apps/CMakeLists.txt leaves
// this folder out.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

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

// No shared library is loaded: 48 kB. The stack's protection is what threads are created with.
void* __libc_dlopen_mode(const char*, int) { return nullptr; }
void* __libc_dlsym(void*, const char*) { return nullptr; }
void* __libc_dlvsym(void*, const char*, const char*) { return nullptr; }
int __libc_dlclose(void*) { return 0; }
void _dl_init_paths(const char*, const char*, const char*, const char*) {}
int __stack_prot = PROT_READ | PROT_WRITE | PROT_GROWSDOWN;

// No locale is chosen: std::from_chars needs them, and what follows them, for long doubles alone. 60 kB.
void* newlocale(int, const char*, void*) { return nullptr; }
void* uselocale(void*) { return nullptr; }
void freelocale(void*) {}
long double strtold(const char*, char**) { return 0; }

// What the library believes of itself is said without its streams.
[[noreturn]] void __assert_fail(const char* claim, const char*, unsigned, const char*) {
  if (::write(STDERR_FILENO, claim, std::strlen(claim)) < 0 || ::write(STDERR_FILENO, "\n", 1) < 0) errno = 0;
  std::abort();
}

}  // extern "C"
