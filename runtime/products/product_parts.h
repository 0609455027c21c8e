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
  std::vector<double> probability;                                 // a mean over pixels, one a threshold
};

// A kind of field: what its files, legend and colours are.
struct View {
  std::string prefix;  // of the files: "mean"
  std::string label;   // of the report's button: "Mean"
  std::string name;    // "ensemble mean"
  std::string units;   // "K", "image numbers", "%"
  ColourScale colours;
  int enlarged = 512;  // fields on pictures of their own are enlarged, up to 8 times, as long as they stay within
};

struct ProductParts {
  const ForecastProduct* forecast = nullptr;
  EnsembleMoments moments;
  std::string hash;
  std::vector<float> thresholds;
  std::vector<LeadStatistics> leads;
  View observed, bridged, mean, members;  // in the forecast's own units
  View spread;                            // 0 … a round number that nearly all pixels stay below
  std::vector<View> probabilities;        // one a threshold, in per cent
  std::vector<MapLine> map;               // empty without a georeference

  std::size_t pixels() const {
    return static_cast<std::size_t>(forecast->height) * static_cast<std::size_t>(forecast->width);
  }
  std::span<const float> mean_field(int lead) const { return std::span(moments.mean).subspan(plane(lead), pixels()); }
  std::span<const float> spread_field(int lead) const {
    return std::span(moments.spread).subspan(plane(lead), pixels());
  }
  std::span<const float> member_field(int member, int lead) const {
    return forecast->values.subspan(plane(member * forecast->leads + lead), pixels());
  }
  const View& past_view(const PastFrame& frame) const { return frame.bridged ? bridged : observed; }
  // The share of members with the event, in per cent.
  std::vector<float> probability_field(std::size_t threshold, int lead) const;

 private:
  std::size_t plane(int index) const { return static_cast<std::size_t>(index) * pixels(); }
};

// Fails if sizes, spans, values or ranges of `forecast` do not fit together.
Status validate(const ForecastProduct& forecast);
ProductParts make_parts(const ForecastProduct& forecast);  // of what is valid

// "Station, region": what is known of it; may be empty.
std::string place_name(const ForecastProduct& forecast);

// The dark ground that pictures and pages share.
inline constexpr Colour kBackground = {18, 20, 24};
inline constexpr Colour kText = {228, 231, 235};
inline constexpr Colour kQuiet = {150, 157, 166};

// The picture to look at first: the last frames, mean, spread and probability at up to eight leads, three members,
// legends.
Picture draw_overview(const ProductParts& parts);
inline constexpr int kOverviewStep = 3;  // of palette levels in it: three palettes of 80 colours

// A field under its station, time and name and over its legend. `limit` holds the field's sides.
struct FrameCaption {
  std::int64_t time = 0;
  std::string note;  // "+1 h"
};
Picture draw_frame(const ProductParts& parts, std::span<const float> field, const View& view,
                   const FrameCaption& caption, int limit = std::numeric_limits<int>::max());

// Coastlines, and with `net` the latitudes and longitudes, over a field that was drawn into this box.
void draw_map(Picture& picture, int x, int y, int width, int height, const ProductParts& parts, bool net);

// A field alone, its sides at most `limit`.
Picture draw_field(const ProductParts& parts, std::span<const float> field, const View& view, int limit);
// Up to 16 members side by side in a picture of a field's shape.
Picture draw_members(const ProductParts& parts, int lead, int limit);

// A bar of the colours with `ticks` numbers below, 40 pixels high.
void draw_legend(Picture& picture, int x, int y, int width, const View& view, int ticks);

// summary.json. `files` are the names of all other files.
std::string summary_json(const ProductParts& parts, const std::vector<std::string>& files);

// report.html with every picture embedded as a PNG.
struct ReportPictures {
  using Png = std::vector<std::uint8_t>;
  struct Layer {
    const View* view = nullptr;
    std::vector<Png> leads;
  };
  std::vector<Png> past;      // of forecast.past
  std::vector<Layer> layers;  // mean, spread, probabilities, members
};
std::string report_html(const ProductParts& parts, const ReportPictures& pictures);

}  // namespace altocast
