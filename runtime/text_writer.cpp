#include "runtime/text_writer.h"

#include "runtime/json_text.h"

namespace altocast {

TextWriter& TextWriter::operator<<(std::string_view piece) {
  text += piece;
  return *this;
}
TextWriter& TextWriter::operator<<(double number) { return *this << plain_number(number, 5); }
TextWriter& TextWriter::operator<<(int number) { return *this << std::to_string(number); }

}  // namespace altocast
