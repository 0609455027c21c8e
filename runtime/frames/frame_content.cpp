#include "runtime/frames/frame_content.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

namespace altocast {
namespace {

using Finding = std::optional<FrameFinding>;

// In levels: numbers of an 8-bit image.
constexpr int kBlack = 4;           // as good as black, and as good as the same
constexpr int kJpegNoise = 3;       // a constant row of a JPEG varies by so much
constexpr int kJpegLineNoise = 24;  // and a drawn line by so much, since its blocks hold clouds too
constexpr int kLineContrast = 16;   // of a drawn line against what lies beside it

// The shares of coloured pixels from which an image is a map over grey, and from which it is all colours.
constexpr double kLeastDrawn = 0.0005, kLeastColoured = 0.05;

std::size_t index(int number) { return static_cast<std::size_t>(number); }

std::string percent(double share) { return std::to_string(static_cast<int>(100 * share + 0.5)) + " %"; }

std::string rows_text(int first, int last) {
  return first == last ? "row " + std::to_string(first)
                       : "rows " + std::to_string(first) + " to " + std::to_string(last);
}

// The number of each row whose pixels are all the same; −1 of another. A JPEG's numbers need not be exactly the same.
std::vector<int> blank_rows(const FramePixels& frame) {
  const int tolerance = frame.lossy() ? kJpegNoise : 0;
  std::vector<int> blank(index(frame.height()), -1);
  for (int y = 0; y < frame.height(); ++y) {
    const std::uint16_t* row = frame.row(y);
    const auto [low, high] = std::minmax_element(row, row + frame.width());
    if (*high - *low <= tolerance) blank[index(y)] = *low;
  }
  return blank;
}

// The share of row y's pixels that differ from `value`.
double share_unlike(const FramePixels& frame, int y, int value, int level) {
  const int black = kBlack * level;
  const std::uint16_t* row = frame.row(y);
  const auto unlike =
      std::count_if(row, row + frame.width(), [&](int pixel) { return std::abs(pixel - value) > black; });
  return static_cast<double>(unlike) / frame.width();
}

// Missing rows end at a straight edge right across; what is naturally blank (space round the disk, a radar's dry parts,
// night) ends where the next row begins to show a little. An edge counts if half of the row behind it differs; in a
// JPEG, whose blocks smear it, one of eight rows.
bool has_edge(const FramePixels& frame, int first_outside, int step, int value, int level) {
  const int reach = frame.lossy() ? 8 : 1;
  for (int i = 0; i < reach; ++i) {
    const int y = first_outside + i * step;
    if (y < 0 || y >= frame.height()) return false;
    if (share_unlike(frame, y, value, level) >= 0.5) return true;
  }
  return false;
}

// What lies on both sides of a line that is at most five pixels wide, whatever its direction.
constexpr int kAway = 3;
constexpr std::array<std::array<int, 2>, 4> kBeside = {{{0, kAway}, {kAway, 0}, {2, 2}, {2, -2}}};

// Counts the pixels that are brighter, or darker, than what lies on both sides.
void count_ridges(const FramePixels& frame, std::vector<std::uint8_t>& ridges) {
  int largest = 0;
  for (int y = 0; y < frame.height(); ++y) {
    largest = std::max<int>(largest, *std::max_element(frame.row(y), frame.row(y) + frame.width()));
  }
  const int contrast = kLineContrast * std::max(1, largest / 255);
  for (int y = kAway; y < frame.height() - kAway; ++y) {
    for (int x = kAway; x < frame.width() - kAway; ++x) {
      const int here = frame.row(y)[x];
      ridges[index(y) * index(frame.width()) + index(x)] +=
          std::any_of(kBeside.begin(), kBeside.end(), [&](const std::array<int, 2>& d) {
            const int over_a = here - frame.row(y - d[0])[x - d[1]], over_b = here - frame.row(y + d[0])[x + d[1]];
            return std::min(over_a, over_b) >= contrast || std::max(over_a, over_b) <= -contrast;
          });
    }
  }
}

Finding find_bands(const FramePixels& frame, const std::vector<int>& blank, const std::vector<bool>& usual, int level) {
  const int tolerance = frame.lossy() ? kJpegNoise : 0;
  const int height = frame.height();
  constexpr int kFew = 4;  // a lost line or two must stand out on both sides
  for (int first = 0; first < height;) {
    const int value = blank[index(first)];
    int end = first + 1;
    if (value >= 0) {
      while (end < height && blank[index(end)] >= 0 && std::abs(blank[index(end)] - value) <= tolerance) ++end;
      const int edges = has_edge(frame, first - 1, -1, value, level) + has_edge(frame, end, 1, value, level);
      const bool few = end - first < kFew;
      const bool news =
          std::any_of(usual.begin() + first, usual.begin() + end, [](bool is_usual) { return !is_usual; });
      if (news && edges >= (few ? 2 : 1) && !(few && frame.lossy())) {
        return FrameFinding{FrameFault::banded, "banded: " + rows_text(first, end - 1) + " of " +
                                                    std::to_string(height) + " hold nothing but the number " +
                                                    std::to_string(value) + "; parts of the transmission are missing"};
      }
    }
    first = end;
  }
  return {};
}

Finding find_colours(const FramePixels& frame) {
  if (!frame.has_colours()) return {};
  std::size_t count = 0;
  for (int y = 0; y < frame.height(); ++y) {
    for (int x = 0; x < frame.width(); ++x) count += frame.coloured(y, x);
  }
  const double share = static_cast<double>(count) / (static_cast<double>(frame.height()) * frame.width());
  if (share >= kLeastColoured) {
    return FrameFinding{FrameFault::coloured, "coloured: " + percent(share) +
                                                  " of the pixels are not grey; a colour table or composite, not data"};
  }
  if (share >= kLeastDrawn) {
    return FrameFinding{FrameFault::overlaid,
                        "overlaid with coloured lines or text; have the receiver write images without a map"};
  }
  return {};
}

}  // namespace

void FrameReference::add(const FramePixels& frame) {
  if (count_ == 0) {
    height_ = frame.height();
    width_ = frame.width();
    low_.assign(index(height_) * index(width_), 0xffff);
    high_.assign(low_.size(), 0);
    ridges_.assign(low_.size(), 0);
    blank_.assign(index(height_), 0);
  }
  ++count_;
  if (frame.lossy()) tolerance_ = kJpegLineNoise;
  const std::vector<int> blank = blank_rows(frame);
  std::vector<std::uint32_t>& counts = counts_.emplace_back(0x10000);
  for (int y = 0; y < height_; ++y) {
    blank_[index(y)] += blank[index(y)] >= 0;
    const std::uint16_t* row = frame.row(y);
    std::uint16_t* low = low_.data() + index(y) * index(width_);
    std::uint16_t* high = high_.data() + index(y) * index(width_);
    for (int x = 0; x < width_; ++x) {
      low[x] = std::min(low[x], row[x]);
      high[x] = std::max(high[x], row[x]);
      ++counts[row[x]];
    }
  }
  count_ridges(frame, ridges_);
}

void FrameReference::finish() {
  const auto largest = std::max_element(high_.begin(), high_.end());
  if (largest != high_.end()) level_ = std::max(1, *largest / 255);
  find_brightness();
  find_overlay();
  low_ = {};
  high_ = {};
  ridges_ = {};
  counts_ = {};
}

void FrameReference::find_brightness() {
  constexpr std::size_t kLeastFrames = 3;  // to speak of what is usual
  if (counts_.size() < kLeastFrames) return;
  struct Brightness {
    int bright = 0;          // what a twentieth of the pixels reach
    std::uint64_t dark = 0;  // pixels that are as good as black
  };
  const std::uint64_t pixels = low_.size();
  std::vector<Brightness> frames;
  for (const std::vector<std::uint32_t>& counts : counts_) {
    Brightness frame;
    std::uint64_t below = 0;
    for (std::size_t number = 0; number < counts.size(); ++number) {
      if (20 * below <= 19 * pixels) frame.bright = static_cast<int>(number);
      below += counts[number];
      if (number == index(kBlack * level_)) frame.dark = below;
    }
    frames.push_back(frame);
  }
  std::stable_sort(frames.begin(), frames.end(),
                   [](const Brightness& a, const Brightness& b) { return a.bright > b.bright; });
  const double dark = static_cast<double>(frames[frames.size() / 4].dark) / static_cast<double>(pixels);
  constexpr double kSpace = 0.5, kFilled = 0.05;  // a full disk has a fifth of space round it
  sparse_ = dark > kSpace;
  const int eighth = frames.front().bright / 8;
  if (from_satellite_) {
    night_ = sparse_ ? kBlack * level_ + 1 : std::max(eighth, kBlack * level_ + 1);
  } else if (dark <= kFilled) {
    night_ = eighth;
  }
}

// A pixel of a drawn line keeps its number in every frame, stands out in most, and what lies beside it changes. Lines
// are long: a pixel counts if others lie close by.
void FrameReference::find_overlay() {
  constexpr int kLeastFrames = 6;
  if (count_ < kLeastFrames) return;
  const auto at = [&](int y, int x) { return index(y) * index(width_) + index(x); };
  const auto range = [&](int y, int x) { return high_[at(y, x)] - low_[at(y, x)]; };
  const int still = tolerance_ * level_, moving = (2 * tolerance_ + kLineContrast) * level_;
  std::vector<bool> drawn(low_.size());
  for (int y = kAway; y < height_ - kAway; ++y) {
    for (int x = kAway; x < width_ - kAway; ++x) {
      if (range(y, x) > still || 4 * ridges_[at(y, x)] < 3 * count_) continue;
      drawn[at(y, x)] = std::any_of(kBeside.begin(), kBeside.end(), [&](const std::array<int, 2>& d) {
        return range(y - d[0], x - d[1]) >= moving && range(y + d[0], x + d[1]) >= moving;
      });
    }
  }
  for (int y = kAway; y < height_ - kAway; ++y) {
    for (int x = kAway; x < width_ - kAway; ++x) {
      if (!drawn[at(y, x)]) continue;
      int close = -1;  // without itself
      for (int dy = -2; dy <= 2; ++dy) {
        for (int dx = -2; dx <= 2; ++dx) close += drawn[at(y + dy, x + dx)];
      }
      if (close >= 2) overlay_.push_back({y, x, static_cast<std::uint16_t>((high_[at(y, x)] + low_[at(y, x)]) / 2)});
    }
  }
  constexpr std::size_t kLeast = 20, kOneIn = 2000;
  if (overlay_.size() < std::max(kLeast, index(height_) * index(width_) / kOneIn)) overlay_.clear();
}

Finding check_content(const FramePixels& frame, const FrameReference& reference,
                      const std::vector<FrameFault>& accept) {
  const auto asked = [&](FrameFault fault) { return std::find(accept.begin(), accept.end(), fault) == accept.end(); };
  if (Finding found = find_colours(frame); found && asked(found->fault)) return found;

  const std::vector<int> blank = blank_rows(frame);
  const bool constant = std::all_of(blank.begin(), blank.end(), [&](int value) {
    return value >= 0 && std::abs(value - blank.front()) <= (frame.lossy() ? kJpegNoise : 0);
  });
  // Where most is black anyway nothing at all may be true: a radar on a dry day.
  if (constant && asked(FrameFault::constant) && !(reference.sparse_ && blank.front() <= kBlack * reference.level_)) {
    return FrameFinding{FrameFault::constant, "constant: every pixel has the number " + std::to_string(blank.front())};
  }
  if (!constant && asked(FrameFault::banded)) {
    std::vector<bool> usual(blank.size());
    for (std::size_t y = 0; y < reference.blank_.size() && y < usual.size(); ++y) {
      usual[y] = reference.count_ >= 3 && 2 * reference.blank_[y] > reference.count_;
    }
    if (Finding found = find_bands(frame, blank, usual, reference.level_)) return found;
  }
  if (asked(FrameFault::night) && reference.night_ > 0) {
    std::size_t light = 0;
    for (int y = 0; y < frame.height(); ++y) {
      light += index(static_cast<int>(std::count_if(frame.row(y), frame.row(y) + frame.width(),
                                                    [&](int pixel) { return pixel >= reference.night_; })));
    }
    if (20 * light < index(frame.height()) * index(frame.width())) {
      return FrameFinding{FrameFault::night, "night: hardly a pixel reaches the number " +
                                                 std::to_string(reference.night_) +
                                                 ", an eighth of what the brightest frames reach"};
    }
  }
  if (asked(FrameFault::overlaid) && !reference.overlay_.empty()) {
    std::size_t same = 0;
    for (const FrameReference::StillPixel& pixel : reference.overlay_) {
      same += std::abs(frame.row(pixel.y)[pixel.x] - pixel.value) <= reference.tolerance_ * reference.level_;
    }
    if (5 * same >= 4 * reference.overlay_.size()) {
      return FrameFinding{FrameFault::overlaid, "overlaid with lines that stand still in all frames (" +
                                                    std::to_string(same) +
                                                    " pixels); have the receiver write images without a map"};
    }
  }
  return {};
}

}  // namespace altocast
