// report.html: the forecast for people, in one file that a browser shows without network: a loop over past frames and
// leads, how good forecasts have been lately, how the frames came in, what was adapted.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "runtime/json_text.h"
#include "runtime/products/chart.h"
#include "runtime/products/html.h"
#include "runtime/products/product_parts.h"
#include "runtime/products/report_page.h"
#include "runtime/text_writer.h"
#include "runtime/time.h"

namespace altocast {
namespace {

void append_pictures(std::string& text, const std::vector<ReportPictures::Png>& pictures) {
  text += '[';
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    text += i == 0 ? "\"" : ",\n\"";
    append_data_uri(text, pictures[i]);
    text += '"';
  }
  text += ']';
}

// A script inside HTML must not hold "</".
std::string script_string(std::string_view text) {
  std::string quoted = json_string(text);
  for (std::size_t at = 0; (at = quoted.find('<', at)) != std::string::npos;) quoted.replace(at, 1, "\\u003c");
  return quoted;
}

// "2018-06-06 12:00 UTC".
std::string people_time(std::int64_t time) {
  std::string text = format_time(time);
  text[10] = ' ';
  text.pop_back();
  return text + " UTC";
}
std::string time_tag(std::int64_t time) {
  return "<time datetime=\"" + format_time(time) + "\">" + people_time(time) + "</time>";
}

std::string counted(int count, const char* one, const char* many) {
  return std::to_string(count) + (count == 1 ? one : many);
}

std::string card(std::string_view title, std::string_view content, bool whole = false) {
  TextWriter out;
  out << "<section class=\"card" << (whole ? " whole" : "") << "\"><h2>" << title << "</h2>\n"
      << content << "</section>\n";
  return out.text;
}

void table_row(TextWriter& out, std::string_view name, std::string_view value) {
  out << "<tr><td>" << html(name) << "</td><td>" << html(value) << "</td></tr>\n";
}
constexpr std::string_view kFactsTable = "<div class=\"wide\"><table class=\"facts\">\n";
constexpr std::string_view kTableEnd = "</table></div>\n";

void add_legend(TextWriter& out, const View& view, bool hidden) {
  constexpr int kStops = 24;
  out << "<div class=\"legend\"" << (hidden ? " hidden" : "") << "><p>" << html(view.name) << ", " << html(view.units)
      << "</p><i style=\"background:linear-gradient(90deg";
  for (int i = 0; i < kStops; ++i) {
    const float share = static_cast<float>(i) / static_cast<float>(kStops - 1);
    const Colour c = palette_colour(view.colours.palette, view.colours.inverted ? 1.0f - share : share);
    out << ",rgb(" << int{c.red} << " " << int{c.green} << " " << int{c.blue} << ")";
  }
  out << ")\"></i><div>";
  for (int i = 0; i <= 4; ++i) {
    out << "<span>"
        << plain_number(static_cast<double>(view.colours.low +
                                            (view.colours.high - view.colours.low) * 0.25f * static_cast<float>(i)),
                        4)
        << "</span>";
  }
  out << "</div></div>\n";
}

// The map over the loop: lines in pixels of the field, names at the places of their lines that are seen first.
void add_map(TextWriter& out, const ProductParts& parts) {
  const int width = parts.forecast->width, height = parts.forecast->height;
  TextWriter paths[2], names;
  for (const MapLine& line : parts.map) {
    TextWriter& path = paths[line.kind == MapLine::Kind::coast ? 0 : 1];
    for (std::size_t i = 0; i < line.points.size(); ++i) {
      path << (i == 0 ? "M" : "L") << static_cast<double>(line.points[i].x) << " "
           << static_cast<double>(line.points[i].y);
    }
    if (line.name.empty()) continue;
    const auto seen = std::find_if(line.points.begin(), line.points.end(), [&](const MapLine::Point& p) {
      return p.x >= 0 && p.y >= 0 && p.x < static_cast<float>(width) && p.y < static_cast<float>(height);
    });
    if (seen == line.points.end()) continue;
    const auto share = [](float at, int extent) {
      return std::clamp(100.0 * static_cast<double>(at) / extent, 3.0, 97.0);
    };
    names << "<span class=\"name map\" style=\"left:" << share(seen->x, width) << "%;top:" << share(seen->y, height)
          << "%\">" << line.name << "</span>";
  }
  out << "<svg class=\"map\" viewBox=\"0 0 " << width << " " << height
      << "\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><path class=\"net\" d=\"" << paths[1].text
      << "\"/><path class=\"coast\" d=\"" << paths[0].text << "\"/></svg>" << names.text;
}

void add_viewer(TextWriter& out, const ProductParts& parts, const ReportPictures& pictures) {
  const ForecastProduct& forecast = *parts.forecast;
  out << "<section class=\"card\" id=\"viewer\"><div id=\"views\"></div>\n<div id=\"stage\"><div id=\"frame\" "
         "style=\"--ratio:"
      << static_cast<double>(forecast.width) / forecast.height << "\"><img alt=\"" << parts.mean.name << "\" src=\"";
  append_data_uri(out.text, pictures.layers.front().leads.front());
  out << "\">\n";
  if (!parts.map.empty()) add_map(out, parts);
  out << "</div></div>\n<div id=\"caption\"><span id=\"when\">" << people_time(parts.leads.front().time)
      << "</span><span id=\"note\">+" << format_duration(forecast.cadence_seconds) << " · " << parts.mean.name
      << "</span></div>\n";
  for (const ReportPictures::Layer& layer : pictures.layers)
    add_legend(out, *layer.view, &layer != &pictures.layers.front());
  out << "<div id=\"controls\"><button id=\"back\" aria-label=\"one step back\">◀</button><button id=\"play\" "
         "aria-pressed=\"false\">Play</button><button id=\"next\" aria-label=\"one step on\">▶</button><input "
         "id=\"time\" type=\"range\" min=\"0\" aria-label=\"time\">";
  if (!parts.map.empty()) out << "<button id=\"map\" aria-pressed=\"true\">Map</button>";
  out << "</div>\n<p class=\"keys\">Space plays, ← and → step, Home and End jump, number keys choose the view. "
      << html(forecast.station) << (forecast.station.empty() || forecast.channel.empty() ? "" : ", ")
      << html(forecast.channel) << "</p></section>\n";
}

// In words: the first line against each of the others, over the leads that both have.
std::string verdict(const Chart& chart) {
  TextWriter out;
  for (std::size_t l = 1; l < chart.lines.size(); ++l) {
    double ours = 0.0, theirs = 0.0;
    for (std::size_t i = 0; i < chart.x_names.size(); ++i) {
      const double our = chart.lines[0].points[i].y, their = chart.lines[l].points[i].y;
      if (!std::isfinite(our) || !std::isfinite(their)) continue;
      ours += our;
      theirs += their;
    }
    if (!(theirs > 0.0)) continue;
    const double percent = 100.0 * (1.0 - ours / theirs);
    out << (out.text.empty() ? "<p>" : ", ") << std::floor(std::abs(percent) + 0.5) << " % "
        << (percent >= 0.0 ? "better" : "worse") << " than " << html(chart.lines[l].name);
  }
  return out.text.empty() ? out.text : out.text + "</p>\n";
}

std::string score_card(const ProductParts& parts, const RecentScores& scores) {
  Chart chart;
  chart.title = scores.score + " of recent forecasts by lead time";
  chart.units = parts.mean.units;
  chart.from_zero = true;
  std::size_t points = 0;
  for (const RecentScores::Line& line : scores.lines) points = std::max(points, line.by_lead.size());
  for (std::size_t i = 0; i < points; ++i)
    chart.x_names.push_back("+" + format_duration(static_cast<std::int64_t>(i + 1) * parts.forecast->cadence_seconds));
  for (const RecentScores::Line& line : scores.lines) {
    Series& series = chart.lines.emplace_back(Series{line.name, {}});
    for (std::size_t i = 0; i < points; ++i)
      series.points.push_back({static_cast<double>(i),
                               i < line.by_lead.size() ? line.by_lead[i] : std::numeric_limits<double>::quiet_NaN()});
  }
  TextWriter out;
  out << verdict(chart) << svg_chart(chart, false) << "<p class=\"quiet\">" << html(scores.score) << " of "
      << counted(scores.forecasts, " forecast", " forecasts") << ", made " << time_tag(scores.first_time);
  if (scores.last_time > scores.first_time) out << " to " << time_tag(scores.last_time);
  out << "</p>\n";
  return card("How good forecasts were lately", out.text);
}

std::string feed_card(const FeedHealth& feed) {
  constexpr std::size_t kShown = 12;
  TextWriter out;
  const auto figure = [&](const char* name, int value) {
    out << "<div><dt>" << name << "</dt><dd>" << value << "</dd></div>";
  };
  const int left_out = std::max(feed.left_out_count, static_cast<int>(feed.left_out.size()));
  out << "<dl>";
  figure("frames used", feed.used);
  figure("missing", feed.missing);
  figure("bridged", feed.bridged);
  figure("left out", left_out);
  out << "</dl>\n<p class=\"quiet\">since " << time_tag(feed.since) << "</p>\n";
  const std::size_t shown = std::min(kShown, feed.left_out.size());
  if (shown > 0) out << kFactsTable;
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& [name, reason] = feed.left_out[feed.left_out.size() - 1 - i];
    table_row(out, name, reason);
  }
  if (shown > 0) out << kTableEnd;
  const int more = left_out - static_cast<int>(shown);
  if (more > 0) out << "<p class=\"quiet\">and " << counted(more, " more file", " more files") << "</p>\n";
  return card("Frames from the receiver", out.text);
}

std::string adaptation_card(const AdaptationFacts& facts) {
  TextWriter out;
  out << "<p>" << (facts.used ? "In use. " : "Not used, the prior's own weights forecast: ") << html(facts.decision)
      << "</p>\n"
      << kFactsTable;
  if (facts.pairs > 0) {
    TextWriter pairs;
    pairs << counted(facts.pairs, " pair of frames, ", " pairs of frames, ") << people_time(facts.first_time) << " to "
          << people_time(facts.last_time);
    if (facts.earlier_pairs == facts.pairs)
      pairs << ", before the last gap";
    else if (facts.earlier_pairs > 0)
      pairs << ", " << facts.earlier_pairs << " of them before the last gap";
    table_row(out, "learned from", pairs.text);
    if (facts.used && facts.hour_pairs > 0) {
      table_row(out, "corrected for the hour",
                "by " + counted(facts.hour_pairs, " pair", " pairs") + " from this hour of the days before");
    }
    table_row(out, "steps", std::to_string(facts.steps));
  }
  if (std::isfinite(facts.nll_before) && std::isfinite(facts.nll_after)) {
    TextWriter loss;
    loss << facts.nll_before << " before, " << facts.nll_after << " after";
    table_row(out, "loss of these pairs", loss.text);
  }
  out << kTableEnd;
  return card("Adaptation to this station", out.text);
}

std::string lead_table(const ProductParts& parts) {
  TextWriter out;
  out << "<div class=\"wide\"><table><tr><th>valid at</th><th>ahead</th><th>mean</th><th>lowest</th><th>highest</th>"
         "<th>spread</th><th>largest</th>";
  for (const View& view : parts.probabilities) out << "<th>" << html(view.label) << "</th>";
  out << "</tr>\n";
  for (const LeadStatistics& lead : parts.leads) {
    out << "<tr><td>" << time_tag(lead.time) << "</td><td>" << format_duration(lead.time - parts.forecast->start_time)
        << "</td>";
    for (const double value : {lead.mean, lead.low, lead.high, lead.mean_spread, lead.max_spread})
      out << "<td>" << plain_number(value, 4) << "</td>";
    for (const double share : lead.probability) out << "<td>" << plain_number(100.0 * share, 3) << " %</td>";
    out << "</tr>\n";
  }
  out << kTableEnd;
  return card("By lead time, in " + html(parts.mean.units), out.text, true);
}

std::string facts_table(const ProductParts& parts) {
  const ForecastProduct& forecast = *parts.forecast;
  TextWriter out, size;
  out << kFactsTable;
  table_row(out, "forecast hash", parts.hash);
  table_row(out, "prior SHA-256", forecast.prior_sha256);
  table_row(out, "seed", std::to_string(forecast.seed));
  size << forecast.width << " × " << forecast.height << " pixels";
  table_row(out, "size", size.text);
  for (const auto& [name, value] : forecast.settings) table_row(out, name, value);
  out << kTableEnd;
  return card("How it was made", out.text, true);
}

void add_chips(TextWriter& out, const ForecastProduct& forecast) {
  out << "<ul class=\"chips\"><li>" << counted(forecast.members, " member", " members") << "</li><li>"
      << counted(forecast.leads, " lead of ", " leads of ") << format_duration(forecast.cadence_seconds) << "</li>"
      << (forecast.adapted ? "<li class=\"good\">adapted to the station</li>" : "<li>not adapted</li>");
  if (const auto& feed = forecast.feed; feed && feed->missing > 0)
    out << "<li class=\"warn\">" << counted(feed->missing, " frame missing", " frames missing") << "</li>";
  out << "</ul>\n";
}

}  // namespace

std::string report_html(const ProductParts& parts, const ReportPictures& pictures) {
  const ForecastProduct& forecast = *parts.forecast;
  const std::string place = place_name(forecast);
  const std::string title = html(place.empty() ? "Cloud forecast" : place);
  TextWriter out;
  out << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" "
         "content=\"width=device-width,initial-scale=1\">\n<title>"
      << title << ", forecast from " << people_time(forecast.start_time)
      << "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>" << kReportStyle
      << "</style></head><body>\n<header><div><h1>" << title << "</h1>";
  if (!forecast.channel.empty()) out << "<p class=\"quiet\">" << html(forecast.channel) << "</p>";
  out << "</div><p>Forecast from " << time_tag(forecast.start_time) << "</p></header>\n";
  add_chips(out, forecast);
  add_viewer(out, parts, pictures);
  out << "<div class=\"grid\">\n";
  if (forecast.scores) out << score_card(parts, *forecast.scores);
  if (forecast.feed) out << feed_card(*forecast.feed);
  if (forecast.adaptation) out << adaptation_card(*forecast.adaptation);
  out << lead_table(parts) << facts_table(parts) << "</div>\n<script>\nconst times=[";
  for (const PastFrame& frame : forecast.past)
    out << "[\"" << people_time(frame.time) << "\",\"" << parts.past_view(frame).name << "\"],";
  for (const LeadStatistics& lead : parts.leads)
    out << "[\"" << people_time(lead.time) << "\",\"+" << format_duration(lead.time - forecast.start_time) << "\"],";
  out << "];\nconst past=";
  append_pictures(out.text, pictures.past);
  out << ";\nconst views=[";
  for (const ReportPictures::Layer& layer : pictures.layers) {
    out << "{name:" << script_string(layer.view->name) << ",label:" << script_string(layer.view->label)
        << (layer.view == &parts.members ? ",sheet:true" : "") << ",frames:";
    append_pictures(out.text, layer.leads);
    out << "},\n";
  }
  out << "];" << kReportScript << "</script>\n</body></html>\n";
  return std::move(out.text);
}

}  // namespace altocast
