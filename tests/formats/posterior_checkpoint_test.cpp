#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "formats/checkpoint.h"
#include "formats/posterior.h"
#include "tests/formats/samples.h"
#include "tests/formats/temporary_folder.h"

namespace altocast {
namespace {

LoadedPrior loaded_sample() {
  const auto bytes = serialize_prior(sample_prior(smallest_network()), {PlaneType::f32, PlaneType::f32});
  return {*parse_prior(bytes), sha256(bytes), bytes.size()};
}

TEST(Posterior, Comes_back_bit_for_bit) {
  const Posterior posterior = sample_posterior();
  const auto parsed = parse_posterior(serialize_posterior(posterior));
  ASSERT_TRUE(parsed.ok()) << parsed.message();
  EXPECT_EQ(parsed->prior_sha256, posterior.prior_sha256);
  EXPECT_EQ(parsed->architecture, posterior.architecture);
  EXPECT_EQ(parsed->created, posterior.created);
  EXPECT_EQ(parsed->frames, posterior.frames);
  EXPECT_EQ(parsed->inner, posterior.inner);
  EXPECT_EQ(parsed->support_pairs, posterior.support_pairs);
  EXPECT_EQ(parsed->seed, posterior.seed);
  EXPECT_EQ(parsed->delta_mu, posterior.delta_mu);
  EXPECT_EQ(parsed->delta_rho, posterior.delta_rho);
  EXPECT_EQ(parsed->facts, posterior.facts);
  EXPECT_EQ(parsed->combination, posterior.combination);
  Posterior corrected = posterior;
  corrected.combination->diurnal = {1528286400, {0.9f, 1.1f}, {0.0f, -0.5f}};
  EXPECT_EQ(parse_posterior(serialize_posterior(corrected))->combination, corrected.combination);
  corrected.combination->diurnal->slope[1] = 5.0f;
  EXPECT_NE(validate(corrected).message().find("slope"), std::string::npos) << validate(corrected).message();
  corrected.combination->diurnal->slope.pop_back();
  EXPECT_FALSE(validate(corrected).ok());
  Posterior without = posterior;
  without.combination.reset();
  EXPECT_EQ(parse_posterior(serialize_posterior(without))->combination, std::nullopt);
}

TEST(Posterior, Of_minor_version_1_has_a_scale_of_the_noise_for_all_nodes) {
  Posterior posterior = sample_posterior();
  std::vector<float>& scale = posterior.combination->noise_scale;
  std::fill_n(scale.begin(), kAmplitudeNodes, 0.5f);
  posterior.combination->noise_shift[3] = 1.5f;
  EXPECT_EQ(mean_noise_scale(*posterior.combination), (std::vector<float>{0.5f, 1.0f})) << "a number a lead";
  const std::vector<std::uint8_t> bytes = serialize_posterior(posterior);
  const Result<Container> newer = Container::parse(bytes, FileKind::posterior, 1);
  ASSERT_TRUE(newer.ok()) << newer.message();
  ContainerHeader header = newer->header();
  header.minor = 1;
  ContainerWriter older(header);
  for (const Section& section : newer->sections()) {
    if (section.name == "combination.noise_scale" || section.name == "combination.noise_shift") continue;
    older.add_raw(section.name, section.type, std::span(section.dims).first(static_cast<std::size_t>(section.rank)),
                  {section.bytes.begin(), section.bytes.end()});
  }
  const Result<Posterior> parsed = parse_posterior(older.finish());
  ASSERT_TRUE(parsed.ok()) << parsed.message();
  EXPECT_EQ(parsed->combination->noise_scale, scale);
  EXPECT_EQ(parsed->combination->noise_shift, std::vector<float>(scale.size(), 0.0f));
}

TEST(Posterior, Leads_back_to_the_adapted_weights) {
  const LoadedPrior prior = loaded_sample();
  std::vector<float> mu = prior.prior.mu, rho = prior.prior.rho;
  for (std::size_t i = 0; i < mu.size(); ++i) {
    mu[i] += 0.01f * noise(i);
    rho[i] -= 0.1f;
  }
  const auto weights = adapted_weights(make_posterior(prior, mu, rho), prior);
  ASSERT_TRUE(weights.ok()) << weights.message();
  for (std::size_t i = 0; i < mu.size(); ++i) {
    EXPECT_NEAR(weights->mu[i], mu[i], 1e-7f);
    EXPECT_NEAR(weights->rho[i], rho[i], 1e-6f);
  }
}

TEST(Posterior, Of_another_prior_or_out_of_range_is_refused) {
  const LoadedPrior prior = loaded_sample();
  const Posterior fitting = make_posterior(prior, prior.prior.mu, prior.prior.rho);
  LoadedPrior other = prior;
  other.sha256[0] ^= 1;
  EXPECT_NE(adapted_weights(fitting, other).message().find("not from this one"), std::string::npos);
  Posterior wrong = fitting;
  wrong.architecture ^= 1;
  EXPECT_NE(adapted_weights(wrong, prior).message().find("architecture"), std::string::npos);
  wrong = fitting;
  wrong.combination = default_combination(prior.prior.network.leads + 1);
  EXPECT_NE(adapted_weights(wrong, prior).message().find("leads"), std::string::npos);
  wrong = fitting;
  wrong.delta_rho[4] = 100.0f;
  EXPECT_NE(adapted_weights(wrong, prior).message().find("adapted rho[4]"), std::string::npos);
}

TEST(Posterior, What_a_reader_would_refuse_is_not_written) {
  TemporaryFolder folder;
  Posterior posterior = sample_posterior();
  posterior.delta_mu[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(save_posterior(posterior, folder / "q").message().find("delta_mu[2] is nan"), std::string::npos);
  posterior = sample_posterior();
  posterior.combination->network[0] = 0.9f;
  EXPECT_NE(save_posterior(posterior, folder / "q").message().find("at lead 1 exceed 1"), std::string::npos);
  posterior = sample_posterior();
  posterior.frames[0] += "\n";
  EXPECT_NE(save_posterior(posterior, folder / "q").message().find("line break"), std::string::npos);
  posterior = sample_posterior();
  posterior.delta_rho.pop_back();
  EXPECT_NE(save_posterior(posterior, folder / "q").message().find("delta_rho has"), std::string::npos);
  EXPECT_EQ(folder.entries(), 0u);
  ASSERT_TRUE(save_posterior(sample_posterior(), folder / "q").ok());
  EXPECT_TRUE(load_posterior(folder / "q").ok());
}

TEST(Checkpoint, Comes_back_bit_for_bit) {
  TemporaryFolder folder;
  const Checkpoint checkpoint = sample_checkpoint();
  ASSERT_TRUE(save_checkpoint(checkpoint, folder / "c").ok());
  const auto loaded = load_checkpoint(folder / "c");
  ASSERT_TRUE(loaded.ok()) << loaded.message();
  EXPECT_EQ(loaded->network, checkpoint.network);
  EXPECT_EQ(loaded->step, checkpoint.step);
  EXPECT_EQ(loaded->counters, checkpoint.counters);
  EXPECT_EQ(loaded->config, checkpoint.config);
  ASSERT_EQ(loaded->planes.size(), checkpoint.planes.size());
  for (std::size_t i = 0; i < checkpoint.planes.size(); ++i) {
    EXPECT_EQ(loaded->planes[i].name, checkpoint.planes[i].name);
    EXPECT_EQ(loaded->planes[i].values, checkpoint.planes[i].values);
  }
}

TEST(Checkpoint, Planes_and_counters_are_found_by_name_and_type) {
  const Checkpoint checkpoint = sample_checkpoint();
  ASSERT_NE(checkpoint.find_f32("mu"), nullptr);
  EXPECT_EQ(checkpoint.find_f32("adam.mu.second"), nullptr);
  ASSERT_NE(checkpoint.find_f64("adam.mu.second"), nullptr);
  EXPECT_EQ(checkpoint.find_f32("nothing"), nullptr);
  ASSERT_NE(checkpoint.find_counter("adam.steps"), nullptr);
  EXPECT_EQ(*checkpoint.find_counter("adam.steps"), ~std::uint64_t{0});
  EXPECT_EQ(checkpoint.find_counter("mu"), nullptr);
}

TEST(Checkpoint, What_a_reader_would_refuse_is_not_written) {
  TemporaryFolder folder;
  const auto expect_refused = [&](const Checkpoint& checkpoint, const char* expected) {
    const Status status = save_checkpoint(checkpoint, folder / "c");
    EXPECT_NE(status.message().find(expected), std::string::npos) << status.message();
  };
  Checkpoint checkpoint = sample_checkpoint();
  std::get<std::vector<double>>(checkpoint.planes[1].values)[1] = HUGE_VAL;
  expect_refused(checkpoint, "adam.mu.second[1] is inf");
  checkpoint = sample_checkpoint();
  checkpoint.planes[1].name = "mu";
  expect_refused(checkpoint, "a second 'mu'");
  checkpoint = sample_checkpoint();
  checkpoint.counters[0].first = std::string(49, 'x');
  expect_refused(checkpoint, "is no name");
  EXPECT_EQ(folder.entries(), 0u);
}

}  // namespace
}  // namespace altocast
