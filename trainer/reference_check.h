// Compares this implementation with vectors that automatic differentiation computed in float64: forward pass,
// gradient, Hessian-vector product, inner loop and meta-gradient of one small case. A case is a folder of .npy arrays
// and a spec.json that names the network and the loop.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/status.h"
#include "runtime/kernels/kernels.h"

namespace altocast {

struct ReferenceReport {
  std::string case_name;
  // Relative errors ‖a − b‖ / ‖b‖ by name: forward, nll, grad, hvp, inner_objective, lambda_mu, lambda_rho, outer,
  // meta_mu, meta_rho, meta_log_noise, first_order_mu, first_order_rho, first_order_log_noise.
  std::vector<std::pair<std::string, double>> errors;

  double largest_error() const;
  std::string to_json() const;  // one line
};

// Runs one case with kernels of the given scalar type, float or double.
template <class T>
Result<ReferenceReport> check_reference(const std::string& folder, Kernels<T>& kernels);

}  // namespace altocast
