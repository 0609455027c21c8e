// A station for tests of `altocast watch`: a prior, settings, and made-up frames that come in one by one; and what must
// hold of the folder that it writes, however often it was killed.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "formats/durable_file.h"
#include "formats/netcdf_reader.h"
#include "formats/posterior.h"
#include "runtime/frames/synthetic.h"
#include "runtime/products/products.h"
#include "runtime/time.h"
#include "runtime/watch/station_folder.h"
#include "runtime/watch/verification_history.h"
#include "tests/formats/temporary_folder.h"

namespace altocast {

class WatchStation {
 public:
  // The frames are made in a folder aside; `options` are lines for station.toml below its first two.
  WatchStation(const Prior& prior, const SyntheticSettings& frames, const std::string& options) : frames_(frames) {
    namespace fs = std::filesystem;
    good_ = save_prior(prior, folder_ / "station.prior").ok() && write_synthetic_frames(frames, folder_ / "aside").ok();
    fs::create_directory(folder_ / "frames");
    fs::copy(folder_ / "aside/cache.toml", folder_ / "frames/cache.toml");
    std::ofstream(folder_ / "frames/cache.toml", std::ios::app) << "bridge = 0\n";  // a missing frame is missing
    write_settings(options);
  }

  // `images`: further lines of [frames].
  void write_settings(const std::string& options, const std::string& images = "") {
    std::ofstream(folder_ / "station.toml") << "prior = \"station.prior\"\noutput = \"out\"\n"
                                            << options << "\n[frames]\nfolder = \"frames\"\npoll_seconds = 1\n"
                                            << images;
  }

  bool good() const { return good_; }
  std::string path() const { return folder_.path(); }
  std::string operator/(const std::string& name) const { return folder_ / name; }
  const TemporaryFolder& folder() const { return folder_; }

  std::int64_t slot(int index) const { return frames_.start_time + std::int64_t{index} * frames_.cadence_seconds; }
  std::string frame_name(int index) const { return format_compact_time(slot(index)) + ".png"; }
  std::string run(int index) const { return folder_ / ("out/runs/" + format_compact_time(slot(index))); }

  // Frame `index` comes in whole.
  void receive(int index) const {
    std::filesystem::rename(folder_ / ("aside/" + frame_name(index)), folder_ / ("frames/" + frame_name(index)));
  }
  // It comes in with some of its pixels' bytes changed, or without its end.
  void receive_damaged(int index, bool truncated) const {
    const std::string aside = folder_ / ("aside/" + frame_name(index));
    std::vector<std::uint8_t> bytes = *read_file(aside, 1 << 26);
    if (truncated) bytes.resize(bytes.size() / 2);
    for (std::size_t i = bytes.size() / 2; !truncated && i < bytes.size() / 2 + 8; ++i) bytes[i] ^= 0x5a;
    std::ofstream file(folder_ / ("frames/" + frame_name(index)), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

  bool published(int index) const { return std::filesystem::exists(run(index) + "/summary.json"); }

  // What is wrong with a run; empty if it is whole: every file that it lists is there, and its numbers have its hash.
  static std::string fault_of_run(const std::string& run) {
    const std::string summary = text(run + "/summary.json");

    const Result<NetcdfReader> file = NetcdfReader::open(run + "/forecast.nc");
    if (!file.ok()) return file.message();
    const std::vector<std::uint32_t> shape = file->shape("frame");
    if (shape.size() != 4) return run + ": no members";
    ForecastProduct product;
    product.members = static_cast<int>(shape[0]);
    product.leads = static_cast<int>(shape[1]);
    product.height = static_cast<int>(shape[2]);
    product.width = static_cast<int>(shape[3]);
    std::vector<float> values(std::size_t{1} * shape[0] * shape[1] * shape[2] * shape[3]);
    if (!file->read("frame", 0, values).ok()) return run + ": members cannot be read";
    product.values = values;
    if (summary.find(forecast_hash(product)) == std::string::npos) return run + ": summary.json has another hash";
    const std::size_t files = summary.find("\"files\"");
    if (files == std::string::npos) return run + ": summary.json lists no files";
    std::size_t count = 0;
    for (std::size_t at = summary.find('[', files), end = summary.find(']', files); at < end; ++count) {
      const std::size_t open = summary.find('"', at), close = summary.find('"', open + 1);
      if (close > end) break;
      const std::string name = summary.substr(open + 1, close - open - 1);
      std::error_code error;
      if (std::filesystem::file_size(run + "/" + name, error) == 0 || error) return run + ": lacks " + name;
      at = close + 1;
    }
    return count > 4 ? "" : run + ": lists few files";
  }

  // What is wrong with the output folder while no process works there; empty if all is as it must be.
  std::string fault() const {
    namespace fs = std::filesystem;
    const std::string out = folder_ / "out";
    if (!fs::exists(out + "/runs")) return "";
    std::string newest;
    for (const auto& entry : fs::directory_iterator(out + "/runs")) {
      const std::string name = entry.path().filename().string();
      if (name.find('.') != std::string::npos) continue;  // being written or removed when the process ended
      if (const std::string fault = fault_of_run(entry.path().string()); !fault.empty()) return fault;
      newest = std::max(newest, name);
    }
    if (fs::is_symlink(out + "/latest") && !fs::exists(out + "/latest/summary.json")) return "latest leads nowhere";
    if (fs::exists(out + "/station.posterior") && !load_posterior(out + "/station.posterior").ok())
      return load_posterior(out + "/station.posterior").message();
    if (fs::exists(out + "/status.json") && !text(out + "/status.json").ends_with("}\n")) return "status.json is cut";
    if (fs::exists(out + "/verification.csv")) {
      const auto history = parse_history(text(out + "/verification.csv"), "verification.csv");
      if (!history.ok()) return history.message();
      for (std::size_t i = 1; i < history->size(); ++i) {
        if ((*history)[i].from == (*history)[i - 1].from && (*history)[i].lead == (*history)[i - 1].lead)
          return "verification.csv has a forecast twice";
      }
    }
    return "";
  }

  // When each run was put in its place: what changes if it is made again.
  std::map<std::string, std::int64_t> run_times() const {
    std::map<std::string, std::int64_t> times;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder_ / "out/runs", error), end; !error && entry != end;
         entry.increment(error)) {
      struct stat about {};
      if (::stat((entry->path() / "summary.json").c_str(), &about) == 0 && !entry->path().has_extension())
        times[entry->path().string()] = std::int64_t{about.st_mtim.tv_sec} * 1000000000 + about.st_mtim.tv_nsec;
    }
    return times;
  }

  static std::string text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  TemporaryFolder folder_;
  SyntheticSettings frames_;
  bool good_ = false;
};

}  // namespace altocast
