// Text in the making, piece by piece. What streams would do, without their locales and their weight.
#pragma once

#include <string>
#include <string_view>

namespace altocast {

class TextWriter {
 public:
  TextWriter& operator<<(std::string_view piece);
  TextWriter& operator<<(double number);  // five significant digits
  TextWriter& operator<<(int number);

  std::string text;
};

}  // namespace altocast
