// printf's formatting without its weight: the C library's own takes 100 kB and draws in streams, wide characters and
// conversions of character sets. The static program prints by this one (stdio.cpp).
#pragma once

#include <cstdarg>
#include <cstddef>

namespace altocast {

// As vsnprintf: what it writes is what the C library writes, digit by digit, rounded to nearest. Conversions are
// d i u x X o c s p f F e E g G and %, with all flags but ', width, precision and the lengths hh h l ll z j t. Whatever
// else stands in `format` is copied as it is.
std::size_t print_format(char* text, std::size_t size, const char* format, std::va_list arguments);

}  // namespace altocast
