#include <cstdio>
#include <cxxopts.hpp>

#include "apps/altocast_train/command.h"
#include "apps/altocast_train/parse_options.h"
#include "runtime/kernels/reference.h"
#include "trainer/kernel_choice.h"
#include "trainer/reference_check.h"

namespace altocast {
namespace {

constexpr double kDoubleTolerance = 1e-9;
constexpr double kFloatTolerance = 2e-5;

Result<ReferenceReport> check(const std::string& folder, const std::string& kernels) {
  if (kernels == "reference") {
    ReferenceKernels<double> reference;
    return check_reference<double>(folder, reference);
  }
  Result<std::unique_ptr<Kernels<float>>> set = make_training_kernels(kernels, 1);
  if (!set.ok()) return set.status();
  return check_reference<float>(folder, **set);
}

}  // namespace

int run_check_reference(std::span<char*> argv) {
  cxxopts::Options options(
      "altocast-train check-reference",
      "Compares gradients, Hessian-vector products and meta-gradients with vectors of automatic differentiation.");
  options.add_options()("kernels", "reference (double), native or onednn (float)",
                        cxxopts::value<std::string>()->default_value("reference"),
                        "K")("case", "case folders", cxxopts::value<std::vector<std::string>>())("help", "this text");
  options.parse_positional("case");
  options.positional_help("CASE_DIR ...");
  const std::optional<cxxopts::ParseResult> result = parse_options(options, argv);
  if (!result) return kDone;
  const cxxopts::ParseResult& parsed = *result;
  const std::string kernels = parsed["kernels"].as<std::string>();
  if (const Status status = check_kernel_set(kernels); !status.ok()) {
    std::fprintf(stderr, "altocast-train check-reference: --kernels: %s\n", status.message().c_str());
    return kUsage;
  }
  if (!parsed.count("case")) {
    std::fprintf(stderr, "altocast-train check-reference: no CASE_DIR; see altocast-train check-reference --help\n");
    return kUsage;
  }
  const double tolerance = kernels == "reference" ? kDoubleTolerance : kFloatTolerance;
  int code = kDone;
  for (const std::string& folder : parsed["case"].as<std::vector<std::string>>()) {
    const Result<ReferenceReport> report = check(folder, kernels);
    if (!report.ok()) {
      std::fprintf(stderr, "altocast-train check-reference: %s\n", report.message().c_str());
      code = kUnfit;
      continue;
    }
    std::printf("%s\n", report->to_json().c_str());
    if (!(report->largest_error() <= tolerance)) {
      std::fprintf(stderr, "%s: largest relative error %.3g is above %.3g\n", folder.c_str(), report->largest_error(),
                   tolerance);
      code = kUnfit;
    }
  }
  return code;
}

}  // namespace altocast
