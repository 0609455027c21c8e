// The two texts of a forecast: summary.json for programs and report.html for people. The report is one file
// that a browser shows without network, and whose pictures and table stay readable without JavaScript.
#include <algorithm>
#include <cstdint>

#include "runtime/json_text.h"
#include "runtime/products/html.h"
#include "runtime/products/product_parts.h"
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

std::string list_of_strings(const std::vector<std::string>& strings) {
  std::string text = "[";
  for (std::size_t i = 0; i < strings.size(); ++i) text += (i == 0 ? "" : ", ") + json_string(strings[i]);
  return text + "]";
}

// A script inside HTML must not hold "</".
std::string script_string(std::string_view text) {
  std::string quoted = json_string(text);
  for (std::size_t at = 0; (at = quoted.find('<', at)) != std::string::npos;) quoted.replace(at, 1, "\\u003c");
  return quoted;
}

constexpr std::string_view kStyle = R"(
:root{color-scheme:dark;--line:#2c323a;--quiet:#98a1ab;--accent:#0aae7b}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1100px;padding:2rem 1.2rem 4rem;background:#121418;color:#e4e7eb;font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2.4rem 0 .7rem}
p{margin:.2rem 0;color:var(--quiet)}
img{max-width:100%;display:block}
figure{margin:1rem 0;border:1px solid var(--line);border-radius:8px;overflow:hidden}
#loop{background:#000;text-align:center}
#loop img{width:min(100%,640px);margin:0 auto;image-rendering:pixelated}
.bar{display:flex;gap:.6rem;align-items:center;padding:.7rem;flex-wrap:wrap;background:#1a1d23}
.bar input{flex:1;min-width:160px;accent-color:var(--accent)}
button{background:#252a32;color:inherit;border:1px solid var(--line);border-radius:6px;padding:.3rem .8rem;font:inherit;cursor:pointer}
button.on{background:var(--accent);border-color:var(--accent);color:#08150f}
#label{min-width:15rem;text-align:left;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .6rem;text-align:right;border-bottom:1px solid var(--line)}
th{color:var(--quiet);font-weight:500}th:first-child,td:first-child{text-align:left}
.facts td{text-align:left;word-break:break-all}.facts td:first-child{color:var(--quiet);white-space:nowrap;word-break:normal}
)";

constexpr std::string_view kScript = R"(
const image=document.getElementById('shown'),slider=document.getElementById('time'),label=document.getElementById('label'),
play=document.getElementById('play'),choice=document.getElementById('layers');
let layer=0,timer=0;
slider.max=labels.length-1;slider.value=past.length;
function show(){const i=+slider.value;image.src=i<past.length?past[i]:layers[layer].leads[i-past.length];
label.textContent=labels[i]+(i<past.length?'':', '+layers[layer].name)}
function stop(){clearInterval(timer);timer=0;play.textContent='Play'}
play.onclick=()=>{if(timer)return stop();play.textContent='Stop';
timer=setInterval(()=>{slider.value=(+slider.value+1)%labels.length;show()},350)};
slider.oninput=()=>{stop();show()};
layers.forEach((l,i)=>{const b=document.createElement('button');b.textContent=l.name;b.onclick=()=>{layer=i;
[...choice.children].forEach((c,j)=>c.className=i==j?'on':'');if(+slider.value<past.length&&!timer)slider.value=past.length;show()};
if(!i)b.className='on';choice.append(b)});
show();
)";

std::string lead_table(const ProductParts& parts) {
  std::string text =
      "<div class=\"wide\"><table><tr><th>valid at</th><th>lead time</th><th>mean</th><th>lowest</th>"
      "<th>highest</th><th>mean spread</th><th>largest spread</th></tr>\n";
  for (const LeadStatistics& lead : parts.leads) {
    text += "<tr><td>" + format_time(lead.time) + "</td><td>" +
            format_duration(lead.time - parts.forecast->start_time) + "</td>";
    for (const double value : {lead.mean, lead.low, lead.high, lead.mean_spread, lead.max_spread}) {
      text += "<td>" + plain_number(value, 4) + "</td>";
    }
    text += "</tr>\n";
  }
  return text + "</table></div>\n";
}

std::string facts_table(const ProductParts& parts) {
  const ForecastProduct& forecast = *parts.forecast;
  std::string text = "<div class=\"wide\"><table class=\"facts\">\n";
  const auto row = [&](const std::string& name, const std::string& value) {
    text += "<tr><td>" + html(name) + "</td><td>" + html(value) + "</td></tr>\n";
  };
  row("forecast hash", parts.hash);
  row("prior SHA-256", forecast.prior_sha256);
  row("seed", std::to_string(forecast.seed));
  row("size", std::to_string(forecast.width) + " × " + std::to_string(forecast.height) + " pixels");
  for (const auto& [name, value] : forecast.settings) row(name, value);
  return text + "</table></div>\n";
}

}  // namespace

std::string summary_json(const ProductParts& parts, const std::vector<std::string>& files) {
  const ForecastProduct& forecast = *parts.forecast;
  std::string text = "{\n";
  const auto field = [&](const char* name, const std::string& value) {
    text += "  " + json_string(name) + ": " + value + ",\n";
  };
  field("hash", json_string(parts.hash));
  field("start_time", json_string(format_time(forecast.start_time)));
  field("cadence_seconds", std::to_string(forecast.cadence_seconds));
  field("members", std::to_string(forecast.members));
  field("leads", std::to_string(forecast.leads));
  field("height", std::to_string(forecast.height));
  field("width", std::to_string(forecast.width));
  field("channel", json_string(forecast.channel));
  field("region", json_string(forecast.region));
  field("units", json_string(forecast.units));
  field("prior_sha256", json_string(forecast.prior_sha256));
  field("seed", std::to_string(forecast.seed));
  field("adapted", forecast.adapted ? "true" : "false");
  text += "  \"settings\": {";
  for (std::size_t i = 0; i < forecast.settings.size(); ++i) {
    const auto& [name, value] = forecast.settings[i];
    text += (i == 0 ? "" : ", ") + json_string(name) + ": " + json_string(value);
  }
  text += "},\n";
  std::vector<std::string> past;
  for (const PastFrame& frame : forecast.past) past.push_back(format_time(frame.time));
  field("past", list_of_strings(past));
  text += "  \"by_lead\": [\n";
  for (std::size_t i = 0; i < parts.leads.size(); ++i) {
    const LeadStatistics& lead = parts.leads[i];
    text += "    {\"time\": " + json_string(format_time(lead.time)) +
            ", \"lead_seconds\": " + std::to_string(lead.time - forecast.start_time) +
            ", \"mean\": " + json_number(lead.mean) + ", \"low\": " + json_number(lead.low) +
            ", \"high\": " + json_number(lead.high) + ", \"mean_spread\": " + json_number(lead.mean_spread) +
            ", \"max_spread\": " + json_number(lead.max_spread) +
            ", \"variance_of_weights\": " + json_number(lead.weight_share) +
            ", \"variance_of_noise\": " + json_number(1.0 - lead.weight_share) +
            (i + 1 < parts.leads.size() ? "},\n" : "}\n");
  }
  return text + "  ],\n  \"files\": " + list_of_strings(files) + "\n}\n";
}

std::string report_html(const ProductParts& parts, const ReportPictures& pictures) {
  const ForecastProduct& forecast = *parts.forecast;
  const std::string start = format_time(forecast.start_time);
  std::string facts = forecast.channel;
  if (!forecast.region.empty()) facts += (facts.empty() ? "" : ", ") + forecast.region;
  std::string text =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\">\n<title>Forecast from " +
      start + "</title>\n<style>" + std::string(kStyle) + "</style></head><body>\n<h1>Forecast from " + start +
      "</h1>\n";
  if (!facts.empty()) text += "<p>" + html(facts) + "</p>\n";
  text += "<p>" + std::to_string(forecast.members) + (forecast.members == 1 ? " member, " : " members, ") +
          (forecast.adapted ? "adapted to the station's own frames" : "not adapted") + ", " +
          std::to_string(forecast.leads) + " lead times of " + format_duration(forecast.cadence_seconds) +
          ", values in " + html(forecast.units.empty() ? "image numbers" : forecast.units) + "</p>\n";

  text += "<figure id=\"loop\"><img id=\"shown\" alt=\"the forecast at the chosen time\" src=\"";
  append_data_uri(text, pictures.layers.front().leads.front());
  text +=
      "\">\n<div class=\"bar\"><button id=\"play\">Play</button><input id=\"time\" type=\"range\" min=\"0\" "
      "aria-label=\"time\"><span id=\"label\">" +
      format_time(parts.leads.front().time) +
      "</span><span id=\"layers\" class=\"bar\"></span></div></figure>\n<h2>At a glance</h2>\n"
      "<figure><img alt=\"past frames, ensemble mean, spread and members by lead time\" src=\"";
  append_data_uri(text, pictures.overview);
  text +=
      "\"></figure>\n<h2>By lead time</h2>\n" + lead_table(parts) + "<h2>How it was made</h2>\n" + facts_table(parts);

  std::vector<std::string> labels;
  for (const PastFrame& frame : forecast.past) labels.push_back(format_time(frame.time) + " observed");
  for (const LeadStatistics& lead : parts.leads) {
    labels.push_back(format_time(lead.time) + " +" + format_duration(lead.time - forecast.start_time));
  }
  text += "<script>\nconst labels=" + list_of_strings(labels) + ";\nconst past=";
  append_pictures(text, pictures.past);
  text += ";\nconst layers=[";
  for (const ReportPictures::Layer& layer : pictures.layers) {
    text += "{name:" + script_string(layer.name) + ",leads:";
    append_pictures(text, layer.leads);
    text += "},\n";
  }
  return text + "];" + std::string(kScript) + "</script>\n</body></html>\n";
}

}  // namespace altocast
