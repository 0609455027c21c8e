#include "runtime/frames/synthetic.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "formats/durable_file.h"
#include "formats/file_system.h"
#include "formats/image.h"
#include "runtime/time.h"

namespace altocast {
namespace {

struct Vector {
  double x = 0.0;
  double y = 0.0;
};

// The finaliser of SplitMix64: every input bit moves every output bit.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

std::uint64_t hash(std::uint64_t seed, std::int64_t x, std::int64_t y, std::int64_t z) {
  std::uint64_t h = mix(seed ^ static_cast<std::uint64_t>(x));
  h = mix(h ^ static_cast<std::uint64_t>(y));
  return mix(h ^ static_cast<std::uint64_t>(z));
}

// Uniform in [0, 1).
double uniform(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

double fade(double t) { return t * t * t * (t * (t * 6.0 - 15.0) + 10.0); }
double blend(double a, double b, double t) { return a + (b - a) * t; }
double ramp(double low, double high, double value) { return fade(std::clamp((value - low) / (high - low), 0.0, 1.0)); }

// Dot product of (x, y, z) with one of the twelve edge directions of a cube.
double edge_gradient(std::uint64_t bits, double x, double y, double z) {
  const unsigned edge = static_cast<unsigned>(bits >> 40) % 12u;
  const double a = edge < 8 ? x : y;
  const double b = edge < 4 ? y : z;
  return ((edge & 1u) != 0 ? -a : a) + ((edge & 2u) != 0 ? -b : b);
}

// Smooth gradient noise over three dimensions, about −1 … 1.
double noise(std::uint64_t seed, double x, double y, double z) {
  const double floor_x = std::floor(x), floor_y = std::floor(y), floor_z = std::floor(z);
  const auto ix = static_cast<std::int64_t>(floor_x);
  const auto iy = static_cast<std::int64_t>(floor_y);
  const auto iz = static_cast<std::int64_t>(floor_z);
  x -= floor_x;
  y -= floor_y;
  z -= floor_z;
  const double wx = fade(x), wy = fade(y), wz = fade(z);
  double slice[2];
  for (int k = 0; k < 2; ++k) {
    double line[2];
    for (int j = 0; j < 2; ++j) {
      const double left = edge_gradient(hash(seed, ix, iy + j, iz + k), x, y - j, z - k);
      const double right = edge_gradient(hash(seed, ix + 1, iy + j, iz + k), x - 1.0, y - j, z - k);
      line[j] = blend(left, right, wx);
    }
    slice[k] = blend(line[0], line[1], wy);
  }
  return blend(slice[0], slice[1], wz);
}

// Sum of octaves, each twice as fine and a little more than half as strong; finer ones live shorter.
double fractal(std::uint64_t seed, double x, double y, double z, int octaves) {
  double sum = 0.0, weight = 1.0;
  for (int octave = 0; octave < octaves; ++octave) {
    sum += weight * noise(mix(seed + static_cast<std::uint64_t>(octave)), x, y, z);
    x = x * 2.0 + 17.3;
    y = y * 2.0 - 9.1;
    z *= 1.5;
    weight *= 0.55;
  }
  return sum;
}

// One deck of clouds. Its pattern is carried by a steady, smooth flow; to keep shear from stretching it
// without end, two patterns with staggered lives of kLife hours each fade in and out, which also lets clouds
// form and vanish.
class Deck {
 public:
  Deck(std::uint64_t seed, double speed, double wavelength) : seed_(seed), wavelength_(wavelength) {
    Vector direction;
    double length = 0.0;
    for (int attempt = 0; length < 0.1 || length > 1.0; ++attempt) {  // a direction without sine and cosine
      direction = {2.0 * uniform(hash(seed, attempt, 0, 1)) - 1.0, 2.0 * uniform(hash(seed, attempt, 1, 1)) - 1.0};
      length = std::sqrt(direction.x * direction.x + direction.y * direction.y);
    }
    wind_ = {speed * direction.x / length, speed * direction.y / length};
    speed_ = speed;
  }

  // About −1 … 1 at pixel (x, y), `hours` after the start.
  double value(double x, double y, double hours) const {
    constexpr double kLife = 14.0;
    const double u = wind_.x + 0.7 * speed_ * noise(seed_ + 11, x / 260.0, y / 170.0, 0.5);
    const double v = wind_.y + 0.7 * speed_ * noise(seed_ + 12, x / 170.0, y / 260.0, 0.5);
    double sum = 0.0, squares = 0.0;
    for (int stagger = 0; stagger < 2; ++stagger) {
      const double lives = hours / kLife + 0.5 * stagger;
      const double life = std::floor(lives);
      const double age = lives - life;  // 0 … 1
      const double weight = 1.0 - std::fabs(2.0 * age - 1.0);
      if (weight == 0.0) continue;
      const double elapsed = (age - 0.5) * kLife;
      const double px = (x - u * elapsed - wind_.x * (hours - elapsed)) / wavelength_;
      const double py = (y - v * elapsed - wind_.y * (hours - elapsed)) / wavelength_;
      const std::uint64_t pattern =
          mix(seed_ + 100 + static_cast<std::uint64_t>(static_cast<std::int64_t>(life) * 2 + stagger));
      const double warp_x = noise(pattern + 7, px * 0.8, py * 0.8, hours / 20.0);
      const double warp_y = noise(pattern + 8, px * 0.8, py * 0.8, hours / 20.0);
      sum += weight * fractal(pattern, px + 0.45 * warp_x, py + 0.45 * warp_y, hours / 16.0, 5);
      squares += weight * weight;
    }
    return sum / std::sqrt(squares);
  }

 private:
  std::uint64_t seed_;
  double wavelength_;  // pixels
  double speed_;       // pixels an hour
  Vector wind_;
};

}  // namespace

Status validate(const SyntheticSettings& s) {
  if (s.frames < 1 || s.frames > 100000) return Status::error("the number of frames must lie in 1 … 100000");
  if (s.height < 8 || s.height > 8192 || s.width < 8 || s.width > 8192) {
    return Status::error("height and width must lie in 8 … 8192");
  }
  if (s.cadence_seconds < 60 || s.cadence_seconds > 86400 || s.cadence_seconds % 60 != 0) {
    return Status::error("the cadence must be whole minutes, 1 min … 1 d");
  }
  const std::int64_t last = static_cast<std::int64_t>(s.frames) * s.cadence_seconds;
  if (s.start_time < kEarliestTime || s.start_time > kLatestTime - last) {
    return Status::error("the frames' times must lie in the years 1 … 9999");
  }
  return {};
}

std::vector<std::uint8_t> synthetic_frame(const SyntheticSettings& settings, int index) {
  const std::uint64_t seed = mix(settings.seed);
  const double hours = static_cast<double>(index) * (settings.cadence_seconds / 3600.0);
  const Deck low(seed + 1000, 1.8, 46.0);
  const Deck high(seed + 2000, 3.2, 84.0);
  // A daily cycle without cosine: a parabola over the sunlit half, flat at night.
  const std::int64_t second_of_day =
      ((settings.start_time % 86400 + 86400) + static_cast<std::int64_t>(index) * settings.cadence_seconds) % 86400;
  const double noon = 1.0 - std::fabs(static_cast<double>(second_of_day) - 50400.0) / 25200.0;
  const double sun = noon > 0.0 ? noon * (2.0 - noon) : 0.0;

  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(settings.height) *
                                   static_cast<std::size_t>(settings.width));
  std::size_t at = 0;
  for (int row = 0; row < settings.height; ++row) {
    for (int column = 0; column < settings.width; ++column) {
      const double x = column, y = row;
      const double land = ramp(-0.06, 0.06, fractal(seed + 1, x / 150.0, y / 150.0, 0.5, 4));
      const double surface = 54.0 + 8.0 * noise(seed + 2, x / 90.0, y / 90.0, 0.5) - land * (14.0 * sun - 5.0);
      const double low_cover = ramp(-0.05, 0.55, low.value(x, y, hours));
      // Where the large scale lifts, high clouds form; the lifting pattern drifts and changes over half a
      // day.
      const double lift = noise(seed + 3, (x - 2.0 * hours) / 150.0, (y - 0.8 * hours) / 150.0, hours / 16.0);
      const double tower = high.value(x, y, hours) + 0.9 * lift;
      const double high_cover = ramp(0.05, 0.40, tower);
      double value = blend(surface, 84.0 + 26.0 * low_cover, low_cover);
      value = blend(value, 128.0 + 92.0 * std::clamp(tower - 0.1, 0.0, 1.0), high_cover);
      value += 1.6 * (uniform(hash(seed + 4, column, row, index)) - 0.5);  // the sensor's noise
      pixels[at++] = static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0));
    }
  }
  return pixels;
}

Status write_synthetic_frames(const SyntheticSettings& settings, const std::string& folder) {
  ALTOCAST_RETURN_IF_ERROR(validate(settings));
  std::error_code error = make_folder(folder);
  if (error) return Status::error(folder + ": cannot be made: " + error.message());
  bool empty = true;
  error = list_folder(folder, [&](const std::string&, bool) { empty = false; });
  if (!empty || error) return Status::error(folder + ": is not empty; choose a new folder");

  const std::string description =
      "# Made by altocast synth, seed " + std::to_string(settings.seed) + ".\n" +
      "cadence = " + std::to_string(settings.cadence_seconds / 60) +
      "\nchannel = \"synthetic infrared\"\nunits = \"K\"\nscale = -0.6666666666666666\noffset = 330.0\n"
      "range = [180.0, 310.0]\n";
  const std::span description_bytes(reinterpret_cast<const std::uint8_t*>(description.data()), description.size());
  ALTOCAST_RETURN_IF_ERROR(replace_file(join_path(folder, "cache.toml"), description_bytes));
  for (int index = 0; index < settings.frames; ++index) {
    const std::vector<std::uint8_t> pixels = synthetic_frame(settings, index);
    const Result<std::vector<std::uint8_t>> png = encode_png(settings.width, settings.height, 1, pixels);
    if (!png.ok()) return png.status();
    const std::int64_t time = settings.start_time + static_cast<std::int64_t>(index) * settings.cadence_seconds;
    ALTOCAST_RETURN_IF_ERROR(replace_file(join_path(folder, format_compact_time(time) + ".png"), *png));
  }
  return {};
}

}  // namespace altocast
