// How a training step's tasks depend on the step: which order they are differentiated to, and what the outer loss is.
#include "trainer/meta_batch.h"

#include "runtime/random.h"
#include "tests/trainer/training_samples.h"

namespace altocast {
namespace {

class MetaBatchTest : public testing::Test {
 protected:
  void SetUp() override {
    write_synthetic(folder_ / "frames", 40, 24);
    settings_ = tiny_settings(folder_ / "frames");
    settings_.meta_batch = 1;
    settings_.rate_mu = settings_.rate_rho = 0.1f;
  }

  // The gradient of one task at random weights.
  BatchResult gradient(const FitSettings& settings, Phase phase, std::uint64_t step,
                       const std::vector<float>& log_noise = {0.1f, 0.2f}) {
    const Result<Archive> archive = Archive::open(settings, [](const std::string&) {});
    EXPECT_TRUE(archive.ok()) << archive.message();
    const EpisodeSampler sampler(*archive, archive->training(), settings.network,
                                 {settings.tile, settings.support_pairs, settings.query_pairs});
    const std::unique_ptr<Communicator> ranks = make_serial_communicator();
    const Result<std::unique_ptr<MetaBatch>> batch = MetaBatch::create(settings, "native", 1, 0, *ranks);
    EXPECT_TRUE(batch.ok()) << batch.message();
    const std::size_t size = parameter_count(settings.network);
    Learned learned{Gaussian<float>(size), log_noise, {}};
    fill_normal(1, 0, 0, std::span<float>(learned.theta.mu));
    for (float& mu : learned.theta.mu) mu *= 0.2f;
    std::fill(learned.theta.rho.begin(), learned.theta.rho.end(), -2.0f);
    const std::size_t tensors = parameter_layout(settings.network).size();
    learned.rates.mu.assign(tensors, settings.rate_mu);
    learned.rates.rho.assign(tensors, settings.rate_rho);
    BatchResult result(settings);
    (*batch)->gradient(learned, sampler, phase, step, result);
    return result;
  }

  const TemporaryFolder folder_;
  FitSettings settings_;
};

TEST_F(MetaBatchTest, TheShareOfSecondOrderTasksRisesFromNoneToAll) {
  settings_.warmup_steps = 4;
  settings_.first_order_steps = 3;
  FitSettings annealed = settings_;
  annealed.order_annealing_steps = 60;
  int in_first_half = 0, in_second_half = 0;
  for (std::uint64_t step = 7; step < 7 + 64; ++step) {
    const std::vector<float> first = gradient(settings_, Phase::first_order, step).grad_theta.mu;
    const std::vector<float> second = gradient(settings_, Phase::second_order, step).grad_theta.mu;
    const std::vector<float> actual = gradient(annealed, Phase::second_order, step).grad_theta.mu;
    ASSERT_NE(first, second);
    ASSERT_TRUE(actual == first || actual == second) << step;
    if (step >= 7 + 60) {
      EXPECT_EQ(actual, second) << step;
    } else if (actual == second) {
      ++(step < 7 + 30 ? in_first_half : in_second_half);
    }
  }
  EXPECT_LT(in_first_half, 12);
  EXPECT_GT(in_second_half, 18);
  EXPECT_EQ(gradient(annealed, Phase::first_order, 30).grad_theta.mu,
            gradient(settings_, Phase::first_order, 30).grad_theta.mu);
}

}  // namespace
}  // namespace altocast
