// What the files of one forecast are made from, worked out once by write_products(). Private to the runtime.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "formats/status.h"
#include "runtime/products/picture.h"
#include "runtime/products/products.h"

namespace altocast {

// Over all pixels of one lead.
struct LeadStatistics {
  std::int64_t time = 0;
  double mean = 0.0;  // of the ensemble mean
  double low = 0.0;   // its smallest and largest pixel
  double high = 0.0;
  double mean_spread = 0.0;
  double max_spread = 0.0;
  double weight_share = std::numeric_limits<double>::quiet_NaN();  // of the variance; the rest is observation noise
};

struct ProductParts {
  const ForecastProduct* forecast = nullptr;
  EnsembleMoments moments;
  std::string hash;
  std::vector<LeadStatistics> leads;
  ColourScale value_colours;
  ColourScale spread_colours;  // 0 … a round number that nearly all pixels stay below

  std::size_t pixels() const {
    return static_cast<std::size_t>(forecast->height) * static_cast<std::size_t>(forecast->width);
  }
  std::span<const float> mean(int lead) const { return std::span(moments.mean).subspan(plane(lead), pixels()); }
  std::span<const float> spread(int lead) const { return std::span(moments.spread).subspan(plane(lead), pixels()); }
  std::span<const float> member(int member, int lead) const {
    return forecast->values.subspan(plane(member * forecast->leads + lead), pixels());
  }

 private:
  std::size_t plane(int index) const { return static_cast<std::size_t>(index) * pixels(); }
};

// Fails if sizes, spans, values or ranges of `forecast` do not fit together.
Status validate(const ForecastProduct& forecast);
ProductParts make_parts(const ForecastProduct& forecast);  // of a valid forecast

// The picture to look at first: the last frames, mean and spread at up to eight leads, three members,
// legends.
Picture draw_overview(const ProductParts& parts);

// A field in its own size, one pixel each.
Picture draw_field(const ProductParts& parts, std::span<const float> field, const ColourScale& colours);

// summary.json. `files` are the names of all other files.
std::string summary_json(const ProductParts& parts, const std::vector<std::string>& files);

// report.html with every picture embedded as a PNG.
struct ReportPictures {
  using Png = std::vector<std::uint8_t>;
  struct Layer {
    std::string name;
    std::vector<Png> leads;
  };
  Png overview;
  std::vector<Png> past;      // of forecast.past
  std::vector<Layer> layers;  // "mean", "spread", "member 1" …
};
std::string report_html(const ProductParts& parts, const ReportPictures& pictures);

}  // namespace altocast
