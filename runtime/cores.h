// Which of a processor's cores a program runs on. Processors with large and small cores finish a loop that is shared
// out evenly when their slowest core does: such a program is better off on the large ones alone.
#pragma once

#include <string>
#include <vector>

#include "formats/status.h"

namespace altocast {

// "0xf0" (core 0 is the lowest bit) or "4-7,0"; ascending, each once, below 1024.
Result<std::vector<int>> parse_cores(const std::string& text);

// From now on the calling thread runs on these cores, and so do threads that it starts. Fails if the machine has none
// of them, or is no Linux.
Status run_on_cores(const std::vector<int>& cores);

}  // namespace altocast
