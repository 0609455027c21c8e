// The implementation against vectors that automatic differentiation computed, where the machine has them
// (reference/abml in the folder ALTOCAST_SHARED_DIR), and the answers to cases that are not fit.
#include "trainer/reference_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "runtime/kernels/native/native_kernels.h"
#include "runtime/kernels/reference.h"
#include "trainer/onednn/onednn_kernels.h"

namespace altocast {
namespace {

const std::filesystem::path kCases = std::filesystem::path(ALTOCAST_SHARED_DIR) / "reference/abml";

std::vector<std::string> reference_cases() {
  std::vector<std::string> cases;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kCases, error)) {
    if (entry.is_directory()) cases.push_back(entry.path().string());
  }
  std::ranges::sort(cases);
  return cases;
}

template <class T>
void expect_within(double tolerance, Kernels<T>& kernels) {
  const std::vector<std::string> cases = reference_cases();
  if (cases.empty()) GTEST_SKIP() << "no reference cases in " << kCases << "; set ALTOCAST_SHARED_DIR when configuring";
  for (const std::string& folder : cases) {
    const Result<ReferenceReport> report = check_reference<T>(folder, kernels);
    ASSERT_TRUE(report.ok()) << report.message();
    EXPECT_EQ(report->errors.size(), 14u);
    EXPECT_LE(report->largest_error(), tolerance) << report->to_json();
  }
}

TEST(ReferenceCheck, DoubleKernelsAgreeWithAutomaticDifferentiation) {
  ReferenceKernels<double> kernels;
  expect_within(1e-9, kernels);
}

TEST(ReferenceCheck, FloatKernelsAgreeToFloatPrecision) {
  ReferenceKernels<float> kernels;
  expect_within(2e-5, kernels);
}

TEST(ReferenceCheck, NativeKernelsAgreeOnEveryInstructionSet) {
  for (const KernelTable* table : available_tables()) {
    SCOPED_TRACE(table->isa);
    NativeKernels kernels(*table);
    expect_within(2e-5, kernels);
  }
}

TEST(ReferenceCheck, OneDnnKernelsAgree) {
  const Result<std::unique_ptr<OneDnnKernels>> kernels = make_onednn_kernels(1);
  ASSERT_TRUE(kernels.ok()) << kernels.message();
  expect_within(2e-5, **kernels);
}

TEST(ReferenceCheck, LargestErrorIsNotANumberIfAnyIsNot) {
  ReferenceReport report;
  report.errors = {{"forward", 1e-12}, {"grad", 3e-10}};
  EXPECT_EQ(report.largest_error(), 3e-10);
  report.errors = {{"forward", 1.0}, {"grad", NAN}, {"hvp", 2.0}};
  EXPECT_FALSE(report.largest_error() <= 1e-9);
}

class BadCaseTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string message(const std::string& spec) {
    std::ofstream(folder_ / "spec.json") << spec;
    ReferenceKernels<double> kernels;
    const Result<ReferenceReport> report = check_reference<double>(folder_.string(), kernels);
    EXPECT_FALSE(report.ok());
    return report.ok() ? "" : report.message();
  }
  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) /
      (std::string("altocast_") + testing::UnitTest::GetInstance()->current_test_info()->name());
};

constexpr const char* kLoop =
    R"(,"loop":{"inner_steps":1,"inner_samples":1,"inner_kl_weight":1,"inner_lr_mu":1,"inner_lr_rho":1,)"
    R"("outer_samples":1,"outer_kl_weight":1}})";

std::string spec_with_depth(const std::string& depth) {
  return R"({"network":{"input_frames":2,"leads":1,"base_channels":2,"activation":"relu","norm_groups":0,"residual":true,"depth":)" +
         depth + "}" + kLoop;
}

TEST_F(BadCaseTest, MissingFolderIsNamed) {
  ReferenceKernels<double> kernels;
  const std::string missing = (folder_ / "none").string();
  const Result<ReferenceReport> report = check_reference<double>(missing, kernels);
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.message().find(missing), std::string::npos) << report.message();
}

TEST_F(BadCaseTest, BrokenSpecificationIsNamed) {
  for (const std::string& spec :
       {std::string("{"), std::string("{}"), std::string("[1]"), spec_with_depth("\"two\""), spec_with_depth("99")}) {
    EXPECT_NE(message(spec).find("spec.json"), std::string::npos) << spec;
  }
}

TEST_F(BadCaseTest, MissingArrayIsNamed) { EXPECT_NE(message(spec_with_depth("0")).find("mu.npy"), std::string::npos); }

}  // namespace
}  // namespace altocast
