// Fractions skill score (Roberts and Lean, 2008): how far the shares of event pixels in windows around each
// place agree, FSS = 1 − Σ (p_f − p_o)² / Σ (p_f² + p_o²). 1 is perfect, 0 none. Sums run over all windows of
// all fields before the ratio is taken, so that fields with many events weigh more than empty ones.
//
// Windows: squares of `window` pixels a side, an odd number.
//   Padding::none  only windows that lie within the field, one at each such place: a field of H × W has
//                  (H − window + 1) · (W − window + 1); a field smaller than the window has none
//   Padding::zero  one window centred on each pixel, H · W of them; there is no event beyond the edge, and
//   the
//                  share is of the whole window
//
// Ensembles: p_f is the share of (member, pixel) with the event. NaN: the caller counts a pixel without a
// value as no event on both sides. Empty events: without an event in any window on either side FSS is NaN.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace altocast {

enum class Padding { none, zero };

class FssSums {
 public:
  FssSums(int window, Padding padding);

  // Fields [height, width]. `forecast` counts the members with the event,
  // 0 … members (a single forecast: members = 1, 0 or 1); `observed` is 0 or 1.
  void add(std::span<const std::uint16_t> forecast, int members, std::span<const std::uint16_t> observed, int height,
           int width);

  // Makes add() allocate nothing for fields up to this width.
  void reserve(int max_width);

  int window() const { return window_; }
  double fss() const;

  void each_number(const auto& visit) {  // as in errors.h
    visit(difference_);
    visit(squares_);
  }

 private:
  int window_;
  Padding padding_;
  double difference_ = 0, squares_ = 0;
  std::vector<std::uint64_t> forecast_, observed_;  // sums over the window's rows, a column each
};

}  // namespace altocast
