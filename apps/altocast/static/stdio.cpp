// The C library's streams as far as the edge program uses them, without what they draw in (150 kB): stdout, kept until
// its buffer is full, a line ends on a terminal, or the program ends; stderr, said at once. Any thread may print.
//
// Whoever calls another function of <cstdio> in the program finds out when it is linked: that function needs the
// library's own streams, whose names are taken here.
#define __NO_INLINE__ 1  // or <cstdio> defines putchar itself
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "apps/altocast/static/print_format.h"

namespace {

constexpr std::size_t kBuffer = 4096;

std::mutex stream_access;
char buffer[kBuffer];
std::size_t buffered = 0;
bool failed = false;  // something of stdout was lost

bool write_all(int file, const char* text, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(file, text, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

bool ends_on_a_terminal() {
  static const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  return terminal;
}

void flush() {
  if (!write_all(STDOUT_FILENO, buffer, buffered)) failed = true;
  buffered = 0;
}

}  // namespace

extern "C" {

// The type is complete, so that the addresses can be told apart; nothing in them is used.
struct _IO_FILE_plus {
  FILE file;
} _IO_2_1_stdout_, _IO_2_1_stderr_;
FILE* stdout = &_IO_2_1_stdout_.file;
FILE* stderr = &_IO_2_1_stderr_.file;

std::size_t fwrite(const void* bytes, std::size_t size, std::size_t count, FILE* file) {
  const char* text = static_cast<const char*>(bytes);
  std::size_t left = size * count;
  const std::lock_guard lock(stream_access);
  if (file != stdout) return write_all(STDERR_FILENO, text, left) ? count : 0;
  const bool line_ends = left > 0 && std::memchr(text, '\n', left) != nullptr && ends_on_a_terminal();
  while (left > 0) {
    if (buffered == kBuffer) flush();
    const std::size_t part = left < kBuffer - buffered ? left : kBuffer - buffered;
    std::memcpy(buffer + buffered, text, part);
    buffered += part;
    text += part;
    left -= part;
  }
  if (line_ends) flush();
  return failed ? 0 : count;
}

int fflush(FILE*) {
  const std::lock_guard lock(stream_access);
  flush();
  return failed ? EOF : 0;
}

int fputs(const char* text, FILE* file) {
  const std::size_t length = std::strlen(text);
  return fwrite(text, 1, length, file) == length ? 0 : EOF;
}

int fputc(int c, FILE* file) {
  const char byte = static_cast<char>(c);
  return fwrite(&byte, 1, 1, file) == 1 ? static_cast<unsigned char>(byte) : EOF;
}
int putc(int c, FILE* file) { return fputc(c, file); }
int putchar(int c) { return fputc(c, stdout); }
int puts(const char* text) { return fputs(text, stdout) == EOF || fputc('\n', stdout) == EOF ? EOF : 0; }

int vsnprintf(char* text, std::size_t size, const char* format, std::va_list arguments) {
  return static_cast<int>(altocast::print_format(text, size, format, arguments));
}
int snprintf(char* text, std::size_t size, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(text, size, format, arguments);
  va_end(arguments);
  return length;
}

int vfprintf(FILE* file, const char* format, std::va_list arguments) {
  char room[512];
  std::va_list again;
  va_copy(again, arguments);
  const std::size_t length = altocast::print_format(room, sizeof room, format, arguments);
  std::size_t written;
  if (length < sizeof room) {
    written = fwrite(room, 1, length, file);
  } else {
    char* const text = new char[length + 1];
    altocast::print_format(text, length + 1, format, again);
    written = fwrite(text, 1, length, file);
    delete[] text;
  }
  va_end(again);
  return written == length ? static_cast<int>(length) : EOF;
}
int fprintf(FILE* file, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const int length = vfprintf(file, format, arguments);
  va_end(arguments);
  return length;
}
int printf(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const int length = vfprintf(stdout, format, arguments);
  va_end(arguments);
  return length;
}

// What the library itself calls: for malloc's and strerror's messages, and when the first thread is made.
int _IO_fputs(const char* text, FILE* file) { return fputs(text, file); }
int __snprintf(char* text, std::size_t size, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(text, size, format, arguments);
  va_end(arguments);
  return length;
}
int __asprintf(char** text, const char* format, ...) {
  constexpr std::size_t kSize = 256;
  *text = static_cast<char*>(std::malloc(kSize));
  if (*text == nullptr) return -1;
  std::va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(*text, kSize, format, arguments);
  va_end(arguments);
  return length;
}
void _IO_enable_locks() {}

[[gnu::destructor]] static void flush_at_the_end() { fflush(stdout); }

}  // extern "C"
