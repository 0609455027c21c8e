#include "runtime/frames/frame_name.h"

#include <algorithm>
#include <array>
#include <vector>

#include "runtime/time.h"

namespace altocast {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

// The name without a known image extension; empty if it has none.
std::string_view image_stem(std::string_view name) {
  for (const std::string_view extension : {".png", ".jpg", ".jpeg"}) {
    if (name.size() <= extension.size()) continue;
    if (equals_ignoring_case(name.substr(name.size() - extension.size()), extension))
      return name.substr(0, name.size() - extension.size());
  }
  return {};
}

// Whether `text` has the pattern's shape: '9' stands for any digit, all else for itself.
bool has_shape(std::string_view text, std::string_view pattern) {
  return std::equal(text.begin(), text.end(), pattern.begin(), pattern.end(),
                    [](char c, char p) { return p == '9' ? is_digit(c) : c == p; });
}

constexpr std::string_view kStamp = "99999999T999999Z";

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// A frame of `feed` at the time that the stamp says.
FrameName frame(FrameFeed feed, std::string_view stamp) {
  FrameName name{FrameName::Kind::frame, 0, {}, std::move(feed)};
  const Result<std::int64_t> time = parse_time(stamp);
  if (time.ok()) {
    name.time = *time;
  } else {
    name.kind = FrameName::Kind::malformed;
    name.reason = time.message();
  }
  return name;
}

FrameName picture(FrameName name, const char* reason) {
  if (name.kind != FrameName::Kind::frame) return name;
  name.kind = FrameName::Kind::picture;
  name.reason = reason;
  return name;
}

constexpr const char* kColourTable = "shows a colour table, not data; the receiver writes the grey image beside it";

// GOES16_FD_CH13_20200830T035020Z, and with _enhanced before the time.
FrameName parse_goestools(std::string_view path) {
  const std::vector<std::string_view> parts = split(image_stem(path.substr(path.rfind('/') + 1)), '_');
  if (parts.size() != 4 && parts.size() != 5) return {};
  const auto is_satellite = [&](std::string_view name) {
    return parts[0].size() > name.size() && equals_ignoring_case(parts[0].substr(0, name.size()), name) &&
           std::all_of(parts[0].begin() + static_cast<std::ptrdiff_t>(name.size()), parts[0].end(), is_digit);
  };
  if (!is_satellite("GOES") && !is_satellite("Himawari")) return {};
  if (!has_shape(parts.back(), kStamp) || parts[1].empty() || parts[2].empty()) return {};
  FrameName name =
      frame({"goestools", std::string(parts[0]), std::string(parts[1]), std::string(parts[2])}, parts.back());
  if (parts.size() == 5) {
    if (!equals_ignoring_case(parts[3], "enhanced")) return {};
    return picture(std::move(name), kColourTable);
  }
  if (equals_ignoring_case(parts[2], "FC")) return picture(std::move(name), "is a false-colour composite, not data");
  return name;
}

// Whether SatDump's folder `name` ("GOES-18") is that of the satellite that it shortens to `brief` ("G18").
bool shortens(std::string_view name, std::string_view brief) {
  const auto digits = [](std::string_view text) {
    std::string found;
    std::copy_if(text.begin(), text.end(), std::back_inserter(found), is_digit);
    return found;
  };
  return !name.empty() && lower(name.front()) == lower(brief.front()) && digits(name) == digits(brief);
}

// [satellite/][region/]2025-08-10_07-50-06/G18_13_20250810T075006Z, with a number after it if the name was taken.
FrameName parse_satdump(std::string_view path) {
  std::vector<std::string_view> folders = split(path, '/');
  std::vector<std::string_view> parts = split(image_stem(folders.back()), '_');
  folders.pop_back();
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.size() <= 3 && std::all_of(text.begin(), text.end(), is_digit);
  };
  if (parts.size() > 3 && is_number(parts.back()) && has_shape(parts[parts.size() - 2], kStamp)) parts.pop_back();
  if (parts.size() < 3 || !has_shape(parts.back(), kStamp)) return {};
  const std::string_view brief = parts.front();
  if (brief.empty() || !is_upper(brief.front()) || brief.starts_with("GOES")) return {};  // goestools' own
  if (!std::all_of(brief.begin(), brief.end(), [](char c) { return is_upper(c) || is_digit(c) || c == '-'; }))
    return {};

  FrameFeed feed{"satdump", std::string(brief), {}, {}};
  for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
    feed.channel += (i > 1 ? "_" : "") + std::string(parts[i]);
  }
  if (feed.channel.empty()) return {};
  if (!folders.empty() && has_shape(folders.back(), "9999-99-99_99-99-99")) {
    folders.pop_back();
    if (!folders.empty() && !shortens(folders.back(), brief) && folders.back() != "IMAGES") {
      feed.region = folders.back();
      folders.pop_back();
    }
    if (!folders.empty() && shortens(folders.back(), brief)) feed.satellite = folders.back();
  }
  return frame(std::move(feed), parts.back());
}

// IMG_FD_047_IR105_20190722_075006; the number is that of the slot in the day.
FrameName parse_xrit_rx(std::string_view path) {
  const std::vector<std::string_view> parts = split(image_stem(path.substr(path.rfind('/') + 1)), '_');
  if (parts.size() != 6 && parts.size() != 7) return {};
  if (parts[0] != "IMG" || !has_shape(parts[2], "999") || !has_shape(parts[4], "99999999") ||
      !has_shape(parts[5], "999999") || parts[1].empty() || parts[3].empty()) {
    return {};
  }
  FrameName name = frame({"xrit-rx", "GK-2A", std::string(parts[1]), std::string(parts[3])},
                         std::string(parts[4]) + "T" + std::string(parts[5]) + "Z");
  if (parts.size() == 6) return name;
  return equals_ignoring_case(parts[6], "ENH") ? picture(std::move(name), kColourTable) : FrameName{};
}

FrameName parse_plain(std::string_view path) {
  if (path.find('/') != std::string_view::npos) return {};
  const std::string_view stem = image_stem(path);
  if (!has_shape(stem, "99999999T9999Z") && !has_shape(stem, kStamp)) return {};
  return frame({"plain", {}, {}, {}}, stem);
}

constexpr std::array kLayouts = {
    FrameLayout{"goestools", parse_goestools},
    FrameLayout{"satdump", parse_satdump},
    FrameLayout{"xrit-rx", parse_xrit_rx},
    FrameLayout{"plain", parse_plain},
};

// Letters and digits only, in lower case.
std::string bare(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z')) out.push_back(lower(c));
  }
  return out;
}

std::string bare_region(std::string_view region) {
  const std::string name = bare(region);
  if (name == "fulldisk") return "fd";
  constexpr std::string_view kMesoscale = "mesoscale";
  return name.starts_with(kMesoscale) ? "m" + name.substr(kMesoscale.size()) : name;
}

std::string bare_channel(std::string_view channel) {
  std::string name = bare(channel);
  if (name.size() > 2 && name.starts_with("ch") && is_digit(name[2])) name.erase(0, 2);
  const std::size_t first = std::min(name.find_first_not_of('0'), name.size());
  return name.substr(first);  // 02 = 2
}

}  // namespace

std::string feed_text(const FrameFeed& feed) {
  std::string text = feed.layout;
  for (const std::string* part : {&feed.satellite, &feed.region, &feed.channel}) {
    if (!part->empty()) text += " " + *part;
  }
  return text;
}

bool same_feed(const FrameFeed& wanted, const FrameFeed& feed) {
  return (wanted.layout.empty() || wanted.layout == feed.layout) &&
         (wanted.satellite.empty() || bare(wanted.satellite) == bare(feed.satellite)) &&
         (wanted.region.empty() || bare_region(wanted.region) == bare_region(feed.region)) &&
         (wanted.channel.empty() || bare_channel(wanted.channel) == bare_channel(feed.channel));
}

std::span<const FrameLayout> frame_layouts() { return kLayouts; }

FrameName parse_frame_name(std::string_view path, std::string_view layout) {
  for (const FrameLayout& candidate : kLayouts) {
    if (!layout.empty() && candidate.name != layout) continue;
    FrameName name = candidate.parse(path);
    if (name.kind != FrameName::Kind::unrelated) return name;
  }
  return {};
}

}  // namespace altocast
