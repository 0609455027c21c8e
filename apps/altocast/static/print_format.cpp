// A double is a whole number times a power of two, so it has finitely many decimal digits: all of them are worked
// out with plain arithmetic on large whole numbers, and then rounded once.
#include "apps/altocast/static/print_format.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>

namespace altocast {
namespace {

struct Conversion {
  bool left = false, plus = false, space = false, alternative = false, zeros = false;
  int width = 0, precision = -1;
};

// Where the text goes; counts what finds no room.
class Output {
 public:
  Output(char* text, std::size_t size) : text_(text), size_(size) {}
  void put(char c) {
    if (length_ + 1 < size_) text_[length_] = c;
    ++length_;
  }
  void put(const char* text, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) put(text[i]);
  }
  void repeat(char c, int count) {
    for (int i = 0; i < count; ++i) put(c);
  }
  std::size_t finish() {
    if (size_ > 0) text_[std::min(length_, size_ - 1)] = '\0';
    return length_;
  }

 private:
  char* text_;
  std::size_t size_, length_ = 0;
};

// `prefix` (sign, 0x), `zeros` zeros and `body`, within the width.
void put_padded(Output& output, const Conversion& how, const char* prefix, int zeros, const char* body,
                std::size_t body_size) {
  const std::size_t prefix_size = std::strlen(prefix);
  const int padding = how.width - static_cast<int>(prefix_size) - zeros - static_cast<int>(body_size);
  if (!how.left && !how.zeros) output.repeat(' ', padding);
  output.put(prefix, prefix_size);
  if (!how.left && how.zeros) output.repeat('0', padding);
  output.repeat('0', zeros);
  output.put(body, body_size);
  if (how.left) output.repeat(' ', padding);
}

const char* sign(const Conversion& how, bool negative) {
  return negative ? "-" : how.plus ? "+" : how.space ? " " : "";
}

void put_whole(Output& output, Conversion how, std::uint64_t value, unsigned base, bool capital, const char* prefix) {
  char digits[24];
  char* const end = digits + sizeof digits;
  char* begin = end;
  for (; value > 0; value /= base) *--begin = (capital ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
  int zeros = (how.precision < 0 ? 1 : how.precision) - static_cast<int>(end - begin);
  if (base == 8 && how.alternative && zeros <= 0) zeros = 1;
  if (how.precision >= 0) how.zeros = false;
  put_padded(output, how, prefix, std::max(zeros, 0), begin, static_cast<std::size_t>(end - begin));
}

// The decimal digits of a finite, non-negative double: 0.d₀d₁d₂… · 10^point with d₀ ≠ 0, or no digits for 0.
class Decimal {
 public:
  explicit Decimal(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const int biased = static_cast<int>(bits >> 52 & 0x7ff);
    std::uint64_t mantissa = bits & ((std::uint64_t{1} << 52) - 1);
    if (biased > 0) mantissa |= std::uint64_t{1} << 52;
    if (mantissa == 0) return;
    int exponent = std::max(biased, 1) - 1075;  // value = mantissa · 2^exponent
    for (; exponent < 0 && mantissa % 2 == 0; ++exponent) mantissa /= 2;

    // mantissa · 2^exponent, or mantissa · 5^-exponent with the point moved, in limbs of nine digits.
    constexpr std::uint32_t kLimb = 1000000000;
    std::uint32_t limbs[88];
    int used = 0;
    for (; mantissa > 0; mantissa /= kLimb) limbs[used++] = static_cast<std::uint32_t>(mantissa % kLimb);
    const int base = exponent > 0 ? 2 : 5, most = exponent > 0 ? 29 : 12;
    for (int left = std::abs(exponent); left > 0; left -= most) {
      std::uint64_t factor = 1, carry = 0;
      for (int i = 0; i < std::min(left, most); ++i) factor *= static_cast<unsigned>(base);
      for (int i = 0; i < used; ++i) {
        carry += limbs[i] * factor;
        limbs[i] = static_cast<std::uint32_t>(carry % kLimb);
        carry /= kLimb;
      }
      if (carry > 0) limbs[used++] = static_cast<std::uint32_t>(carry);
    }

    count_ = 9 * used;
    for (int i = 0; i < used; ++i) {
      std::uint32_t limb = limbs[i];
      for (int k = 0; k < 9; ++k, limb /= 10) digits_[count_ - 1 - 9 * i - k] = static_cast<char>('0' + limb % 10);
    }
    int zeros = 0;
    while (digits_[zeros] == '0') ++zeros;
    count_ -= zeros;
    std::memmove(digits_, digits_ + zeros, static_cast<std::size_t>(count_));
    point_ = count_ + std::min(exponent, 0);
  }

  int point() const { return point_; }
  char digit(int i) const { return i >= 0 && i < count_ ? digits_[i] : '0'; }

  // Keeps `count` digits, rounded to nearest, ties to even.
  void round_to(int count) {
    if (count >= count_) return;
    if (count < 0) {
      count_ = 0;
      return;
    }
    const bool tie =
        digits_[count] == '5' && std::all_of(digits_ + count + 1, digits_ + count_, [](char c) { return c == '0'; });
    const bool up = tie ? count > 0 && (digits_[count - 1] - '0') % 2 == 1 : digits_[count] >= '5';
    count_ = count;
    if (!up) return;
    int i = count - 1;
    while (i >= 0 && digits_[i] == '9') digits_[i--] = '0';
    if (i >= 0) {
      ++digits_[i];
    } else {  // 9.99 has become 10.0
      digits_[0] = '1';
      count_ = std::max(count, 1);
      ++point_;
    }
  }

  // How many digits stand before the zeros at the end.
  int significant() const {
    int count = count_;
    while (count > 0 && digits_[count - 1] == '0') --count;
    return count;
  }

 private:
  char digits_[9 * 88];
  int count_ = 0;
  int point_ = 1;
};

void put_number(Output& output, Conversion how, double value, char conversion) {
  const char* const prefix = sign(how, std::signbit(value));
  const bool capital = conversion < 'a';
  const char kind = static_cast<char>(conversion | 0x20);
  if (!std::isfinite(value)) {
    how.zeros = false;
    put_padded(output, how, prefix, 0, std::isnan(value) ? capital ? "NAN" : "nan" : capital ? "INF" : "inf", 3);
    return;
  }

  Decimal decimal(std::abs(value));
  int precision = how.precision < 0 ? 6 : how.precision;
  bool scientific = kind == 'e';
  if (kind == 'g') {
    const int digits = std::max(precision, 1);
    decimal.round_to(digits);
    scientific = decimal.point() < -3 || decimal.point() > digits;
    precision = digits - (scientific ? 1 : decimal.point());
    if (!how.alternative) {
      precision = std::min(precision, std::max(decimal.significant() - (scientific ? 1 : decimal.point()), 0));
    }
  } else {
    decimal.round_to(precision + (scientific ? 1 : decimal.point()));
  }

  char exponent[8];
  int exponent_size = 0;
  if (scientific) {
    const int power = decimal.point() - 1, size = std::abs(power);
    exponent[exponent_size++] = static_cast<char>(capital ? 'E' : 'e');
    exponent[exponent_size++] = power < 0 ? '-' : '+';
    if (size >= 100) exponent[exponent_size++] = static_cast<char>('0' + size / 100);
    exponent[exponent_size++] = static_cast<char>('0' + size / 10 % 10);
    exponent[exponent_size++] = static_cast<char>('0' + size % 10);
  }

  // The number's digit i is the decimal's digit first + i; those before its beginning are zeros.
  const int first = scientific ? 0 : std::min(decimal.point() - 1, 0);
  const int whole = scientific ? 1 : std::max(decimal.point(), 1);
  const bool dot = precision > 0 || how.alternative;
  const int padding = how.width - static_cast<int>(std::strlen(prefix)) - whole - dot - precision - exponent_size;
  if (!how.left && !how.zeros) output.repeat(' ', padding);
  output.put(prefix, std::strlen(prefix));
  if (!how.left && how.zeros) output.repeat('0', padding);
  for (int i = 0; i < whole; ++i) output.put(decimal.digit(first + i));
  if (dot) output.put('.');
  for (int i = 0; i < precision; ++i) output.put(decimal.digit(first + whole + i));
  output.put(exponent, static_cast<std::size_t>(exponent_size));
  if (how.left) output.repeat(' ', padding);
}

int read_number(const char*& at) {
  int value = 0;
  for (; *at >= '0' && *at <= '9'; ++at) value = 10 * value + (*at - '0');
  return value;
}

}  // namespace

std::size_t print_format(char* text, std::size_t size, const char* format, std::va_list arguments) {
  Output output(text, size);
  for (const char* at = format; *at != '\0';) {
    if (*at != '%') {
      output.put(*at++);
      continue;
    }
    const char* const begin = at++;
    Conversion how;
    for (bool flags = true; flags;) {
      switch (*at) {
        case '-':
          how.left = true;
          break;
        case '+':
          how.plus = true;
          break;
        case ' ':
          how.space = true;
          break;
        case '#':
          how.alternative = true;
          break;
        case '0':
          how.zeros = true;
          break;
        default:
          flags = false;
      }
      if (flags) ++at;
    }
    if (*at == '*') {
      how.width = va_arg(arguments, int);
      if (how.width < 0) how.left = true, how.width = -how.width;
      ++at;
    } else {
      how.width = read_number(at);
    }
    if (*at == '.') {
      ++at;
      if (*at == '*') {
        how.precision = std::max(va_arg(arguments, int), -1);
        ++at;
      } else {
        how.precision = read_number(at);
      }
    }
    int longs = 0, halves = 0;
    for (; *at != '\0' && std::strchr("hlzjt", *at) != nullptr; ++at) {
      if (*at == 'h') ++halves;
      if (*at == 'l') ++longs;
      if (*at == 'j') longs = 2;
      if (*at == 'z' || *at == 't') longs = sizeof(std::size_t) == sizeof(long) ? 1 : 0;
    }
    const auto narrowed = [&](auto value) {
      using Value = decltype(value);
      if (halves == 1)
        return static_cast<Value>(std::is_signed_v<Value> ? static_cast<short>(value)
                                                          : static_cast<unsigned short>(value));
      if (halves >= 2)
        return static_cast<Value>(std::is_signed_v<Value> ? static_cast<signed char>(value)
                                                          : static_cast<unsigned char>(value));
      return value;
    };
    const char conversion = *at;
    switch (conversion) {
      case 'd':
      case 'i': {
        const long long value = longs >= 2   ? va_arg(arguments, long long)
                                : longs == 1 ? va_arg(arguments, long)
                                             : narrowed(va_arg(arguments, int));
        const auto bits = static_cast<std::uint64_t>(value);
        put_whole(output, how, value < 0 ? 0 - bits : bits, 10, false, sign(how, value < 0));
        break;
      }
      case 'u':
      case 'o':
      case 'x':
      case 'X': {
        const unsigned long long value = longs >= 2   ? va_arg(arguments, unsigned long long)
                                         : longs == 1 ? va_arg(arguments, unsigned long)
                                                      : narrowed(va_arg(arguments, unsigned));
        const bool marked = how.alternative && value != 0;
        const char* const prefix = !marked ? "" : conversion == 'x' ? "0x" : conversion == 'X' ? "0X" : "";
        put_whole(output, how, value, conversion == 'u' ? 10 : conversion == 'o' ? 8 : 16, conversion == 'X', prefix);
        break;
      }
      case 'p': {
        const auto value = reinterpret_cast<std::uintptr_t>(va_arg(arguments, void*));
        put_whole(output, how, value, 16, false, "0x");
        break;
      }
      case 'c': {
        const char c = static_cast<char>(va_arg(arguments, int));
        how.zeros = false;
        put_padded(output, how, "", 0, &c, 1);
        break;
      }
      case 's': {
        const char* string = va_arg(arguments, const char*);
        if (string == nullptr) string = "(null)";
        std::size_t length = 0;
        while ((how.precision < 0 || length < static_cast<std::size_t>(how.precision)) && string[length] != '\0')
          ++length;
        how.zeros = false;
        put_padded(output, how, "", 0, string, length);
        break;
      }
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        put_number(output, how, va_arg(arguments, double), conversion);
        break;
      case '%':
        output.put('%');
        break;
      default:  // not a conversion that is known here
        output.put(begin, static_cast<std::size_t>(at - begin));
        continue;
    }
    ++at;
  }
  return output.finish();
}

}  // namespace altocast
