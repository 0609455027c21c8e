#include "formats/prior.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "formats/half.h"
#include "tests/formats/sample_noise.h"
#include "tests/formats/samples.h"
#include "tests/formats/temporary_folder.h"

namespace altocast {
namespace {

void expect_same_settings(const Prior& a, const Prior& b) {
  EXPECT_EQ(a.network, b.network);
  EXPECT_EQ(a.log_noise, b.log_noise);
  EXPECT_EQ(a.rate_mu, b.rate_mu);
  EXPECT_EQ(a.rate_rho, b.rate_rho);
  EXPECT_EQ(a.inner, b.inner);
  EXPECT_EQ(a.support_pairs, b.support_pairs);
  EXPECT_EQ(a.normalisation, b.normalisation);
  EXPECT_EQ(a.cadence_seconds, b.cadence_seconds);
  EXPECT_EQ(a.channel, b.channel);
  EXPECT_EQ(a.facts, b.facts);
}

TEST(Prior, Stored_in_full_it_comes_back_bit_for_bit) {
  const Prior prior = sample_prior(smallest_network());
  const auto parsed = parse_prior(serialize_prior(prior, {PlaneType::f32, PlaneType::f32}));
  ASSERT_TRUE(parsed.ok()) << parsed.message();
  expect_same_settings(*parsed, prior);
  EXPECT_EQ(parsed->mu, prior.mu);
  EXPECT_EQ(parsed->rho, prior.rho);
}

TEST(Prior, The_default_encoding_rounds_mu_to_half_and_rho_to_half_a_step_of_its_tensor) {
  const Prior prior = sample_prior(*preset("tiny"));
  const auto parsed = parse_prior(serialize_prior(prior));
  ASSERT_TRUE(parsed.ok()) << parsed.message();
  expect_same_settings(*parsed, prior);
  for (std::size_t i = 0; i < prior.mu.size(); ++i) {
    ASSERT_EQ(parsed->mu[i], float_from_half(half_from_float(prior.mu[i])));
  }
  for (const ParameterTensor& tensor : parameter_layout(prior.network)) {
    const auto begin = prior.rho.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
    const auto [low, high] = std::minmax_element(begin, begin + static_cast<std::ptrdiff_t>(tensor.size));
    const float half_step = (*high - *low) / 510.0f;
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      ASSERT_LE(std::abs(parsed->rho[i] - prior.rho[i]), half_step * 1.001f + 1e-6f) << tensor.name;
    }
  }
}

TEST(Prior, A_noise_model_comes_back_and_raises_the_minor_version) {
  Prior prior = sample_prior(smallest_network());
  EXPECT_FALSE(parse_prior(serialize_prior(prior))->noise);
  prior.noise = sample_noise_model(prior.network.leads);
  const std::vector<std::uint8_t> bytes = serialize_prior(prior);
  EXPECT_EQ(Container::parse(bytes, FileKind::prior, 1)->header().minor, 2);
  const auto parsed = parse_prior(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.message();
  EXPECT_TRUE(parsed->noise == prior.noise);
}

TEST(Prior, Half_rho_and_constant_tensors_are_stored_too) {
  Prior prior = sample_prior(smallest_network());
  std::fill(prior.rho.begin(), prior.rho.end(), -4.0f);
  for (const PlaneType type : {PlaneType::f16, PlaneType::u8}) {
    const auto parsed = parse_prior(serialize_prior(prior, {PlaneType::f16, type}));
    ASSERT_TRUE(parsed.ok()) << parsed.message();
    EXPECT_EQ(parsed->rho, prior.rho);
  }
}

TEST(Prior, Rho_at_the_ends_of_its_range_stays_in_range_when_quantised) {
  Prior prior = sample_prior(smallest_network());
  for (std::size_t i = 0; i < prior.rho.size(); ++i) prior.rho[i] = i % 2 == 0 ? kMaxRho : kMinRho + noise(i);
  const auto parsed = parse_prior(serialize_prior(prior));
  EXPECT_TRUE(parsed.ok()) << parsed.message();
}

TEST(Prior, The_small_preset_takes_at_most_1_6_megabytes) {
  const Prior prior = sample_prior(*preset("small"));
  ASSERT_EQ(prior.mu.size(), 487560u);
  EXPECT_LE(serialize_prior(prior).size(), 1600000u);
}

TEST(Prior, Saved_and_loaded_it_carries_the_hash_of_its_file) {
  TemporaryFolder folder;
  const Prior prior = sample_prior(smallest_network());
  const Status saved = save_prior(prior, folder / "model.prior");
  ASSERT_TRUE(saved.ok()) << saved.message();
  const auto loaded = load_prior(folder / "model.prior");
  ASSERT_TRUE(loaded.ok()) << loaded.message();
  const auto bytes = serialize_prior(prior);
  EXPECT_EQ(loaded->sha256, sha256(bytes));
  EXPECT_EQ(loaded->file_bytes, bytes.size());
  EXPECT_NE(load_prior(folder / "other.prior").message().find("other.prior"), std::string::npos);
}

TEST(Prior, What_a_reader_would_refuse_is_not_written) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  struct Case {
    const char* expected;
    void (*damage)(Prior&, float, float);
  };
  const Case cases[] = {{"mu[3] is nan", [](Prior& p, float bad, float) { p.mu[3] = bad; }},
                        {"mu[0] is 70000", [](Prior& p, float, float) { p.mu[0] = 70000.0f; }},
                        {"rho[5] is -inf", [](Prior& p, float, float bad) { p.rho[5] = -bad; }},
                        {"rho[5] is 11", [](Prior& p, float, float) { p.rho[5] = 11.0f; }},
                        {"log_noise[1]", [](Prior& p, float bad, float) { p.log_noise[1] = bad; }},
                        {"rate_mu[0] is -1", [](Prior& p, float, float) { p.rate_mu[0] = -1.0f; }},
                        {"rate_rho has", [](Prior& p, float, float) { p.rate_rho.pop_back(); }},
                        {"noise.amplitude has 5 elements, but the network needs 10",
                         [](Prior& p, float, float) { p.noise = sample_noise_model(1); }},
                        {"mu has", [](Prior& p, float, float) { p.mu.push_back(0.0f); }},
                        {"steps", [](Prior& p, float, float) { p.inner.steps = 1001; }},
                        {"samples", [](Prior& p, float, float) { p.inner.samples = 0; }},
                        {"kl_weight", [](Prior& p, float bad, float) { p.inner.kl_weight = bad; }},
                        {"support_pairs", [](Prior& p, float, float) { p.support_pairs = -1; }},
                        {"scale", [](Prior& p, float, float) { p.normalisation.scale = 0.0f; }},
                        {"cadence", [](Prior& p, float, float) { p.cadence_seconds = -5; }},
                        {"control character", [](Prior& p, float, float) { p.channel = "red\x1b[2J"; }},
                        {"not UTF-8", [](Prior& p, float, float) { p.facts = "{\xc3}"; }},
                        {"depth", [](Prior& p, float, float) { p.network.depth = 9; }}};
  for (const Case& c : cases) {
    TemporaryFolder folder;
    Prior prior = sample_prior(smallest_network());
    c.damage(prior, nan, inf);
    const Status status = save_prior(prior, folder / "p");
    EXPECT_FALSE(status.ok()) << c.expected;
    EXPECT_NE(status.message().find(c.expected), std::string::npos) << status.message();
    EXPECT_EQ(folder.entries(), 0u);
  }
}

}  // namespace
}  // namespace altocast
