// A page of figures and tables that needs no network: its start with the style, in light or dark as the reader has it.
#pragma once

#include <string>

namespace altocast {

// Up to and with the heading; the caller ends it with </body></html>. Figures (chart.h) stand best in a <main>, side by
// side.
std::string page_start(const std::string& title, const std::string& heading);

}  // namespace altocast
