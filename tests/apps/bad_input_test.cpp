// Every command with input that is not fit: exit code 1 and a message that says what and where, 2 for a wrong
// command line, nothing on stdout, earlier outputs untouched and nothing half-written left behind.
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "formats/byte_order.h"
#include "formats/container_layout.h"
#include "formats/crc32c.h"
#include "formats/durable_file.h"
#include "tests/apps/program.h"
#include "tests/formats/temporary_folder.h"
#include "tests/runtime/small_station.h"

namespace altocast {
namespace {

namespace fs = std::filesystem;

struct Case {
  const char* arguments;
  int exit_code;
  const char* message;  // part of stderr
};

class BadInput : public testing::Test {
 protected:
  void SetUp() override {
    const Prior prior = small_prior(3);
    ASSERT_TRUE(save_prior(prior, folder_ / "good.prior").ok());
    ASSERT_TRUE(save_prior(small_prior(4), folder_ / "other.prior").ok());
    Prior wild = prior;  // each weight is fit, a forecast with them is not
    for (float& mu : wild.mu) mu = 60000.0f;
    wild.network.residual = ResidualBase::none;
    ASSERT_TRUE(save_prior(wild, folder_ / "wild.prior").ok());
    Prior steep = prior;
    for (float& rate : steep.rate_mu) rate = 1e6f;
    ASSERT_TRUE(save_prior(steep, folder_ / "steep.prior").ok());
    write_damaged("prior", serialize_prior(prior));

    ASSERT_TRUE(write_synthetic_frames(small_frames(), folder_ / "frames").ok());
    fs::create_directory(folder_ / "nothing");
    copy_frames("gap", {"0000", "0030", "0100", "0230", "0300"});  // too long to be bridged
    copy_frames("single", {"0000"});
    copy_frames("cut", {"0000", "0030"});
    for (const char* time : {"0000", "0030"})
      fs::resize_file(folder_ / ("cut/20180606T" + std::string(time) + "Z.png"), 100);
    copy_frames("settings", {"0000", "0030"});
    write("settings/cache.toml", "cadence = \"often\"\n");
    copy_frames("coast", {"0000", "0030"});
    write("coast/cache.toml",
          "coastlines = \"shore.txt\"\n[georeference]\nprojection = \"latitude_longitude\"\nbox = [50, 10, 40, 20]\n");
    write("coast/shore.txt", "12.5 45\nnorth 46\n");

    ASSERT_EQ(run("adapt --prior good.prior --frames frames --out good.posterior").exit_code, 0);
    const Result<std::vector<std::uint8_t>> posterior = read_file(folder_ / "good.posterior", 1 << 20);
    ASSERT_TRUE(posterior.ok());
    write_damaged("posterior", *posterior);
    fs::create_directory(folder_ / "alone");
    fs::copy(folder_ / "good.posterior", folder_ / "alone/good.posterior");
    ASSERT_EQ(run("forecast --prior good.prior --frames frames --out forecast --members 2").exit_code, 0);
  }

  ProgramRun run(const std::string& arguments) { return run_altocast(folder_.path(), arguments); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  void write(const std::string& name, const std::vector<std::uint8_t>& bytes) {
    write(name, std::string(bytes.begin(), bytes.end()));
  }
  // empty.KIND, short.KIND, flipped.KIND, newer.KIND, text.KIND
  void write_damaged(const std::string& kind, const std::vector<std::uint8_t>& bytes) {
    write("empty." + kind, std::string());
    write("text." + kind, "This is no file of altocast's, only some text that is longer than its header would be.");
    write("short." + kind, std::vector(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2)));
    std::vector<std::uint8_t> flipped = bytes;
    flipped[flipped.size() - 100] ^= 4;
    write("flipped." + kind, flipped);
    std::vector<std::uint8_t> newer = bytes;
    newer[layout::kMajor] = 9;
    const std::uint32_t crc = crc32c(std::span(newer).first(layout::kHeaderCrc));
    store_little(newer.data() + layout::kHeaderCrc, crc);
    write("newer." + kind, newer);
  }
  void copy_frames(const std::string& name, const std::vector<std::string>& times) {
    fs::create_directory(folder_ / name);
    for (const std::string& time : times) {
      const std::string file = "/20180606T" + time + "Z.png";
      fs::copy(folder_ / ("frames" + file), folder_ / (name + file));
    }
  }

  // Names and contents of all files but the run's own two.
  std::vector<std::string> snapshot() {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (entry.path().filename() == "stdout.txt" || entry.path().filename() == "stderr.txt") continue;
      files.push_back(entry.path().string() + (entry.is_directory() ? "/" : "\n" + file_text(entry.path().string())));
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  void check(const std::vector<Case>& cases) {
    const std::vector<std::string> before = snapshot();
    for (const Case& bad : cases) {
      const ProgramRun result = run(bad.arguments);
      EXPECT_EQ(result.exit_code, bad.exit_code) << bad.arguments << "\n" << result.err;
      EXPECT_NE(result.err.find(bad.message), std::string::npos) << bad.arguments << "\n" << result.err;
      EXPECT_EQ(result.out, "") << bad.arguments;
      EXPECT_TRUE(snapshot() == before) << bad.arguments << " has changed files";
    }
  }

  TemporaryFolder folder_;
};

TEST_F(BadInput, OfTheProgramItself) {
  check({{"", 2, "usage: altocast COMMAND"},
         {"verfy", 2, "unknown command 'verfy'"},
         {"--frames x", 2, "unknown command '--frames'"},
         {"info good.prior > /dev/full", 1, "stdout cannot be written"}});
  const ProgramRun help = run("--help");
  EXPECT_EQ(help.exit_code, 0);
  for (const char* command : {"info", "adapt", "forecast", "point", "verify", "bench", "synth"}) {
    EXPECT_NE(help.out.find(command), std::string::npos);
    const ProgramRun own = run(std::string(command) + " --help");
    EXPECT_EQ(own.exit_code, 0);
    EXPECT_NE(own.out.find("usage: altocast " + std::string(command)), std::string::npos);
  }
}

TEST_F(BadInput, OfInfo) {
  check({{"info", 2, "the file's name is missing"},
         {"info good.prior other.prior", 2, "the file's name is given twice"},
         {"info good.prior --jsno", 2, "there is no option '--jsno'"},
         {"info good.prior --json=1", 2, "--json takes no value"},
         {"info good.prior --size 32x32", 2, "--size belongs to --plan"},
         {"info good.posterior --plan", 1, "good.posterior: only a prior has a --plan"},
         {"info ''", 2, "the file's name is empty"},
         {"info missing.prior", 1, "missing.prior"},
         {"info frames", 1, "frames: is a folder"},
         {"info empty.prior", 1, "empty.prior: the file is empty"},
         {"info text.prior", 1, "text.prior: byte 0: not an altocast file"},
         {"info short.prior", 1, "short.prior: byte 24"},
         {"info flipped.prior", 1, "flipped.prior: section"},
         {"info newer.prior", 1, "newer.prior: byte 10: written in version 9"},
         {"info short.posterior", 1, "short.posterior: byte 24"},
         {"info flipped.posterior", 1, "flipped.posterior: section"},
         {"info frames/20180606T0000Z.png", 1, "not an altocast file"}});
}

TEST_F(BadInput, OfAdapt) {
  check({{"adapt --frames frames --out q", 2, "--prior is missing"},
         {"adapt --prior good.prior --out q", 2, "--frames is missing"},
         {"adapt --prior good.prior --frames frames", 2, "--out is missing"},
         {"adapt --prior good.prior --frames frames --out", 2, "--out needs a value"},
         {"adapt --prior good.prior --prior other.prior", 2, "--prior is given twice"},
         {"adapt --prior good.prior --frames frames --out q --at noon", 2, "--at takes a time in UTC like"},
         {"adapt --prior good.prior --frames frames --out q --pairs 0", 2, "--pairs takes a whole number from 1"},
         {"adapt --prior good.prior --frames frames --out q --steps 2x", 2, "--steps takes a whole number"},
         {"adapt --prior good.prior --frames frames --out q --steps -1", 2, "--steps takes a whole number"},
         {"adapt --prior good.prior --frames frames --out q --seed -1", 2, "--seed takes"},
         {"adapt --prior good.prior --frames frames --out q --rate-scale nan", 2, "--rate-scale takes a number"},
         {"adapt --prior good.prior --frames frames --out q --threads many", 2, "--threads takes"},
         {"adapt --prior good.prior --frames frames --out q --isa mmx", 2, "available: "},
         {"adapt --prior missing.prior --frames frames --out q", 1, "missing.prior"},
         {"adapt --prior empty.prior --frames frames --out q", 1, "empty.prior: the file is empty"},
         {"adapt --prior short.prior --frames frames --out q", 1, "short.prior: byte 24"},
         {"adapt --prior flipped.prior --frames frames --out q", 1, "flipped.prior: section"},
         {"adapt --prior newer.prior --frames frames --out q", 1, "newer.prior: byte 10"},
         {"adapt --prior good.posterior --frames frames --out q", 1, "this is a posterior file, not a prior"},
         {"adapt --prior wild.prior --frames frames --out good.posterior", 1, "the adaptation diverged"},
         {"adapt --prior steep.prior --frames frames --out q", 1, "--rate-scale below"},
         {"adapt --prior good.prior --frames frames --out q --rate-scale 1e6", 1, "--rate-scale below"},
         {"adapt --prior good.prior --frames missing --out q", 1, "missing: no such folder"},
         {"adapt --prior good.prior --frames good.prior --out q", 1, "good.prior: is no folder"},
         {"adapt --prior good.prior --frames nothing --out q", 1, "nothing: holds no frames"},
         {"adapt --prior good.prior --frames cut --out q", 1, "cut: holds no usable frame; 2 rejected"},
         {"adapt --prior good.prior --frames settings --out q", 1, "cache.toml, line 1"},
         {"adapt --prior good.prior --frames single --out q", 1, "single: needs 4 frames in one run"},
         {"adapt --prior good.prior --frames gap --out q", 1, "the run starting 2018-06-06T02:30Z has 2"},
         {"adapt --prior good.prior --frames frames --out q --at 2018-06-05T00:00Z", 1,
          "no frame up to 2018-06-05T00:00Z"},
         {"adapt --prior good.prior --frames frames --out q --at 2018-06-06T09:00Z", 1, "no frame shortly before"},
         {"adapt --prior good.prior --frames frames --out good.prior/q", 1, "good.prior"},
         {"adapt --prior good.prior --frames frames --out frames", 1, "frames: is a folder"}});
}

TEST_F(BadInput, OfForecast) {
  check(
      {{"forecast --frames frames --out forecast", 2, "--prior or --posterior is missing"},
       {"forecast --prior good.prior --frames frames", 2, "--out is missing"},
       {"forecast --posterior good.posterior --adapt --frames frames --out forecast", 2, "leave out --posterior"},
       {"forecast --prior good.prior --steps 3 --frames frames --out forecast", 2, "--steps belongs to --adapt"},
       {"forecast --prior good.prior --no-guard --frames frames --out forecast", 2, "--no-guard belongs to --adapt"},
       {"forecast --prior good.prior --frames frames --out forecast --members 0", 2, "--members takes a whole number"},
       {"forecast --prior good.prior --frames frames --out forecast extra", 2, "'extra' is no option"},
       {"forecast --prior good.prior --frames frames --out forecast --palette rainbow", 2, "--palette must be grey"},
       {"forecast --prior good.prior --frames frames --out forecast --thresholds 5,", 2, "--thresholds takes numbers"},
       {"forecast --prior good.prior --frames frames --out forecast --thresholds 1,2,3,4,5,6,7,8,9,10", 2,
        "at most 9 numbers"},
       {"forecast --prior good.prior --frames coast --out forecast", 1, "shore.txt, line 2: not a longitude"},
       {"forecast --prior flipped.prior --frames frames --out forecast", 1, "flipped.prior: section"},
       {"forecast --prior wild.prior --frames frames --out forecast", 1, "the forecast is not finite"},
       {"forecast --posterior missing --frames frames --out forecast", 1, "missing"},
       {"forecast --posterior empty.posterior --frames frames --out forecast", 1, "empty.posterior: the file is empty"},
       {"forecast --posterior short.posterior --frames frames --out forecast", 1, "short.posterior: byte 24"},
       {"forecast --posterior flipped.posterior --frames frames --out forecast", 1, "flipped.posterior: section"},
       {"forecast --posterior newer.posterior --frames frames --out forecast", 1, "newer.posterior: byte 10"},
       {"forecast --posterior good.prior --frames frames --out forecast", 1, "this is a prior file, not a posterior"},
       {"forecast --posterior good.posterior --prior other.prior --frames frames --out forecast", 1,
        "other.prior is another prior"},
       {"forecast --prior good.prior --frames single --out forecast", 1, "single: needs 2 frames in one run"},
       {"forecast --prior good.prior --frames frames --out forecast --at 2018-06-06T00:00Z", 1, "needs 2 frames"},
       {"forecast --prior good.prior --frames nothing --out forecast", 1, "nothing: holds no frames"},
       {"forecast --prior good.prior --frames frames --out frames", 1, "choose an empty folder"},
       {"forecast --prior good.prior --frames frames --out good.prior/forecast", 1, "good.prior"}});
  fs::rename(folder_ / "good.prior", folder_ / "moved.prior");
  check({{"forecast --posterior alone/good.posterior --frames frames --out forecast", 1,
          "the prior of alone/good.posterior was not found; give it with --prior"}});
}

TEST_F(BadInput, OfVerify) {
  check({{"verify --frames frames --out s --pairs 2", 2, "--pairs takes a --prior to adapt"},
         {"verify --frames frames --out s --no-guard", 2, "--no-guard takes a --prior to adapt"},
         {"verify --prior good.prior --frames frames --out s --leads 2", 2, "--leads is the prior's own"},
         {"verify --prior good.prior --out s", 2, "--frames is missing"},
         {"verify --prior good.prior --frames frames", 2, "--out is missing"},
         {"verify --prior good.prior --frames frames --out s --from noon", 2, "--from takes a time in UTC"},
         {"verify --prior good.prior --frames frames --out s --from 2018-06-06T02:00Z --to 2018-06-06T01:00Z", 2,
          "--to is before --from"},
         {"verify --prior good.prior --frames frames --out s --every 0", 2, "--every takes a whole number"},
         {"verify --prior good.prior --frames frames --out s --members 1", 2, "--members takes a whole number from 2"},
         {"verify --prior good.prior --frames frames --out s --thresholds 240,,220", 2,
          "--thresholds takes numbers with commas"},
         {"verify --prior good.prior --frames frames --out s --thresholds inf", 2, "--thresholds takes numbers"},
         {"verify --prior good.prior --frames frames --out s --at 2018-06-06T02:00Z", 2, "there is no option '--at'"},
         {"verify --prior missing.prior --frames frames --out s", 1, "missing.prior"},
         {"verify --prior flipped.prior --frames frames --out s", 1, "flipped.prior: section"},
         {"verify --prior good.posterior --frames frames --out s", 1, "this is a posterior file, not a prior"},
         {"verify --prior good.prior --frames missing --out s", 1, "missing: no such folder"},
         {"verify --prior good.prior --frames cut --out s", 1, "cut: holds no usable frame"},
         {"verify --prior good.prior --frames gap --out s", 1,
          "gap: no time to forecast from is fit; it takes 4 frames in one run, the last 2 of them after it, and as "
          "many in one run up to it"},
         {"verify --prior good.prior --frames frames --out s --from 2018-06-06T03:00Z", 1,
          "frames: no time to forecast from is fit since 2018-06-06T03:00Z"},
         {"verify --prior steep.prior --frames frames --no-guard --out good.prior", 1, "--rate-scale below"},
         {"verify --prior wild.prior --frames frames --out good.prior", 1, "at 2018-06-06T01:30Z: "},
         {"verify --prior good.prior --frames frames --out frames", 1, "frames: is a folder"},
         {"verify --prior good.prior --frames frames --out good.prior/s", 1, "good.prior"}});
}

TEST_F(BadInput, OfPoint) {
  check({{"point --lat 45 --lon 15", 2, "give --forecast or --nc"},
         {"point --lat 45 --lon 15 --forecast forecast --nc forecast/forecast.nc", 2, "one of them"},
         {"point --lon 15 --forecast forecast", 2, "--lat is missing"},
         {"point --lat 91 --lon 15 --forecast forecast", 2, "--lat takes a number"},
         {"point --lat 45 --lon 15 --forecast forecast --out plot.jpg", 2, "--out must end in .svg"},
         {"point --lat 45 --lon 15 --forecast forecast", 1, "add [georeference] to cache.toml"},
         {"point --lat 45 --lon 15 --forecast nothing", 1, "nothing/forecast.nc: cannot be read"},
         {"point --lat 45 --lon 15 --nc text.prior", 1, "text.prior: not a classic NetCDF file"}});
}

TEST_F(BadInput, OfBenchAndSynth) {
  check({{"bench --preset huge", 2, "unknown preset 'huge'; choose tiny, small or base"},
         {"bench --preset tiny --prior good.prior", 2, "give --prior or --preset, not both"},
         {"bench --size 100", 2, "--size takes HEIGHTxWIDTH"},
         {"bench --size 64x64,100", 2, "--size takes HEIGHTxWIDTH"},
         {"bench --isa none", 2, "available: "},
         {"bench --threads 1,x", 2, "--threads takes a whole number from 0"},
         {"bench --cpu-mask 3-1", 2, "--cpu-mask: '3-1' is neither a list of cores"},
         {"bench --cpu-mask 1023", 2, "--cpu-mask: this machine"},
         {"bench --parts forwards", 2, "--parts: 'forwards' is none of load, pack_weights"},
         {"bench --csv --json", 2, "give one of --json, --csv and --markdown"},
         {"bench --prior short.prior", 1, "short.prior: byte 24"},
         {"synth", 2, "--out is missing"},
         {"synth --out new --size 4x4", 2, "--size takes HEIGHTxWIDTH"},
         {"synth --out new --frames 0", 2, "--frames takes a whole number from 1"},
         {"synth --out frames", 1, "frames: is not empty"},
         {"synth --out good.prior/new", 1, "good.prior"}});
}

TEST_F(BadInput, AFrameThatDoesNotDecodeIsLeftOutAndNamed) {
  // Its header is whole, its pixels are not.
  const std::string newest = folder_ / "frames/20180606T0300Z.png";
  std::string bytes = file_text(newest);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
  write("frames/20180606T0300Z.png", bytes);
  const ProgramRun result = run("forecast --prior good.prior --frames frames --out forecast --members 2");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("not used: frames/20180606T0300Z.png"), std::string::npos) << result.err;
  EXPECT_TRUE(fs::exists(folder_ / "forecast/mean_01_20180606T0300Z.png")) << "forecasts from the frame before";
}

}  // namespace
}  // namespace altocast
