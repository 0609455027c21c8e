// The C library's functions for short texts in one plain version each. Its own are there for six instruction sets, and
// those that know of numbers and of errors ask the locale, which brings tables of letters: together 110 kB. What works
// on large blocks of memory (memcpy, memset, memcmp, memchr, strlen) stays the library's.
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>

extern "C" {

const char* strerrordesc_np(int number);

int strncmp(const char* a, const char* b, std::size_t count) {
  for (; count > 0; --count, ++a, ++b) {
    if (*a != *b || *a == '\0') return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
  }
  return 0;
}
int strcmp(const char* a, const char* b) { return strncmp(a, b, SIZE_MAX); }

char* __stpcpy(char* to, const char* from) {
  while ((*to = *from++) != '\0') ++to;
  return to;
}
char* stpcpy(char* to, const char* from) { return __stpcpy(to, from); }
char* strcpy(char* to, const char* from) {
  __stpcpy(to, from);
  return to;
}

char* strstr(const char* text, const char* part) {
  const std::size_t length = __builtin_strlen(part);
  for (;; ++text) {
    if (strncmp(text, part, length) == 0) return const_cast<char*>(text);
    if (*text == '\0') return nullptr;
  }
}

// For the library itself, which reads the numbers of processors and pages: blanks, a sign, digits.
unsigned long strtoul(const char* text, char** end, int base) {
  const char* at = text;
  while (*at == ' ' || *at == '\t' || *at == '\n') ++at;
  const bool negative = *at == '-';
  if (*at == '-' || *at == '+') ++at;
  const char* const digits = at;
  unsigned long value = 0;
  for (; *at >= '0' && *at <= '9' && *at - '0' < base; ++at) {
    unsigned long next;
    const bool fits = !__builtin_mul_overflow(value, static_cast<unsigned long>(base), &next) &&
                      !__builtin_add_overflow(next, static_cast<unsigned long>(*at - '0'), &next);
    value = fits ? next : ULONG_MAX;
  }
  if (end != nullptr) *end = const_cast<char*>(at == digits ? text : at);
  return negative ? 0 - value : value;
}
long strtol(const char* text, char** end, int base) { return static_cast<long>(strtoul(text, end, base)); }

char* strerror(int number) {
  static thread_local char unknown[32];
  const char* const known = strerrordesc_np(number);
  if (known != nullptr) return const_cast<char*>(known);
  std::snprintf(unknown, sizeof unknown, "Unknown error %d", number);
  return unknown;
}

// Nobody asks whether a character is a letter, so no thread needs the tables that say it.
void __ctype_init() {}

}  // extern "C"
