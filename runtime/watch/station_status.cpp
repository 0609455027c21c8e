#include "runtime/watch/station_status.h"

#include "runtime/json_object.h"
#include "runtime/station/host.h"
#include "runtime/time.h"

namespace altocast {
namespace {

std::string feed_json(const FeedStatus& feed) {
  JsonObject json;
  json.text("folder", feed.folder).boolean("silent", feed.silent);
  if (feed.newest) json.text("newest_frame", format_time(*feed.newest));
  return json.integer("cadence_seconds", feed.cadence_seconds)
      .integer("frames", feed.frames)
      .integer("last_day_slots", feed.day_slots)
      .integer("last_day_frames", feed.day_frames)
      .integer("rejected_count", feed.rejected_count)
      .raw("rejected",
           json_array(feed.rejected,
                      [](const auto& rejected) {
                        return JsonObject().text("file", rejected.first).text("reason", rejected.second).str();
                      }))
      .str();
}

std::string forecast_json(const PublishedForecast& forecast) {
  JsonObject json;
  json.text("from", format_time(forecast.slot)).text("folder", forecast.folder);
  if (forecast.members == 0) return json.str();  // made by an earlier process; summary.json there says more
  return json.text("valid_until", format_time(forecast.valid_until))
      .text("published", format_time(forecast.published))
      .number("seconds", forecast.seconds)
      .integer("members", forecast.members)
      .integer("wanted_members", forecast.wanted_members)
      .integer("adaptation_steps", forecast.steps)
      .integer("wanted_adaptation_steps", forecast.wanted_steps)
      .text("hash", forecast.hash)
      .str();
}

std::string adaptation_json(const AdaptationRecord& adaptation) {
  JsonObject json;
  json.text("at", format_time(adaptation.slot))
      .boolean("used", adaptation.used)
      .text("reason", adaptation.reason)
      .integer("pairs", adaptation.pairs)
      .integer("steps", adaptation.steps)
      .number("nll_before", adaptation.nll_before)
      .number("nll_after", adaptation.nll_after)
      .number("kl", adaptation.kl);
  json.raw("guard", adaptation.guard ? guard_json(*adaptation.guard) : "null");
  if (adaptation.pairs > 0) {
    json.text("first_frame", format_time(adaptation.first_time)).text("last_frame", format_time(adaptation.last_time));
  }
  return json.str();
}

std::string lead_json(const LeadSummary& lead) {
  return JsonObject()
      .integer("lead", lead.lead)
      .integer("forecasts", lead.forecasts)
      .number("mae", lead.mae)
      .number("mae_persistence", lead.persistence)
      .number("mae_advection", lead.advection)
      .str();
}

}  // namespace

std::string status_json(const StationStatus& status) {
  JsonObject json;
  json.text("altocast", version())
      .text("state", status.state)
      .boolean("good", status.problems.empty() && !status.feed.silent)
      .text("started", format_time(status.started))
      .text("updated", format_time(status.updated))
      .raw("problems", json_array(status.problems,
                                  [](const auto& problem) {
                                    return JsonObject()
                                        .text("what", problem.first)
                                        .text("message", problem.second.message)
                                        .text("since", format_time(problem.second.since))
                                        .str();
                                  }))
      .raw("feed", feed_json(status.feed))
      .raw("forecast", status.forecast ? forecast_json(*status.forecast) : "null")
      .raw("adaptation", status.adaptation ? adaptation_json(*status.adaptation) : "null")
      .raw("verification", json_array(status.verification, lead_json))
      .raw("disk", JsonObject()
                       .integer("runs", status.runs)
                       .integer("run_bytes", status.run_bytes)
                       .integer("free_bytes", status.free_bytes)
                       .str());
  return json.str() + "\n";
}

}  // namespace altocast
