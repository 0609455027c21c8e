#include "trainer/fit_log.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "runtime/thread_pool.h"
#include "trainer/mean.h"

namespace altocast {

using nlohmann::ordered_json;

std::string log_line(const FitSettings& settings, const FitState& state, const StepRecord& record,
                     const BatchResult& batch, const ValidationResult* validation, const std::string& facts) {
  const std::vector<ParameterTensor> layout = parameter_layout(settings.network);
  ordered_json line;
  line["step"] = state.step;
  line["phase"] = to_string(record.phase);
  line["loss"] = batch.loss;
  if (record.phase != Phase::warmup) {
    line["support_nll_before"] = batch.support_before;
    line["support_nll_after"] = batch.support_after;
    line["kl"] = batch.kl;
    line["clipped_inner_steps"] = batch.clipped_steps;
    line["gradient_norm_rho"] = record.norms.rho;
    line["clipped_gradients_rho"] = state.clipped_rho;
    line["moved_rho"] = movement(layout, state.logged.rho, state.learned.theta.rho);
    if (state.spread) {
      const auto deviations = [&](std::vector<float> spread) {
        for (float& value : spread) value = std::exp(value);
        return movement(layout, std::vector<float>(state.size), spread);
      };
      line["theta_deviation_mu"] = deviations(state.spread->mu);
      line["theta_deviation_rho"] = deviations(state.spread->rho);
    }
    if (settings.rate_learning_rate > 0) {
      line["rate_mu"] = state.learned.rates.mu;
      line["rate_rho"] = state.learned.rates.rho;
    }
  }
  line["gradient_norm_mu"] = record.norms.mu;
  line["clipped_gradients_mu"] = state.clipped_mu;
  line["moved_mu"] = movement(layout, state.logged.mu, state.learned.theta.mu);
  line["log_noise"] = state.learned.log_noise;
  line["tasks_per_second"] = record.tasks_per_second;
  const Spent& spent = record.spent;
  const double gflops = spent.cost.flops / spent.gradient * 1e-9;
  line["gflops"] = gflops;
  line["share_of_peak"] = gflops / record.peak_gflops;
  line["seconds"] = {{"gradient", spent.gradient},
                     {"loading", spent.cost.loading},
                     {"inner_loop", spent.cost.inner_loop},
                     {"outer", spent.cost.outer},
                     {"hessian_vector", spent.cost.hessian_vector},
                     {"reduction", spent.cost.reduction},
                     {"update", spent.update},
                     {"validation", spent.validation},
                     {"checkpoint", spent.checkpoint}};
  if (validation) {
    ordered_json& v = line["validation"];
    v["nll_before"] = validation->nll_before;
    v["nll_after"] = validation->nll_after;
    v["task_nll_before"] = validation->task_nll_before;
    v["task_nll_after"] = validation->task_nll_after;
    v["mae_before"] = validation->mae_before;
    v["mae_after"] = validation->mae_after;
    v["mae_persistence"] = validation->mae_persistence;
    v["moved_mu"] = validation->moved_mu;
    v["moved_rho"] = validation->moved_rho;
  }
  if (!facts.empty()) line["run"] = ordered_json::parse(facts);
  return line.dump();
}

std::string validation_line(int step, const ValidationResult& v) {
  char text[256];
  std::snprintf(text, sizeof text,
                "step %d: validation on %d tasks: MAE / persistence %.3f before and %.3f after adaptation, "
                "NLL %.4f and %.4f",
                step, v.tasks, mean(v.mae_before) / mean(v.mae_persistence),
                mean(v.mae_after) / mean(v.mae_persistence), v.nll_before, v.nll_after);
  return text;
}

std::string ranks_line(const FitSettings& settings, const Communicator& ranks, int threads) {
  std::string line = std::to_string(ranks.size()) + " ranks, " + std::to_string(threads) + " threads on this one";
  if (threads > available_cores()) {
    line += ", which may use " + std::to_string(available_cores()) + " cores (mpirun's --bind-to none frees it)";
  }
  if (ranks.size() > settings.meta_batch) {
    line += "; with training.meta_batch = " + std::to_string(settings.meta_batch) + ", only so many have work";
  }
  return line;
}

}  // namespace altocast
