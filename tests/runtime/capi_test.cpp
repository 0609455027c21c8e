// The C API: the bits of the library's own calls, and for every wrong use an error with a sentence that says what is
// wrong. tests/install builds a program in C against it.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "altocast.h"
#include "runtime/kernels/make_kernels.h"
#include "runtime/kernels/native/native_kernels.h"
#include "runtime/station/adaptation.h"
#include "runtime/station/station_forecast.h"
#include "tests/formats/sample_noise.h"
#include "tests/formats/temporary_folder.h"
#include "tests/runtime/small_station.h"

namespace altocast {
namespace {

class CApi : public testing::Test {
 protected:
  void SetUp() override {
    Prior prior = small_prior(3);
    prior.noise = sample_noise_model(prior.network.leads);
    file_ = serialize_prior(prior);
    const SyntheticSettings settings = small_frames();
    for (int i = 0; i < settings.frames; ++i) {
      const std::vector<std::uint8_t> frame = synthetic_frame(settings, i);
      pixels_.insert(pixels_.end(), frame.begin(), frame.end());
    }
    frames_.pixels = pixels_.data();
    frames_.count = settings.frames;
    frames_.height = settings.height;
    frames_.width = settings.width;
    session_ = altocast_create();
    ASSERT_EQ(altocast_load_memory(session_, file_.data(), file_.size()), ALTOCAST_OK) << altocast_error(session_);
  }
  void TearDown() override { altocast_destroy(session_); }

  std::size_t plane() const { return 2 * 21 * 26; }  // leads, height, width

  // The hash of three members, or the error.
  static std::string hash(altocast_session* session, const altocast_frames& frames) {
    altocast_forecast forecast = ALTOCAST_FORECAST_INIT;
    forecast.members = 3;
    forecast.seed = 5;
    const altocast_status status = altocast_make_forecast(session, &frames, &forecast);
    return status == ALTOCAST_OK ? forecast.hash : altocast_error(session);
  }

  void expect_bad(altocast_status status, const std::string& message) {
    EXPECT_EQ(status, ALTOCAST_BAD_ARGUMENT) << message;
    EXPECT_NE(std::string(altocast_error(session_)).find(message), std::string::npos) << altocast_error(session_);
  }

  std::vector<std::uint8_t> file_, pixels_;
  altocast_frames frames_ = ALTOCAST_FRAMES_INIT;
  altocast_session* session_ = nullptr;
};

TEST_F(CApi, ForecastsTheBitsOfTheStationsOwnCallsOnAFolder) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_synthetic_frames(small_frames(), folder / "frames").ok());
  std::filesystem::remove(folder / "frames/cache.toml");
  Result<FrameCache> cache = FrameCache::open(folder / "frames");
  ASSERT_TRUE(cache.ok()) << cache.message();
  const LoadedPrior prior{*parse_prior(file_), sha256(file_), file_.size()};
  const std::unique_ptr<Kernels<float>> kernels = *make_kernels("", 1);
  AdaptationSettings settings;
  settings.seed = 5;
  const Result<Adaptation> adaptation = adapt(prior, *cache, settings, *kernels);
  ASSERT_TRUE(adaptation.ok()) << adaptation.message();
  const Result<StationForecast> wanted = forecast(prior, adaptation->weights, *cache, {std::nullopt, 3, 5}, *kernels);
  ASSERT_TRUE(wanted.ok()) << wanted.message();
  const EnsembleMoments moments = ensemble_moments(wanted->product());

  altocast_adaptation wanted_adaptation = ALTOCAST_ADAPTATION_INIT;
  wanted_adaptation.seed = 5;
  altocast_adaptation_report report = ALTOCAST_ADAPTATION_REPORT_INIT;
  ASSERT_EQ(altocast_adapt(session_, &frames_, &wanted_adaptation, &report), ALTOCAST_OK) << altocast_error(session_);
  EXPECT_EQ(report.pairs, adaptation->posterior.support_pairs);
  EXPECT_EQ(report.nll_before, adaptation->nll_before);
  EXPECT_EQ(report.nll_after, adaptation->nll_after);
  EXPECT_EQ(report.kl, adaptation->kl);

  std::vector<float> values(3 * plane()), mean(plane()), spread(plane());
  altocast_forecast made = ALTOCAST_FORECAST_INIT;
  made.members = 3;
  made.seed = 5;
  made.values = values.data(), made.values_size = values.size();
  made.mean = mean.data(), made.mean_size = mean.size();
  made.spread = spread.data(), made.spread_size = spread.size();
  ASSERT_EQ(altocast_make_forecast(session_, &frames_, &made), ALTOCAST_OK) << altocast_error(session_);
  EXPECT_EQ(values, std::vector<float>(wanted->product().values.begin(), wanted->product().values.end()));
  EXPECT_EQ(mean, moments.mean);
  EXPECT_EQ(spread, moments.spread);
  EXPECT_EQ(made.hash, forecast_hash(wanted->product()));

  ASSERT_EQ(altocast_reset(session_), ALTOCAST_OK);
  EXPECT_NE(hash(session_, frames_), made.hash) << "the prior's own weights";
}

TEST_F(CApi, GivesTheSameBitsWhateverHoldsTheFramesAndComputes) {
  const std::string wanted = hash(session_, frames_);
  ASSERT_EQ(wanted.size(), 64u) << wanted;
  const std::vector<std::uint16_t> words(pixels_.begin(), pixels_.end());
  const std::vector<float> floats(pixels_.begin(), pixels_.end());
  altocast_frames frames = frames_;
  frames.largest = 255;
  frames.pixels = words.data(), frames.type = ALTOCAST_U16;
  EXPECT_EQ(hash(session_, frames), wanted);
  frames.pixels = floats.data(), frames.type = ALTOCAST_F32;
  EXPECT_EQ(hash(session_, frames), wanted);
  frames.pixels = floats.data() + 5 * 21 * 26, frames.count = 2;
  EXPECT_EQ(hash(session_, frames), wanted) << "older frames are not looked at";
  for (const KernelTable* table : available_tables()) {
    altocast_options options = ALTOCAST_OPTIONS_INIT;
    options.isa = table->isa;
    options.threads = 2;
    ASSERT_EQ(altocast_configure(session_, &options), ALTOCAST_OK) << altocast_error(session_);
    EXPECT_EQ(hash(session_, frames_), wanted) << table->isa;
  }
}

TEST_F(CApi, RunsSessionsInThreadsOfTheirOwn) {
  const std::string wanted = hash(session_, frames_);
  std::string hashes[2];
  std::vector<std::thread> threads;
  for (std::string& result : hashes) {
    threads.emplace_back([&] {
      altocast_session* session = altocast_create();
      if (altocast_load_memory(session, file_.data(), file_.size()) == ALTOCAST_OK) result = hash(session, frames_);
      altocast_destroy(session);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(hashes[0], wanted);
  EXPECT_EQ(hashes[1], wanted);
}

TEST_F(CApi, TellsWhatThePriorIs) {
  altocast_prior_info info = ALTOCAST_PRIOR_INFO_INIT;
  ASSERT_EQ(altocast_query(session_, &info), ALTOCAST_OK);
  EXPECT_EQ(info.input_frames, 2);
  EXPECT_EQ(info.leads, 2);
  EXPECT_EQ(info.cadence_seconds, 1800);
  EXPECT_EQ(info.support_pairs, 3);
  EXPECT_EQ(info.adaptation_frames, 6);
  EXPECT_EQ(info.weights, parameter_count(small_prior(3).network));
  EXPECT_EQ(info.sha256, to_hex(sha256(file_)));
}

TEST_F(CApi, RefusesWhatIsNoPriorAndKeepsWhatItHad) {
  const std::string wanted = hash(session_, frames_);
  std::vector<std::uint8_t> damaged = file_;
  damaged[damaged.size() / 2] ^= 1;
  EXPECT_EQ(altocast_load_memory(session_, damaged.data(), damaged.size()), ALTOCAST_UNFIT);
  EXPECT_NE(std::string(altocast_error(session_)), "");
  EXPECT_EQ(altocast_load_memory(session_, file_.data(), 10), ALTOCAST_UNFIT);
  EXPECT_EQ(altocast_load_memory(session_, file_.data(), 0), ALTOCAST_UNFIT);
  EXPECT_EQ(altocast_load_file(session_, "/nowhere/model.prior"), ALTOCAST_UNFIT);
  EXPECT_NE(std::string(altocast_error(session_)).find("/nowhere/model.prior"), std::string::npos);
  EXPECT_EQ(hash(session_, frames_), wanted);
  EXPECT_EQ(std::string(altocast_error(session_)), "") << "after a success";
}

TEST_F(CApi, AnswersNullPointersWithErrors) {
  altocast_forecast forecast = ALTOCAST_FORECAST_INIT;
  EXPECT_EQ(altocast_make_forecast(nullptr, &frames_, &forecast), ALTOCAST_BAD_ARGUMENT);
  EXPECT_EQ(altocast_load_file(nullptr, "x"), ALTOCAST_BAD_ARGUMENT);
  EXPECT_STREQ(altocast_error(nullptr), "the session is null");
  altocast_destroy(nullptr);
  expect_bad(altocast_load_file(session_, nullptr), "path is null");
  expect_bad(altocast_load_memory(session_, nullptr, 4), "bytes is null");
  expect_bad(altocast_configure(session_, nullptr), "options is null");
  expect_bad(altocast_query(session_, nullptr), "info is null");
  expect_bad(altocast_adapt(session_, nullptr, nullptr, nullptr), "frames is null");
  expect_bad(altocast_make_forecast(session_, nullptr, &forecast), "frames is null");
  expect_bad(altocast_make_forecast(session_, &frames_, nullptr), "forecast is null");
  frames_.pixels = nullptr;
  expect_bad(altocast_make_forecast(session_, &frames_, &forecast), "frames.pixels is null");
}

TEST_F(CApi, AnswersWrongNumbersWithErrors) {
  altocast_forecast forecast = ALTOCAST_FORECAST_INIT;
  const auto with = [&](const auto& change) {
    altocast_frames frames = frames_;
    change(frames);
    return altocast_make_forecast(session_, &frames, &forecast);
  };
  expect_bad(with([](altocast_frames& f) { f.struct_size = 4; }), "frames.struct_size");
  expect_bad(with([](altocast_frames& f) { f.struct_size += 8; }), "frames.struct_size");
  expect_bad(with([](altocast_frames& f) { f.type = 7; }), "frames.type");
  expect_bad(with([](altocast_frames& f) { f.count = 0; }), "frames.count");
  expect_bad(with([](altocast_frames& f) { f.height = -1; }), "frames.height");
  expect_bad(with([](altocast_frames& f) { f.width = 1 << 30; }), "frames.width");
  expect_bad(with([](altocast_frames& f) { f.largest = std::numeric_limits<double>::quiet_NaN(); }), "frames.largest");
  expect_bad(with([](altocast_frames& f) { f.type = ALTOCAST_F32; }), "frames.largest");
  expect_bad(with([&](altocast_frames& f) { f.type = ALTOCAST_U16, f.pixels = pixels_.data() + 1; }), "aligned");
  frames_.count = 1;
  EXPECT_EQ(altocast_make_forecast(session_, &frames_, &forecast), ALTOCAST_UNFIT) << "too few";
  frames_.count = 3;
  EXPECT_EQ(altocast_adapt(session_, &frames_, nullptr, nullptr), ALTOCAST_UNFIT) << "too few for a pair";
  frames_.count = 7;
  forecast.members = 0;
  expect_bad(altocast_make_forecast(session_, &frames_, &forecast), "forecast.members");
  forecast.members = 2;
  std::vector<float> values(2 * plane() - 1);
  forecast.values = values.data(), forecast.values_size = values.size();
  expect_bad(altocast_make_forecast(session_, &frames_, &forecast), "forecast.values_size");
  forecast.values = nullptr;
  expect_bad(altocast_make_forecast(session_, &frames_, &forecast), "forecast.values is null");
  altocast_adaptation settings = ALTOCAST_ADAPTATION_INIT;
  settings.rate_scale = std::numeric_limits<float>::quiet_NaN();
  expect_bad(altocast_adapt(session_, &frames_, &settings, nullptr), "settings.rate_scale");
  altocast_options options = ALTOCAST_OPTIONS_INIT;
  options.isa = "abacus";
  expect_bad(altocast_configure(session_, &options), "abacus");
  options.isa = nullptr;
  options.threads = -1;
  expect_bad(altocast_configure(session_, &options), "options.threads");
}

TEST_F(CApi, AnswersUnfitPixelsWithErrors) {
  std::vector<float> floats(pixels_.begin(), pixels_.end());
  frames_.pixels = floats.data();
  frames_.type = ALTOCAST_F32;
  frames_.largest = 255;
  floats[6 * 21 * 26 + 26 + 3] = std::numeric_limits<float>::quiet_NaN();
  altocast_forecast forecast = ALTOCAST_FORECAST_INIT;
  expect_bad(altocast_make_forecast(session_, &frames_, &forecast), "pixel (1, 3) of frame 6 is not a finite number");
  expect_bad(altocast_adapt(session_, &frames_, nullptr, nullptr), "pixel (1, 3) of frame 6");
  floats[6 * 21 * 26 + 26 + 3] = 60000.0f;
  EXPECT_EQ(altocast_make_forecast(session_, &frames_, &forecast), ALTOCAST_UNFIT) << "numbers of another kind";
}

TEST(CApiWithoutPrior, HasNothingToComputeWith) {
  altocast_session* session = altocast_create();
  altocast_frames frames = ALTOCAST_FRAMES_INIT;
  altocast_forecast forecast = ALTOCAST_FORECAST_INIT;
  altocast_prior_info info = ALTOCAST_PRIOR_INFO_INIT;
  const std::uint8_t pixel = 0;
  frames.pixels = &pixel;
  frames.count = frames.height = frames.width = 1;
  EXPECT_EQ(altocast_adapt(session, &frames, nullptr, nullptr), ALTOCAST_BAD_ARGUMENT);
  EXPECT_EQ(altocast_make_forecast(session, &frames, &forecast), ALTOCAST_BAD_ARGUMENT);
  EXPECT_EQ(altocast_reset(session), ALTOCAST_BAD_ARGUMENT);
  EXPECT_EQ(altocast_query(session, &info), ALTOCAST_BAD_ARGUMENT);
  EXPECT_STREQ(altocast_error(session), "no prior is loaded");
  altocast_destroy(session);
}

}  // namespace
}  // namespace altocast
