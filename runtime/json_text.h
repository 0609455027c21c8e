// Pieces of JSON text. Locale-free, and a number reads back as the same double.
#pragma once

#include <string>
#include <string_view>

namespace altocast {

// In quotes, escaped. Bytes above 127 are passed on (UTF-8 stays UTF-8).
std::string json_string(std::string_view text);

// Shortest digits that read back exactly; null for NaN and infinities, which JSON lacks.
std::string json_number(double value);

// For people: `digits` significant digits as printf's %g has them; a dash for NaN and infinities.
std::string plain_number(double value, int digits);

}  // namespace altocast
