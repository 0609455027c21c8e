#include "apps/altocast/bench_report.h"

#include <cmath>
#include <cstdarg>
#include <cstdio>

#include "runtime/json_object.h"
#include "runtime/kernels/make_kernels.h"
#include "runtime/station/host.h"
#include "runtime/thread_pool.h"

namespace altocast {
namespace {

__attribute__((format(printf, 1, 2))) std::string line(const char* format, ...) {
  char text[512];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return text;
}

double mib(double bytes) { return bytes / 1048576.0; }
double ms(double seconds) { return 1e3 * seconds; }

std::string host_line(const BenchHost& host) {
  std::string text = host.cpu + ", " + std::to_string(host.cores) + " cores, kernels " + host.available_isas +
                     ", governor " + host.governor;
  if (std::isfinite(host.celsius)) text += line(", %.0f °C", host.celsius);
  return text + "; altocast " + version() + ", " + host.build;
}

std::string job_line(const BenchJob& job) {
  const BenchSettings& settings = job.settings;
  return job.network + line(" (%zu weights) %dx%d, %d members, %d support pairs, %s, %d threads; peak %.0f GFLOP/s",
                            job.prior->mu.size(), settings.height, settings.width, settings.members,
                            job.prior->support_pairs, job.isa.c_str(), job.threads, job.peak_gflops);
}

// A number where there is one.
std::string cell(const char* format, double value, bool exists) { return exists ? line(format, value) : ""; }

struct Cells {
  std::string runs, median, p95, fastest, spread, gflops, share, activations, rss;
};

Cells cells(const BenchFigure& figure, double peak_gflops) {
  const bool computes = figure.flops > 0;
  return {std::to_string(figure.runs),
          line("%.3f", ms(figure.median)),
          line("%.3f", ms(figure.p95)),
          line("%.3f", ms(figure.fastest)),
          line("%.0f%%", 100 * figure.spread / figure.median),
          cell("%.1f", figure.gflops(), computes),
          cell("%.0f%%", 100 * figure.gflops() / peak_gflops, computes),
          cell("%.1f", mib(static_cast<double>(figure.activation_bytes)), figure.activation_bytes > 0),
          cell("%.1f", mib(static_cast<double>(figure.peak_rss_bytes)), figure.peak_rss_bytes > 0)};
}

template <class Row>
std::string rows(const BenchJob& job, const BenchReport& report, const Row& row) {
  std::string text;
  for (const auto* figures : {&report.figures, &report.layers}) {
    for (const BenchFigure& figure : *figures)
      text += row(figure, cells(figure, job.peak_gflops), figures == &report.layers);
  }
  return text;
}

std::string text_header(const BenchHost& host) { return "host  " + host_line(host) + "\n"; }

std::string text_job(const BenchHost&, const BenchJob& job, const BenchReport& report) {
  constexpr const char* kRow = "%-22s %5s %10s %10s %10s %7s %9s %8s %11s %8s\n";
  std::string text = "\njob   " + job_line(job) + "\n\n";
  text += line(kRow, "", "runs", "median ms", "p95 ms", "fastest", "spread", "GFLOP/s", "of peak", "buffers MiB",
               "RSS MiB");
  text += rows(job, report, [&](const BenchFigure& figure, const Cells& c, bool layer) {
    return line(kRow, ((layer ? "  " : "") + figure.name).c_str(), c.runs.c_str(), c.median.c_str(), c.p95.c_str(),
                c.fastest.c_str(), c.spread.c_str(), c.gflops.c_str(), c.share.c_str(), c.activations.c_str(),
                c.rss.c_str());
  });
  return report.hash.empty() ? text : text + "\nhash  " + report.hash + "\n";
}

std::string markdown_header(const BenchHost& host) { return host_line(host) + "\n"; }

std::string markdown_job(const BenchHost&, const BenchJob& job, const BenchReport& report) {
  std::string text = "\n" + job_line(job) + (report.hash.empty() ? "" : "; hash " + report.hash.substr(0, 12)) + "\n\n";
  text += "| | runs | median ms | p95 ms | fastest | spread | GFLOP/s | of peak | buffers MiB | RSS MiB |\n";
  text += "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
  return text + rows(job, report, [](const BenchFigure& figure, const Cells& c, bool) {
           return "| " + figure.name + " | " + c.runs + " | " + c.median + " | " + c.p95 + " | " + c.fastest + " | " +
                  c.spread + " | " + c.gflops + " | " + c.share + " | " + c.activations + " | " + c.rss + " |\n";
         });
}

// In quotes, since a processor's name may hold commas.
std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string csv_header(const BenchHost&) {
  return "cpu,build,network,height,width,members,isa,threads,peak_gflops,figure,runs,median_s,p95_s,fastest_s,spread_s,"
         "gflops,share_of_peak,activation_bytes,peak_rss_bytes,hash\n";
}

std::string csv_job(const BenchHost& host, const BenchJob& job, const BenchReport& report) {
  return rows(job, report, [&](const BenchFigure& figure, const Cells&, bool) {
    const bool computes = figure.flops > 0;
    return quoted(host.cpu) + "," + quoted(host.build) + "," + job.network +
           line(",%d,%d,%d,%s,%d,%.4g,%s,%d,%.6g,%.6g,%.6g,%.6g,", job.settings.height, job.settings.width,
                job.settings.members, job.isa.c_str(), job.threads, job.peak_gflops, figure.name.c_str(), figure.runs,
                figure.median, figure.p95, figure.fastest, figure.spread) +
           cell("%.6g", figure.gflops(), computes) + "," + cell("%.4g", figure.gflops() / job.peak_gflops, computes) +
           line(",%zu,%llu,", figure.activation_bytes, static_cast<unsigned long long>(figure.peak_rss_bytes)) +
           report.hash + "\n";
  });
}

std::string json_header(const BenchHost&) { return {}; }

std::string json_job(const BenchHost& host, const BenchJob& job, const BenchReport& report) {
  const auto figure_json = [&](const BenchFigure& figure) {
    JsonObject json;
    json.text("name", figure.name)
        .integer("runs", figure.runs)
        .number("median_s", figure.median)
        .number("p95_s", figure.p95)
        .number("fastest_s", figure.fastest)
        .number("spread_s", figure.spread);
    if (figure.flops > 0) {
      json.number("flops", figure.flops)
          .number("gflops_per_s", figure.gflops())
          .number("share_of_peak", figure.gflops() / job.peak_gflops);
    }
    if (figure.activation_bytes > 0) json.integer("activation_bytes", figure.activation_bytes);
    if (figure.peak_rss_bytes > 0) json.integer("peak_rss_bytes", figure.peak_rss_bytes);
    return json.str();
  };
  JsonObject json;
  json.text("cpu", host.cpu)
      .integer("cores", host.cores)
      .text("isa", job.isa)
      .text("available_isas", host.available_isas)
      .text("governor", host.governor)
      .number("celsius", host.celsius)
      .text("version", version())
      .text("build", host.build)
      .integer("threads", job.threads)
      .number("peak_gflops_per_s", job.peak_gflops)
      .text("network", job.network)
      .integer("height", job.settings.height)
      .integer("width", job.settings.width)
      .integer("weights", job.prior->mu.size())
      .integer("members", job.settings.members)
      .integer("support_pairs", job.prior->support_pairs)
      .raw("figures", json_array(report.figures, figure_json))
      .raw("layers", json_array(report.layers, figure_json))
      .integer("peak_rss_bytes", peak_rss_bytes());
  if (!report.hash.empty()) json.text("hash", report.hash);
  return json.str() + "\n";
}

}  // namespace

BenchHost bench_host() {
  return {cpu_name(), available_isas(), build_description(), cpu_governor(), available_cores(), cpu_temperature()};
}

const BenchFormat kBenchText{text_header, text_job};
const BenchFormat kBenchMarkdown{markdown_header, markdown_job};
const BenchFormat kBenchCsv{csv_header, csv_job};
const BenchFormat kBenchJson{json_header, json_job};

}  // namespace altocast
