#include "runtime/watch/slot_plan.h"

namespace altocast {

double planned_seconds(const SlotPlan& plan, const SlotCosts& costs) {
  return (plan.steps > 0 ? (plan.steps + 1) * costs.step : 0.0) + plan.members * costs.member + costs.rest;
}

SlotPlan plan_slot(const SlotPlan& wanted, int least_members, const SlotCosts& costs, double budget) {
  const auto fits = [&](const SlotPlan& plan) { return 1.2 * planned_seconds(plan, costs) <= budget; };
  SlotPlan plan = wanted;
  while (!fits(plan) && plan.members > least_members) --plan.members;
  while (!fits(plan) && plan.steps > 0) --plan.steps;
  while (!fits(plan) && plan.members > 1) --plan.members;
  return plan;
}

}  // namespace altocast
