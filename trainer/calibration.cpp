#include "trainer/calibration.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "runtime/random.h"
#include "runtime/random_field.h"
#include "runtime/station/combined_forecast.h"
#include "runtime/station/local_variability.h"
#include "runtime/station/noise_quantiles.h"
#include "runtime/symmetry.h"
#include "runtime/thread_pool.h"
#include "runtime/unet.h"
#include "trainer/episodes.h"

namespace altocast {
namespace {

constexpr std::uint64_t kCalibrationPurpose = 0x63616c69;  // "cali": of the seed's streams
constexpr int kSamplesASide = 32;                          // pixels of a tile that the quantiles are learned from
constexpr std::size_t kFewestSamples = 64;                 // of a bin of its own
constexpr std::size_t kDistances = std::size(kCorrelationDistances);
constexpr double kMostWeightShare = 0.9;

std::size_t index(int number) { return static_cast<std::size_t>(number); }

double normal_probability(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

// Of sorted values, linear between them.
float quantile(const std::vector<float>& sorted, double probability) {
  const double at = probability * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + static_cast<float>(at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

// One coordinate of the table: bins with as many samples each, and the medians of these as nodes.
struct Bins {
  std::vector<float> edges;  // between the bins
  std::vector<float> nodes;  // one a bin, increasing

  Bins(std::vector<float> values, int count) {
    std::sort(values.begin(), values.end());
    for (int bin = 0; bin < count; ++bin) {
      if (bin > 0) edges.push_back(quantile(values, static_cast<double>(bin) / count));
      float node = quantile(values, (bin + 0.5) / count);
      // Apart even where most samples are alike.
      if (bin > 0) node = std::max(node, nodes.back() + 1e-3f * std::max(1.0f, std::fabs(nodes.back())));
      nodes.push_back(node);
    }
  }
  std::size_t of(float value) const {
    return static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), value) - edges.begin());
  }
};

// Errors of one lead.
struct LeadSamples {
  std::vector<float> residuals, positions;
};

class Calibrator {
 public:
  Calibrator(const Prior& prior, const Archive& archive, const CalibrationSettings& settings, int tile,
             Kernels<float>& kernels)
      : prior_(prior),
        settings_(settings),
        seed_(derive_seed(settings.seed, kCalibrationPurpose)),
        leads_(index(prior.network.leads)),
        tile_(tile),
        pixels_(index(tile) * index(tile)),
        sampler_(archive, archive.training(), prior.network, {tile, 1, 1}),
        network_(prior.network, kernels, tile, tile, Purpose::forecast),
        phi_(prior.mu),
        mean_(network_),
        symmetry_(prior.network),
        combination_(default_combination(prior.network.leads)),
        combined_(tile, tile, prior.network.leads),
        variability_(tile, tile),
        forecast_(leads_ * pixels_) {}

  bool empty() const { return sampler_.empty(); }

  Result<NoiseModel> learn() {
    ALTOCAST_RETURN_IF_ERROR(collect());
    for (std::size_t lead = 0; lead < leads_; ++lead) learn_quantiles(lead);
    measure_correlations();
    for (std::size_t lead = 0; lead < leads_; ++lead) learn_correlation(lead);
    take_off_weight_variance();
    ALTOCAST_RETURN_IF_ERROR(validate(noise_, prior_.network.leads));
    return noise_;
  }

 private:
  // The forecast of task `number` by the mean weights, combined with advection.
  const Sample<float>& forecast(std::uint64_t number) {
    sampler_.draw(seed_, 0, number, episode_);
    const Sample<float>& query = episode_.task.query.front();
    mean_.forward(phi_, query, forecast_);
    combined_.prepare(query.frames, prior_.network.input_frames, network_.threads());
    combined_.combine(combination_, {}, forecast_, network_.threads());
    variability_.compute(query.frames, prior_.network.input_frames, network_.threads());
    return query;
  }

  Status collect() {
    samples_.resize(leads_);
    const int step = std::max(1, tile_ / kSamplesASide);
    for (int task = 0; task < settings_.tasks; ++task) {
      const Sample<float>& query = forecast(index(task));
      if (!std::all_of(forecast_.begin(), forecast_.end(), [](float value) { return std::isfinite(value); }))
        return Status::error("the prior's forecasts are not finite; it cannot be calibrated");
      for (int y = step / 2; y < tile_; y += step) {
        for (int x = step / 2; x < tile_; x += step) {
          const std::size_t pixel = index(y) * index(tile_) + index(x);
          logs_.insert(logs_.end(), variability_.logs(pixel), variability_.logs(pixel) + kNoiseTerms - 1);
          for (std::size_t lead = 0; lead < leads_; ++lead) {
            const std::size_t i = lead * pixels_ + pixel;
            samples_[lead].residuals.push_back(query.target[i] - forecast_[i]);
            samples_[lead].positions.push_back(variability_.position(pixel, forecast_[i]));
          }
        }
      }
    }
    return {};
  }

  void learn_quantiles(std::size_t lead) {
    const LeadSamples& samples = samples_[lead];
    const std::size_t count = samples.residuals.size();
    const std::vector<float> theta = fit_amplitude(logs_, samples.residuals);
    noise_.amplitude.insert(noise_.amplitude.end(), theta.begin(), theta.end());
    std::vector<float> log_sigma(count), errors(count);
    for (std::size_t i = 0; i < count; ++i) {
      const float* x = logs_.data() + i * (kNoiseTerms - 1);
      log_sigma[i] = std::inner_product(x, x + kNoiseTerms - 1, theta.begin() + 1, theta[0]);
      errors[i] = samples.residuals[i] / std::exp(log_sigma[i]);
    }
    const Bins amplitudes(log_sigma, kAmplitudeNodes), positions(samples.positions, kPositionNodes);
    noise_.amplitude_nodes.insert(noise_.amplitude_nodes.end(), amplitudes.nodes.begin(), amplitudes.nodes.end());
    noise_.position_nodes.insert(noise_.position_nodes.end(), positions.nodes.begin(), positions.nodes.end());

    std::vector<std::vector<float>> cells(kAmplitudeNodes * kPositionNodes), rows(kAmplitudeNodes);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t row = amplitudes.of(log_sigma[i]);
      cells[row * kPositionNodes + positions.of(samples.positions[i])].push_back(errors[i]);
      rows[row].push_back(errors[i]);
    }
    std::sort(errors.begin(), errors.end());
    for (std::vector<float>& row : rows) std::sort(row.begin(), row.end());
    for (std::size_t cell = 0; cell < cells.size(); ++cell) {
      std::sort(cells[cell].begin(), cells[cell].end());
      const std::vector<float>& row = rows[cell / kPositionNodes];
      const std::vector<float>& enough = cells[cell].size() >= kFewestSamples ? cells[cell]
                                         : row.size() >= kFewestSamples       ? row
                                                                              : errors;
      for (int knot = 0; knot < kNoiseQuantiles; ++knot) {
        const float z = kFirstNoiseKnot + kNoiseKnotStep * static_cast<float>(knot);
        noise_.quantiles.push_back(quantile(enough, normal_probability(static_cast<double>(z))));
      }
    }
  }

  // Of a quarter of the tasks, whole tiles, and of two weight samples' difference on them.
  void measure_correlations() {
    between_leads_.assign(leads_, 0.0);
    in_space_.assign(leads_, std::vector<double>(kDistances));
    weight_variance_.assign(leads_, 0.0);
    error_variance_.assign(leads_, 0.0);
    std::vector<double> squares(leads_);
    std::vector<std::vector<float>> scores(leads_, std::vector<float>(pixels_));
    const int tasks = std::max(1, settings_.tasks / 4);
    for (int task = 0; task < tasks; ++task) {
      const Sample<float>& query = forecast(index(task));
      network_.threads().parallel_for(prior_.network.leads,
                                      [&](int lead) { score(query, index(lead), scores[index(lead)]); });
      for (std::size_t lead = 0; lead < leads_; ++lead) {
        squares[lead] += mean_product(scores[lead], scores[lead]);
        if (lead > 0) between_leads_[lead] += mean_product(scores[lead - 1], scores[lead]);
        for (std::size_t d = 0; d < kDistances; ++d)
          in_space_[lead][d] += mean_lagged_product(scores[lead], kCorrelationDistances[d]);
      }
      add_weight_variance(query, task);
    }
    for (std::size_t lead = leads_; lead-- > 0;) {
      for (double& sum : in_space_[lead]) sum /= squares[lead];
      if (lead > 0) between_leads_[lead] /= std::sqrt(squares[lead] * squares[lead - 1]);
    }
  }

  void score(const Sample<float>& query, std::size_t lead, std::vector<float>& scores) const {
    const NoiseQuantiles quantiles(noise_, static_cast<int>(lead));
    const float* theta = noise_.amplitude.data() + lead * kNoiseTerms;
    for (std::size_t pixel = 0; pixel < pixels_; ++pixel) {
      const std::size_t i = lead * pixels_ + pixel;
      const float log_sigma = variability_.log_amplitude(pixel, theta);
      scores[pixel] = quantiles.score(quantiles.amplitude_place(log_sigma),
                                      quantiles.position_place(variability_.position(pixel, forecast_[i])),
                                      (query.target[i] - forecast_[i]) / std::exp(log_sigma));
    }
  }

  static double mean_product(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum / static_cast<double>(a.size());
  }

  // Over pairs of pixels that are `distance` apart in a row or in a column.
  double mean_lagged_product(const std::vector<float>& field, int distance) const {
    if (distance >= tile_) return 0;
    const std::size_t side = index(tile_), lag = index(distance);
    double sum = 0;
    for (std::size_t y = 0; y < side; ++y) {
      for (std::size_t x = 0; x + lag < side; ++x) {
        sum += static_cast<double>(field[y * side + x]) * static_cast<double>(field[y * side + x + lag]);
        sum += static_cast<double>(field[x * side + y]) * static_cast<double>(field[(x + lag) * side + y]);
      }
    }
    return sum / static_cast<double>(2 * side * (side - lag));
  }

  // Half the mean square of the difference between two members of an ensemble; leaves the second in forecast_.
  void add_weight_variance(const Sample<float>& query, int task) {
    std::vector<float> residuals(forecast_.size()), phi(prior_.mu.size());
    for (std::size_t i = 0; i < residuals.size(); ++i) residuals[i] = query.target[i] - forecast_[i];
    std::vector<float> first;
    for (std::uint64_t sample = 0; sample < 2; ++sample) {
      fill_normal(derive_seed(seed_, 1, index(task)), sample, 0, std::span(phi));
      sample_weights(std::span(prior_.mu), std::span(prior_.rho), std::span<const float>(phi), std::span(phi),
                     network_.threads());
      symmetry_.turn(static_cast<int>(sample), phi);
      network_.set_weights(phi.data());
      if (sample == 1) first = forecast_;
      network_.forward(query, forecast_.data());
      combined_.combine(combination_, {}, forecast_, network_.threads());
    }
    for (std::size_t i = 0; i < first.size(); ++i) {
      const double difference = static_cast<double>(forecast_[i]) - static_cast<double>(first[i]);
      weight_variance_[i / pixels_] += 0.5 * difference * difference;
      error_variance_[i / pixels_] += static_cast<double>(residuals[i]) * static_cast<double>(residuals[i]);
    }
  }

  void learn_correlation(std::size_t lead) {
    const double persistence = lead == 0 ? 0.0 : std::clamp(between_leads_[lead], 0.0, 0.99);
    const double weight = persistence * persistence;
    if (lead == 0) modelled_.assign(kDistances, 0.0);
    const float length = fit_length(in_space_[lead], modelled_, weight);
    for (std::size_t d = 0; d < kDistances; ++d) {
      modelled_[d] = weight * modelled_[d] +
                     (1.0 - weight) * field_correlation(static_cast<double>(length), kCorrelationDistances[d]);
    }
    noise_.length.push_back(length);
    noise_.persistence.push_back(static_cast<float>(persistence));
  }

  void take_off_weight_variance() {
    const std::size_t row = noise_.quantiles.size() / leads_;
    for (std::size_t lead = 0; lead < leads_; ++lead) {
      const double error = error_variance_[lead];
      const double share = error > 0 ? std::min(weight_variance_[lead] / error, kMostWeightShare) : 0.0;
      const auto factor = static_cast<float>(std::sqrt(1.0 - share));
      for (std::size_t i = lead * row; i < (lead + 1) * row; ++i) noise_.quantiles[i] *= factor;
    }
  }

  const Prior& prior_;
  CalibrationSettings settings_;
  std::uint64_t seed_;
  std::size_t leads_;
  int tile_;
  std::size_t pixels_;
  EpisodeSampler sampler_;
  UNet<float> network_;
  std::vector<float> phi_;  // the mean weights
  MeanForecast mean_;
  KernelSymmetry symmetry_;
  Combination combination_;
  CombinedForecast combined_;
  LocalVariability variability_;  // of the task at hand, as is the next
  std::vector<float> forecast_;   // [leads, tile, tile]
  Episode episode_;

  std::vector<float> logs_;                                               // [samples, kNoiseTerms − 1]
  std::vector<LeadSamples> samples_;                                      // [leads]
  std::vector<double> between_leads_, weight_variance_, error_variance_;  // [leads]
  std::vector<std::vector<double>> in_space_;                             // [leads][kDistances]
  std::vector<double> modelled_;                                          // [kDistances], of the lead before
  NoiseModel noise_;
};

// The largest square that every set of the stretches holds, at most kCalibrationTile, a multiple of what the network
// halves.
int common_tile(const Archive& archive, const NetworkSpec& network) {
  int tile = kCalibrationTile;
  for (const FrameStretch& stretch : archive.training())
    tile = std::min({tile, archive.height(stretch.set), archive.width(stretch.set)});
  const int multiple = 1 << network.depth;
  return std::max(tile / multiple * multiple, 1);
}

}  // namespace

Result<NoiseModel> calibrate_noise(const Prior& prior, const Archive& archive, const CalibrationSettings& settings,
                                   Kernels<float>& kernels) {
  const FlushSubnormals flush;
  Calibrator calibrator(prior, archive, settings, common_tile(archive, prior.network), kernels);
  if (calibrator.empty()) return Status::error("no run of frames is long enough to calibrate on");
  return calibrator.learn();
}

std::vector<float> fit_amplitude(const std::vector<float>& logs, const std::vector<float>& residuals) {
  using Vector = Eigen::Matrix<double, kNoiseTerms, 1>;
  using Matrix = Eigen::Matrix<double, kNoiseTerms, kNoiseTerms>;
  const auto count = static_cast<double>(residuals.size());
  constexpr double kRidge = 1e-6;  // keeps coefficients of what does not vary at zero
  const auto row = [&](std::size_t i) {
    Vector x;
    x[0] = 1;
    for (int term = 1; term < kNoiseTerms; ++term)
      x[term] = static_cast<double>(logs[i * (kNoiseTerms - 1) + index(term - 1)]);
    return x;
  };
  // The loss with its first two derivatives. An error is never taken to be quite zero.
  const auto evaluate = [&](const Vector& theta, Vector& gradient, Matrix& hessian) {
    double loss = 0.5 * kRidge * theta.tail(kNoiseTerms - 1).squaredNorm();
    gradient.setZero();
    hessian.setZero();
    for (std::size_t i = 0; i < residuals.size(); ++i) {
      const Vector x = row(i);
      const double log_sigma = theta.dot(x);
      const double ratio = (std::fabs(static_cast<double>(residuals[i])) + 1e-5) * std::exp(-log_sigma);
      loss += (ratio + log_sigma) / count;
      gradient += (1.0 - ratio) / count * x;
      hessian.noalias() += ratio / count * x * x.transpose();
    }
    for (int term = 1; term < kNoiseTerms; ++term) {
      gradient[term] += kRidge * theta[term];
      hessian(term, term) += kRidge;
    }
    return loss;
  };
  double mean = 1e-5;
  for (const float residual : residuals) mean += std::fabs(static_cast<double>(residual)) / count;
  Vector theta = Vector::Zero(), gradient;
  theta[0] = std::log(mean);
  Matrix hessian;
  double loss = evaluate(theta, gradient, hessian);
  for (int iteration = 0; iteration < 50 && gradient.norm() > 1e-7; ++iteration) {
    const Vector step = hessian.ldlt().solve(gradient);
    double size = 1.0;
    while (size > 1e-6) {
      Vector next_gradient;
      Matrix next_hessian;
      const Vector next = theta - size * step;
      const double next_loss = evaluate(next, next_gradient, next_hessian);
      if (next_loss <= loss) {
        theta = next;
        loss = next_loss;
        gradient = next_gradient;
        hessian = next_hessian;
        break;
      }
      size *= 0.5;
    }
    if (size <= 1e-6) break;
  }
  std::vector<float> coefficients;
  for (int term = 0; term < kNoiseTerms; ++term) coefficients.push_back(static_cast<float>(theta[term]));
  return coefficients;
}

float fit_length(const std::vector<double>& wanted, const std::vector<double>& before, double weight) {
  double best = 0, least = std::numeric_limits<double>::infinity();
  for (int step = 0; step <= 400; ++step) {
    const double length = step == 0 ? 0.0 : 0.1 * std::pow(1000.0, step / 400.0);  // up to 100 pixels
    double distance = 0;
    for (std::size_t d = 0; d < kDistances; ++d) {
      const double difference =
          weight * before[d] + (1.0 - weight) * field_correlation(length, kCorrelationDistances[d]) - wanted[d];
      distance += difference * difference;
    }
    if (distance < least) {
      least = distance;
      best = length;
    }
  }
  return static_cast<float>(best);
}

}  // namespace altocast
