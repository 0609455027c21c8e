// How much a slot's forecast may cost: rather fewer members and inner steps than a forecast that comes late.
#pragma once

namespace altocast {

// What the machine took lately, in seconds; zero: not known yet.
struct SlotCosts {
  double step = 0;    // an inner step of the adaptation; what it takes around its steps counts as one more
  double member = 0;  // of the ensemble
  double rest = 0;    // reading, verifying, pictures, writing
};

struct SlotPlan {
  int steps = 0;  // of the adaptation; 0: none
  int members = 1;
  bool operator==(const SlotPlan&) const = default;
};

double planned_seconds(const SlotPlan& plan, const SlotCosts& costs);

// `wanted`, or what of it fits into `budget` seconds with a fifth to spare: first members are taken off, down to
// `least_members`, then steps, then the adaptation as a whole, then members down to one.
SlotPlan plan_slot(const SlotPlan& wanted, int least_members, const SlotCosts& costs, double budget);

}  // namespace altocast
