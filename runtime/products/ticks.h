// Where numbers stand at an axis.
#pragma once

namespace altocast {

// 1, 2 or 5 times a power of ten, so that a range has at most five such steps; too large for any tick if there is none.
inline double tick_distance(double range) {
  const double rough = range / 5;
  if (!(rough > 1e-200 && rough < 1e200)) return 1e200;  // no ticks
  double power = 1;
  while (power > rough) power /= 10;
  while (10 * power <= rough) power *= 10;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

}  // namespace altocast
