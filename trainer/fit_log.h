// What a run tells: a line of JSON a report in its log, and lines for people.
#pragma once

#include <string>

#include "trainer/fit_update.h"

namespace altocast {

// Where the time went since the line before.
struct Spent {
  double gradient = 0, update = 0, validation = 0, checkpoint = 0;  // seconds
  GradientCost cost;                                                // of the gradients
};

// What a step's line in the log tells beside the last batch.
struct StepRecord {
  Phase phase = Phase::warmup;
  StepNorms norms;
  double tasks_per_second = 0;
  Spent spent;
  double peak_gflops = 0;  // of the cores in use
};

// `validation` may be null; `facts`, a JSON object (run_facts.h), may be empty.
std::string log_line(const FitSettings& settings, const FitState& state, const StepRecord& record,
                     const BatchResult& batch, const ValidationResult* validation, const std::string& facts);

std::string validation_line(int step, const ValidationResult& v);
std::string ranks_line(const FitSettings& settings, const Communicator& ranks, int threads);

}  // namespace altocast
