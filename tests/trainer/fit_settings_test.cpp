// config.toml: what is written is read back, and whatever is wrong is named with its line. docs/training.md
// lists every key with its default.
#include "trainer/fit_settings.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/trainer/training_samples.h"

namespace altocast {
namespace {

FitSettings unusual_settings() {
  FitSettings s = tiny_settings("a folder/with \"quotes\", \\, \ttabs and 雲");
  s.network.activation = ActivationKind::relu;
  s.network.residual = ResidualBase::none;
  s.network.norm_groups = 2;
  s.normalisation = {-0.1f, 1e5f};
  s.data.push_back("second");
  s.validation = {{"third", ""}, {"second", "2018-06-06T12:00Z"}};
  s.validation_share = 1.0 / 3.0;
  s.seed = 9000000000000000000u;
  s.steps = 1000000000;
  s.inner.flipout = true;
  s.inner.likelihood = Likelihood::huber;
  s.zoom = 0.25;
  s.inner.kl_weight = 0.1f;
  s.inner.clip_mu = 1e-30f;
  s.rate_mu = 1.1754944e-38f;
  s.rate_rho = 16777216.0f / 100;
  s.rate_learning_rate = 1e-3;
  s.order_annealing_steps = 8;
  s.average_decay = 0.999;
  s.outer.kl_weight = 1e-3;
  s.outer.data = OuterData::support_and_query;
  s.theta_posterior = ThetaPosterior::gaussian;
  s.initial_theta_spread = -3.25;
  s.initial = "older/model.prior";
  s.initial_rho = -4.7;
  s.hyper_prior_weight = 123456789.0 / 1e6;
  return s;
}

std::string message_of(const std::string& text) {
  FitSettings settings;
  const Status status = read_fit_settings(text, "RUN/config.toml", settings);
  EXPECT_FALSE(status.ok()) << text;
  return status.message();
}

void expect_mention(const std::string& text, const std::vector<std::string>& parts) {
  const std::string message = message_of(text);
  for (const std::string& part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks: " << part;
}

TEST(FitSettings, AreReadBackAsTheyWereWritten) {
  for (const FitSettings& settings : {FitSettings(), unusual_settings()}) {
    FitSettings back;
    const std::string text = write_fit_settings(settings);
    const Status status = read_fit_settings(text, "config.toml", back);
    ASSERT_TRUE(status.ok()) << status.message() << "\n" << text;
    EXPECT_EQ(back, settings) << text;
    EXPECT_EQ(write_fit_settings(back), text);
  }
}

TEST(FitSettings, AbsentKeysKeepTheirValues) {
  FitSettings settings = unusual_settings();
  ASSERT_TRUE(read_fit_settings("[training]\nsteps = 7\n[inner]\nrate_mu = 1", "config.toml", settings).ok());
  FitSettings expected = unusual_settings();
  expected.steps = 7;
  expected.rate_mu = 1.0f;
  EXPECT_EQ(settings, expected);
}

TEST(FitSettings, UnknownNamesAreToldWithFileAndLine) {
  expect_mention("[training]\nsteps = 5\nstep = 6\n", {"RUN/config.toml: line 3: ", "'training.step'"});
  expect_mention("[training]\nsteps = 5\n\n[trainning]\n", {"RUN/config.toml: line 4: ", "'trainning'"});
  expect_mention("steps = 5\n", {"line 1: ", "'steps'"});
  expect_mention("training = 5\n", {"line 1: ", "'training'"});
}

TEST(FitSettings, WrongTypesAreToldWithFileAndLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"[training]\nsteps = \"many\"", "an integer"},
      {"[training]\nsteps = 5.0", "an integer"},
      {"[training]\nsteps = 99999999999", "an integer"},
      {"[training]\nseed = -1", "not negative"},
      {"[training]\nlearning_rate = true", "a number"},
      {"[training]\nlearning_rate = inf", "a number"},
      {"[inner]\nrate_mu = nan", "a number"},
      {"[inner]\nantithetic = 1", "true or false"},
      {"[network]\nactivation = \"tanh\"", "relu"},
      {"[network]\nresidual = 3", "last_frame"},
      {"[outer]\ndata = \"all\"", "support_and_query"},
      {"[data]\nfolders = \"one\"", "an array of strings"},
      {"[data]\nfolders = [\"one\", 2]", "a string"},
      {"[data]\nvalidation = [\"x@noon\"]", "FOLDER@2018-06-06T12:00Z"},
      {"[data]\nvalidation = [\"\"]", "FOLDER@2018-06-06T12:00Z"}};
  for (const auto& [text, wanted] : cases) expect_mention(text, {"RUN/config.toml: line 2: ", wanted});
}

TEST(FitSettings, ValuesOutOfRangeAreToldWithFileLineAndRange) {
  expect_mention("[training]\n\nsteps = 0", {"RUN/config.toml: line 3: ", "training.steps must lie in 1 … 1000000000"});
  expect_mention("[data]\nvalidation_gap_hours = -1",
                 {"line 2: ", "data.validation_gap_hours must lie in 0 … 1000000"});
  expect_mention("[inner]\nrate_mu = 1e300", {"line 2: ", "inner.rate_mu must lie in 0 … 1000000"});
  expect_mention("[training]\ngradient_clip = -0.5", {"line 2: ", "training.gradient_clip must lie in 0 … "});
  expect_mention("[network]\nleads = 4\ndepth = 7", {"line 3: ", "network: depth must lie in 0 … 6"});
  expect_mention("[training]\nsteps = 5\n[prior]\nrho_low = -1\nrho_high = -2", {"line 5: ", "rho_low must be below"});
}

TEST(FitSettings, SyntaxErrorsAreToldWithFileAndLine) {
  expect_mention("[training]\nsteps = 5\nseed = \n", {"RUN/config.toml: line 3: "});
  expect_mention("[training\n", {"RUN/config.toml: line 1: "});
  expect_mention("[data]\nfolders = [\"\xff\xfe\"]\n", {"RUN/config.toml: line 2: "});
}

TEST(FitSettings, ValidateFindsWhatACallerSetWrong) {
  FitSettings settings;
  settings.validation = {{"folder", "noon"}};
  EXPECT_FALSE(validate(settings).ok());
  settings = FitSettings();
  settings.outer.kl_weight = NAN;
  EXPECT_FALSE(validate(settings).ok());
  settings = FitSettings();
  settings.seed = ~std::uint64_t{0};  // more than config.toml can hold
  EXPECT_NE(validate(settings).message().find("training.seed"), std::string::npos);
}

TEST(FitSettings, ValidationFoldersNameAFolderAndPerhapsATime) {
  const Result<ValidationFolder> whole = parse_validation_folder("frames/iceland");
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(*whole, (ValidationFolder{"frames/iceland", ""}));
  const Result<ValidationFolder> late = parse_validation_folder("a@b/iceland@2018-06-06T12:00Z");
  ASSERT_TRUE(late.ok());
  EXPECT_EQ(*late, (ValidationFolder{"a@b/iceland", "2018-06-06T12:00Z"}));
  for (const char* wrong : {"", "@2018-06-06T12:00Z", "iceland@", "iceland@2018-06-31T12:00Z", "iceland@noon"}) {
    EXPECT_FALSE(parse_validation_folder(wrong).ok()) << wrong;
  }
}

// The rows "| `section.key` | `default` | meaning |" of docs/training.md.
TEST(FitSettings, EveryKeyStandsInTheDocumentationWithItsDefault) {
  std::istringstream written(write_fit_settings(FitSettings()));
  std::vector<std::string> expected;
  std::string section;
  for (std::string line; std::getline(written, line);) {
    if (line.starts_with("[")) section = line.substr(1, line.size() - 2);
    const std::size_t equals = line.find(" = ");
    if (equals != std::string::npos) {
      expected.push_back("| `" + section + "." + line.substr(0, equals) + "` | `" + line.substr(equals + 3) + "` | ");
    }
  }
  std::ifstream manual(std::string(ALTOCAST_SOURCE_DIR) + "/docs/training.md");
  ASSERT_TRUE(manual.good());
  std::vector<std::string> documented;
  for (std::string line; std::getline(manual, line);) {
    if (line.starts_with("| `") && line.find("` | `") != std::string::npos && line.find('.') < line.find("` | `")) {
      documented.push_back(line.substr(0, line.find("` | ", line.find("` | `") + 5) + 4));
      EXPECT_GT(line.size(), documented.back().size() + 10) << "no meaning: " << line;
    }
  }
  EXPECT_EQ(documented, expected);
}

}  // namespace
}  // namespace altocast
