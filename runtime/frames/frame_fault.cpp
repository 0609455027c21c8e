#include "runtime/frames/frame_fault.h"

#include <array>

namespace altocast {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 14> kNames = {"unreadable", "incomplete", "corrupt",   "no_image", "bad_time",
                                                     "picture",    "other_size", "duplicate", "changed",  "coloured",
                                                     "constant",   "banded",     "overlaid",  "night"};
static_assert(static_cast<std::size_t>(FrameFault::night) + 1 == kNames.size());

}  // namespace

std::string_view fault_name(FrameFault fault) { return kNames[static_cast<std::size_t>(fault)]; }

std::optional<FrameFault> fault_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<FrameFault>(i);
  }
  return std::nullopt;
}

}  // namespace altocast
