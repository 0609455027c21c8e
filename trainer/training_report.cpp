#include "trainer/training_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/products/chart.h"
#include "runtime/products/html.h"
#include "runtime/products/page.h"
#include "trainer/fit_settings.h"
#include "trainer/mean.h"

namespace altocast {
namespace {

using nlohmann::json;

// As printf would write it.
std::string format(const char* pattern, auto... values) {
  char text[512];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

Result<std::vector<json>> parse_log(std::string_view log) {
  std::vector<json> lines;
  for (int number = 1; !log.empty(); ++number) {
    const std::size_t end = log.find('\n');
    if (end == std::string_view::npos) break;  // still being written
    json line = json::parse(log.substr(0, end), nullptr, false);
    log.remove_prefix(end + 1);
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number()) {
      return Status::error("log.jsonl: line " + std::to_string(number) +
                           " is not a JSON object with a step; remove the line, or what follows it too");
    }
    const double step = line["step"];
    while (!lines.empty() && lines.back()["step"] >= step) lines.pop_back();
    lines.push_back(std::move(line));
  }
  if (lines.empty()) return Status::error("log.jsonl: no line yet; the first comes after training.report_every steps");
  return lines;
}

// The number at a path such as "validation/nll_before" or "log_noise/3".
std::optional<double> number_at(const json& line, const std::string& path) {
  const json::json_pointer pointer("/" + path);
  if (!line.contains(pointer)) return {};
  const json& value = line[pointer];
  return value.is_number() ? std::optional<double>(value.get<double>()) : std::nullopt;
}

std::vector<double> numbers_at(const json& line, const std::string& path) {
  const json::json_pointer pointer("/" + path);
  std::vector<double> numbers;
  if (line.contains(pointer) && line[pointer].is_array()) {
    for (const json& value : line[pointer]) numbers.push_back(value.is_number() ? value.get<double>() : NAN);
  }
  return numbers;
}

template <class Value>
Series series_of(const std::vector<json>& lines, std::string name, const Value& value) {
  Series series{std::move(name), {}};
  for (const json& line : lines) {
    const std::optional<double> y = value(line);
    if (y && std::isfinite(*y)) series.points.push_back({line["step"], *y});
  }
  return series;
}

Series series_at(const std::vector<json>& lines, std::string name, const std::string& path) {
  return series_of(lines, std::move(name), [&](const json& line) { return number_at(line, path); });
}

// Mean over leads of an error by that of persistence.
std::optional<double> share_of_persistence(const json& line, const std::string& key) {
  const std::vector<double> error = numbers_at(line, "validation/" + key);
  const std::vector<double> persistence = numbers_at(line, "validation/mae_persistence");
  if (error.empty() || persistence.empty()) return {};
  return mean(error) / mean(persistence);
}

// How far training moved each parameter tensor from line to line.
std::string movement_map(const std::vector<json>& lines, const NetworkSpec& network, const char* title,
                         const char* key) {
  std::vector<HeatRow> rows;
  for (const ParameterTensor& tensor : parameter_layout(network)) rows.push_back({tensor.name, {}});
  double before = 0;
  for (const json& line : lines) {
    const double step = line["step"];
    const std::vector<double> moved = numbers_at(line, key);
    for (std::size_t t = 0; t < rows.size() && moved.size() == rows.size() && before < step; ++t) {
      if (std::isfinite(moved[t])) rows[t].cells.push_back({before, step, moved[t]});
    }
    before = step;
  }
  return heat_figure(title, "step", rows);
}

// Share of the steps since the line before whose outer gradient was clipped.
Series clipped_share(const std::vector<json>& lines, const char* name, const char* key) {
  Series series{name, {}};
  double before = 0;
  for (const json& line : lines) {
    const double step = line["step"];
    const std::optional<double> clipped = number_at(line, key);
    if (clipped && step > before) series.points.push_back({step, *clipped / (step - before)});
    before = step;
  }
  return series;
}

// Seconds of the gradients that none of their parts account for: workers that wait for the last one.
std::optional<double> waiting(const json& line) {
  std::optional<double> left = number_at(line, "seconds/gradient");
  for (const char* part : {"loading", "inner_loop", "outer", "hessian_vector", "reduction"}) {
    const std::optional<double> seconds = number_at(line, std::string("seconds/") + part);
    if (!left || !seconds) return {};
    *left -= *seconds;
  }
  return std::max(0.0, *left);
}

// The FMA peak of all cores in use, from the last start at or before each line.
Series peak_series(const std::vector<json>& lines) {
  Series series{"FMA peak of the cores in use", {}};
  for (const json& line : lines) {
    const std::optional<double> rate = number_at(line, "gflops"), share = number_at(line, "share_of_peak");
    if (rate && share && *share > 0) series.points.push_back({line["step"], *rate / *share});
  }
  return series;
}

// What stands below a key of a start's facts, as it is shown.
std::string fact(const json& facts, const char* key) {
  if (!facts.contains(key)) return "–";
  const json& value = facts[key];
  if (value.is_string()) return html(value.get<std::string>());
  return value.is_number_float() ? format("%.4g", value.get<double>()) : html(value.dump());
}

// The facts of every start of the program, a column each, and the last one's folders.
std::string run_tables(const std::vector<json>& lines) {
  std::vector<const json*> starts;
  std::string heading = "<tr><th></th>";
  for (const json& line : lines) {
    if (!line.contains("run") || !line["run"].is_object()) continue;
    starts.push_back(&line["run"]);
    heading += format("<th>first line at step %.0f</th>", line["step"].get<double>());
  }
  if (starts.empty()) return {};
  constexpr std::pair<const char*, const char*> kFacts[] = {{"started", "started"},
                                                            {"version", "altocast"},
                                                            {"build", "build"},
                                                            {"host", "host"},
                                                            {"cpu", "processor"},
                                                            {"cores", "cores"},
                                                            {"fma_peak_gflops", "FMA peak of a core, GFLOP/s"},
                                                            {"kernels", "kernels"},
                                                            {"isa", "instruction set"},
                                                            {"threads", "threads"},
                                                            {"ranks", "ranks"},
                                                            {"keep_mib", "MiB a thread to keep passes"},
                                                            {"preset", "preset"},
                                                            {"weights", "weights"},
                                                            {"archive_seconds", "seconds to read the frames"}};
  std::string text = "<h2>Starts</h2><div class=\"wide\"><table class=\"facts\">" + heading + "</tr>";
  for (const auto& [key, name] : kFacts) {
    text += "<tr><td>" + std::string(name) + "</td>";
    for (const json* facts : starts) text += "<td>" + fact(*facts, key) + "</td>";
    text += "</tr>";
  }
  text += "</table></div>";
  const json folders = starts.back()->value("folders", json::array());
  if (folders.empty()) return text;
  text +=
      "<h2>Folders</h2><div class=\"wide\"><table><tr><th>folder</th><th>height</th><th>width</th><th>frames</th>"
      "<th>training</th><th>validation</th></tr>";
  for (const json& folder : folders) {
    text += "<tr>";
    for (const char* key : {"path", "height", "width", "frames", "training", "validation"}) {
      text += "<td>" + fact(folder, key) + "</td>";
    }
    text += "</tr>";
  }
  return text + "</table></div>";
}

// A row a parameter tensor with what the last lines tell of it.
std::string tensor_table(const std::vector<json>& lines, const NetworkSpec& network) {
  struct Column {
    std::string name;
    std::vector<double> values;
    double largest = 0;
  };
  const std::vector<ParameterTensor> tensors = parameter_layout(network);
  std::vector<Column> columns;
  // A column of the last numbers at `path`, one a tensor.
  const auto add_columns = [&](const std::string& column, const char* path) {
    std::vector<double> values;
    for (auto line = lines.rbegin(); line != lines.rend() && values.empty(); ++line) values = numbers_at(*line, path);
    if (values.size() != tensors.size()) return;
    const double largest = std::max(0.0, *std::max_element(values.begin(), values.end()));
    columns.push_back({column, std::move(values), largest});
  };
  add_columns("μ moved by adaptation (RMS)", "validation/moved_mu");
  add_columns("ρ moved by adaptation (RMS)", "validation/moved_rho");
  add_columns("μ moved by training", "moved_mu");
  add_columns("ρ moved by training", "moved_rho");
  add_columns("rate for μ", "rate_mu");
  add_columns("rate for ρ", "rate_rho");
  if (columns.empty()) return {};
  std::string text = "<div class=\"wide\"><table><tr><th>parameter tensor</th>";
  for (const Column& column : columns) text += "<th>" + column.name + "</th>";
  text += "</tr>";
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    text += "<tr><td>" + html(tensors[t].name) + "</td>";
    for (const Column& column : columns) {
      const double share = column.largest > 0 ? 100 * column.values[t] / column.largest : 0;
      text += format("<td><i style=\"width:%.0f%%\"></i>%.3g</td>", share, column.values[t]);
    }
    text += "</tr>";
  }
  return text + "</table></div>";
}

std::vector<double> phase_ends(const std::vector<json>& lines) {
  std::vector<double> ends;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].value("phase", json()) != lines[i - 1].value("phase", json())) ends.push_back(lines[i]["step"]);
  }
  return ends;
}

// What the last validation says, in a sentence.
std::string verdict(const std::vector<json>& lines) {
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const std::optional<double> before = share_of_persistence(*line, "mae_before");
    const std::optional<double> after = share_of_persistence(*line, "mae_after");
    if (before && after) {
      return format(
          "Last validation, at step %.0f: the mean absolute error is %.3f of persistence's before adaptation and %.3f "
          "after.",
          (*line)["step"].get<double>(), *before, *after);
    }
  }
  return "No validation yet.";
}

}  // namespace

Result<std::string> training_report(std::string_view name, std::string_view log, std::string_view config) {
  FitSettings settings;
  ALTOCAST_RETURN_IF_ERROR(read_fit_settings(config, "config.toml", settings));
  Result<std::vector<json>> parsed = parse_log(log);
  if (!parsed.ok()) return parsed.status();
  const std::vector<json>& lines = *parsed;
  const std::vector<double> marks = phase_ends(lines);
  const json& last = lines.back();

  std::string text = page_start(std::string(name) + ": training", std::string(name));
  text += format("<p>Step %.0f of %d, %zu weights. ", last["step"].get<double>(), settings.steps,
                 parameter_count(settings.network)) +
          verdict(lines) + "</p><main>";
  const auto chart = [&](const char* title, const std::vector<Series>& series) {
    text += line_figure(title, "step", series, marks);
  };
  std::vector<Series> loss;
  for (const char* phase : {"warmup", "first_order", "second_order"}) {
    loss.push_back(series_of(lines, phase, [&](const json& line) {
      return line.value("phase", json()) == phase ? number_at(line, "loss") : std::nullopt;
    }));
  }
  chart("Loss of the last step's tasks", loss);
  chart("Mean absolute error as a share of persistence's, validation",
        {series_of(lines, "before adaptation", [](const json& l) { return share_of_persistence(l, "mae_before"); }),
         series_of(lines, "after", [](const json& l) { return share_of_persistence(l, "mae_after"); })});
  chart("NLL a term, validation", {series_at(lines, "before adaptation", "validation/nll_before"),
                                   series_at(lines, "after", "validation/nll_after")});
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const std::vector<double> persistence = numbers_at(*line, "validation/mae_persistence");
    if (persistence.empty()) continue;
    std::vector<Series> by_lead{{"before adaptation", {}}, {"after", {}}};
    for (std::size_t s = 0; s < 2; ++s) {
      const std::vector<double> error = numbers_at(*line, s == 0 ? "validation/mae_before" : "validation/mae_after");
      for (std::size_t lead = 0; lead < std::min(error.size(), persistence.size()); ++lead) {
        by_lead[s].points.push_back({static_cast<double>(lead + 1), error[lead] / persistence[lead]});
      }
    }
    text += line_figure("Mean absolute error as a share of persistence's, last validation", "lead", by_lead);
    break;
  }
  chart("NLL a term on the support set", {series_at(lines, "first inner step", "support_nll_before"),
                                          series_at(lines, "last inner step", "support_nll_after")});
  chart("KL divergence of the adapted weights from the prior, nats", {series_at(lines, "KL", "kl")});
  const auto logarithm = [](const char* key) {
    return [key](const json& line) -> std::optional<double> {
      const std::optional<double> value = number_at(line, key);
      return value && *value > 0 ? std::optional<double>(std::log10(*value)) : std::nullopt;
    };
  };
  chart("Norm of the meta-gradient before clipping, log₁₀",
        {series_of(lines, "μ", logarithm("gradient_norm_mu")), series_of(lines, "ρ", logarithm("gradient_norm_rho"))});
  chart("Inner steps that were clipped, of the last batch", {series_at(lines, "clipped", "clipped_inner_steps")});
  chart("Meta-gradients that were clipped, share of the steps since the report before",
        {clipped_share(lines, "μ", "clipped_gradients_mu"), clipped_share(lines, "ρ", "clipped_gradients_rho")});
  std::vector<Series> noise;
  for (int lead = 0; lead < settings.network.leads; ++lead) {
    noise.push_back(series_at(lines, "lead " + std::to_string(lead + 1), "log_noise/" + std::to_string(lead)));
  }
  chart("Log of the observation noise", noise);
  chart("Tasks a second", {series_at(lines, "tasks/s", "tasks_per_second")});
  std::vector<Series> seconds;
  for (const char* part : {"gradient", "update", "validation", "checkpoint"}) {
    seconds.push_back(series_at(lines, part, std::string("seconds/") + part));
  }
  chart("Seconds since the report before", seconds);
  seconds.clear();
  for (const auto& [part, label] :
       {std::pair{"loading", "loading"}, std::pair{"inner_loop", "inner loop"}, std::pair{"outer", "outer gradient"},
        std::pair{"hessian_vector", "Hessian-vector products"}, std::pair{"reduction", "sum over the tasks"}}) {
    seconds.push_back(series_at(lines, label, std::string("seconds/") + part));
  }
  seconds.push_back(series_of(lines, "waiting", waiting));
  chart("Seconds of the gradients, mean over the workers", seconds);
  chart("GFLOP/s of the gradients, by operation count",
        {series_at(lines, "convolutions", "gflops"), peak_series(lines)});
  text += movement_map(lines, settings.network, "How far μ moved since the report before, RMS", "moved_mu");
  text += movement_map(lines, settings.network, "How far ρ moved since the report before, RMS", "moved_rho");
  text += "</main>";
  if (const std::string table = tensor_table(lines, settings.network); !table.empty()) {
    text += "<h2>By parameter tensor</h2>" + table;
  }
  return text + run_tables(lines) + "<h2>Settings</h2><pre>" + html(config) + "</pre></body></html>\n";
}

}  // namespace altocast
