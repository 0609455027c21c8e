#include "runtime/watch/station.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "formats/durable_file.h"
#include "formats/file_system.h"
#include "runtime/frames/frame_block.h"
#include "runtime/json_text.h"
#include "runtime/time.h"
#include "runtime/watch/station_frames.h"

namespace altocast {
namespace {

constexpr const char* kHistoryName = "verification.csv";
constexpr const char* kStatusName = "status.json";
constexpr const char* kPosteriorName = "station.posterior";
constexpr std::size_t kShownRejected = 5;

std::int64_t clock_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}
double steady_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Status replace_text(const std::string& path, const std::string& text) {
  return replace_file(path, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// What tells a file's content from the one it had: size, and time of the last change in nanoseconds.
bool file_facts(const std::string& path, std::int64_t& bytes, std::int64_t& changed) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return false;
  bytes = std::int64_t{about.st_size};
  changed = std::int64_t{about.st_mtim.tv_sec} * 1000000000 + std::int64_t{about.st_mtim.tv_nsec};
  return true;
}

Result<StationWeights> load_weights(const StationSettings& settings, const std::string& output) {
  Result<LoadedPrior> prior = load_prior(settings.prior);
  if (!prior.ok()) return prior.status();
  const std::string posterior = settings.adapt ? output + "/" + kPosteriorName : "";
  return StationWeights(*std::move(prior), settings.prior, posterior);
}

// Half of what was known, half of what was seen: one slow moment does not decide.
void learn(double& known, double seen) { known = known > 0 ? 0.5 * (known + seen) : seen; }

AdaptationFacts adaptation_facts(const AdaptationRecord& record) {
  AdaptationFacts facts;
  facts.used = record.used;
  facts.decision = record.guard ? decision_of(*record.guard) : record.reason;
  facts.first_time = record.first_time;
  facts.last_time = record.last_time;
  facts.pairs = record.pairs;
  facts.earlier_pairs = record.earlier_pairs;
  facts.hour_pairs = record.hour_pairs;
  facts.steps = record.steps;
  facts.nll_before = record.nll_before;
  facts.nll_after = record.nll_after;
  return facts;
}

// For the report; nothing if no forecast has been verified.
std::optional<RecentScores> recent_scores(const std::vector<CheckedForecast>& history, int leads) {
  if (history.empty()) return std::nullopt;
  RecentScores scores;
  scores.first_time = history.front().from;
  scores.last_time = history.back().from;
  const std::vector<double> none(static_cast<std::size_t>(leads), std::numeric_limits<double>::quiet_NaN());
  scores.lines = {{"forecast", none}, {"persistence", none}, {"advection", none}};
  for (const LeadSummary& lead : summarise(history)) {
    scores.forecasts = std::max(scores.forecasts, lead.forecasts);
    if (lead.lead > leads) continue;
    const auto at = static_cast<std::size_t>(lead.lead - 1);
    scores.lines[0].by_lead[at] = lead.mae;
    scores.lines[1].by_lead[at] = lead.persistence;
    scores.lines[2].by_lead[at] = lead.advection;
  }
  return scores;
}

std::string seconds_text(double seconds) { return plain_number(seconds, 3) + " s"; }

}  // namespace

Station::Station(const StationSettings& settings, StationFolder folder, StationWeights weights,
                 std::unique_ptr<Kernels<float>> kernels, StationHooks hooks)
    : settings_(settings),
      folder_(std::move(folder)),
      weights_(std::move(weights)),
      kernels_(std::move(kernels)),
      hooks_(std::move(hooks)) {
  status_.started = clock_now();
  status_.feed.folder = settings_.frames;
  take_up_folder();
}

Result<std::unique_ptr<Station>> Station::open(const StationSettings& settings, std::unique_ptr<Kernels<float>> kernels,
                                               StationHooks hooks) {
  Result<StationWeights> weights = load_weights(settings, settings.output);
  if (!weights.ok()) return weights.status();
  Result<StationFolder> folder = StationFolder::open(settings.output);
  if (!folder.ok()) return folder.status();
  return std::unique_ptr<Station>(
      new Station(settings, *std::move(folder), *std::move(weights), std::move(kernels), std::move(hooks)));
}

Status Station::change(const StationSettings& settings, std::unique_ptr<Kernels<float>> kernels) {
  Result<StationWeights> weights = load_weights(settings, settings.output);
  if (!weights.ok()) return weights.status();
  if (settings.output != settings_.output) {
    Result<StationFolder> folder = StationFolder::open(settings.output);
    if (!folder.ok()) return folder.status();
    folder_ = *std::move(folder);
    take_up_folder();
  }
  settings_ = settings;
  weights_ = *std::move(weights);
  kernels_ = std::move(kernels);
  check_ = {};
  costs_ = {};
  status_.problems.clear();
  unfit_.clear();
  bad_files_.clear();
  return {};
}

// What stands in it from before.
void Station::take_up_folder() {
  written_status_.clear();
  status_.forecast.reset();
  if (!folder_.runs().empty()) {
    status_.forecast.emplace();
    status_.forecast->slot = folder_.runs().back();
    status_.forecast->folder = folder_.run_path(folder_.runs().back());
  }
  constexpr std::uint64_t kMaxBytes = 1 << 24;
  const std::string path = folder_.file(kHistoryName);
  history_.clear();
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, kMaxBytes);
  if (!bytes.ok()) return;  // the first run, as a rule; what can be verified is verified anew
  Result<std::vector<CheckedForecast>> history =
      parse_history({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, path);
  if (history.ok()) {
    history_ = *std::move(history);
  } else {
    hooks_.log(history.message() + "; begun anew");
  }
}

void Station::report(const std::string& what, const Status& status) {
  if (status.ok()) {
    if (status_.problems.erase(what) > 0) hooks_.log(what + ": good again");
    return;
  }
  StationProblem& problem = status_.problems[what];
  if (problem.message == status.message()) return;
  if (problem.message.empty()) problem.since = clock_now();
  problem.message = status.message();
  hooks_.log(what + ": " + problem.message);
}

void Station::stop() {
  status_.state = "stopped";
  write_status();
}

bool Station::step() {
  step_began_ = steady_now();
  status_.state = "running";
  Result<FrameCache> cache = open_frames();
  report("frames", cache.status());
  if (cache.ok()) {
    const FrameCache opened = *cache;
    look_at_feed(*cache);
    if (const auto newest = newest_input(*cache); newest && !folder_.due_from())
      report("state", folder_.set_due_from(*newest));
    check_forecasts(*cache);
    bool tried = false;
    while (hooks_.go_on()) {
      const std::optional<std::int64_t> slot = next_due(*cache);
      if (!slot && !tried) report("disk", {});  // nothing is left that it did not take
      if (!slot) break;
      tried = true;
      if (inputs_decode(*cache, *slot) && !forecast_slot(*cache, *slot)) break;
    }
    remember_bad_files(opened, *cache);
    look_at_feed(*cache);
    tell_rejected(*cache);
  }
  report("latest", folder_.link_latest());
  report("posterior", weights_.save());
  write_status();
  return status_.problems.empty();
}

// Frames from this time on are all that a step may need: to verify, to make up for what was missed, to adapt. So its
// work does not grow with the archive.
std::optional<std::int64_t> Station::looks_back_to() const {
  const Prior& prior = weights_.prior().prior;
  const int cadence = std::max(status_.feed.cadence_seconds, prior.cadence_seconds);
  if (folder_.runs().empty() || cadence == 0) return std::nullopt;
  const int window = prior.network.input_frames + 2 * prior.network.leads;  // of a pair, and what the guard holds back
  const std::int64_t frames = window + settings_.pairs.value_or(prior.support_pairs);
  // Over gaps an adaptation looks back from its newest frame, and the guard's trial once more from where it forecasts.
  return folder_.runs().back() - std::max<std::int64_t>(kHistorySeconds, settings_.catch_up_seconds) -
         2 * kLookBackSeconds - 2 * frames * cadence;  // some are bridged
}

// Without the files that are known not to decode.
Result<FrameCache> Station::open_frames() {
  const std::optional<std::int64_t> from = looks_back_to();
  Result<FrameCache> cache = open_station_frames(settings_, from);
  if (!cache.ok() && from) cache = open_station_frames(settings_);  // the newest run's frames are no longer there
  std::erase_if(bad_files_, [](const BadFile& bad) {
    std::int64_t bytes = 0, changed = 0;
    return !file_facts(bad.path, bytes, changed) || bytes != bad.bytes || changed != bad.changed;
  });
  if (!cache.ok() || bad_files_.empty()) return cache;
  std::vector<RejectedFrame> bad;
  for (const BadFile& file : bad_files_) bad.push_back({file.path, "does not decode"});
  return cache->without(bad);
}

// Those that were taken out of `cache` since it was `opened`, unless a second try finds nothing wrong: a disk may fail
// now and then.
void Station::remember_bad_files(const FrameCache& opened, const FrameCache& cache) {
  constexpr std::size_t kMost = 1000;
  if (opened.frames().size() == cache.frames().size()) return;
  std::set<std::string> left;
  for (const FrameEntry& entry : cache.frames()) left.insert(entry.path);
  for (std::size_t i = 0; i < opened.frames().size() && bad_files_.size() < kMost; ++i) {
    BadFile bad{opened.frames()[i].path, 0, 0};
    if (left.contains(bad.path) || opened.frames()[i].bridged || opened.load(i).ok() ||
        !file_facts(bad.path, bad.bytes, bad.changed))
      continue;
    bad_files_.push_back(std::move(bad));
  }
}

// Those that were not among them last time.
void Station::tell_rejected(const FrameCache& cache) {
  constexpr std::size_t kShown = 10;
  std::set<std::string> paths;
  std::size_t fresh = 0;
  for (const RejectedFrame& rejected : cache.rejected()) {
    if (!paths.insert(rejected.path).second || told_rejected_.contains(rejected.path) || ++fresh > kShown) continue;
    const bool named = rejected.reason.starts_with(rejected.path);
    hooks_.log("not used: " + (named ? "" : rejected.path + ": ") + rejected.reason);
  }
  if (fresh > kShown) hooks_.log("not used: " + std::to_string(fresh - kShown) + " more files");
  told_rejected_ = std::move(paths);
}

void Station::look_at_feed(const FrameCache& cache) {
  FeedStatus feed;
  feed.folder = settings_.frames;
  feed.frames = cache.frames().size();
  feed.newest = cache.frames().back().slot;
  feed.cadence_seconds = cache.cadence_seconds() > 0 ? cache.cadence_seconds() : weights_.prior().prior.cadence_seconds;
  const std::int64_t since = std::max(*feed.newest - 86400 + 1, cache.frames().front().slot);
  if (feed.cadence_seconds > 0) feed.day_slots = static_cast<int>((*feed.newest - since) / feed.cadence_seconds) + 1;
  for (const FrameEntry& entry : cache.frames()) feed.day_frames += entry.slot >= since && !entry.bridged ? 1 : 0;
  const std::vector<RejectedFrame>& rejected = cache.rejected();
  feed.rejected_count = rejected.size();
  for (std::size_t i = rejected.size() - std::min(rejected.size(), kShownRejected); i < rejected.size(); ++i)
    feed.rejected.emplace_back(rejected[i].path, rejected[i].reason);
  const std::int64_t patience =
      settings_.silent_seconds > 0 ? settings_.silent_seconds : std::int64_t{4} * feed.cadence_seconds + 1800;
  feed.silent = clock_now() - *feed.newest > patience;
  if (feed.silent != status_.feed.silent) {
    hooks_.log(feed.silent ? "no new frame since " + format_time(*feed.newest) + "; see to the receiver"
                           : "frames come in again");
  }
  constexpr std::int64_t kAhead = 3600;
  const bool ahead = *feed.newest > clock_now() + kAhead;
  report("clock", ahead ? Status::error(cache.frames().back().path + ": is of a time to come; set this machine's " +
                                        "clock, or remove the frames and runs whose time is wrong")
                        : Status());
  status_.feed = std::move(feed);
}

void Station::check_forecasts(const FrameCache& cache) {
  const Prior& prior = weights_.prior().prior;
  const int added =
      check_.update(cache, prior.normalisation, prior.network.leads, folder_, history_, &kernels_->threads());
  if (added > 0 || status_.problems.contains(kHistoryName))
    report(kHistoryName, replace_text(folder_.file(kHistoryName), history_text(history_)));
  status_.verification = summarise(history_);
}

bool Station::completes_input(const FrameCache& cache, std::size_t index) const {
  const auto inputs = static_cast<std::size_t>(weights_.prior().prior.network.input_frames);
  return !cache.frames()[index].bridged && index - cache.run_of(index).first + 1 >= inputs;
}

// What counts as newest are frames that complete an input: a single file with a wrong year in its name holds nothing
// up.
std::optional<std::int64_t> Station::newest_input(const FrameCache& cache) const {
  for (std::size_t i = cache.frames().size(); i-- > 0;) {
    if (completes_input(cache, i)) return cache.frames()[i].slot;
  }
  return std::nullopt;
}

// The newest slot that lacks its forecast and has the frames for it.
std::optional<std::int64_t> Station::next_due(const FrameCache& cache) const {
  const std::optional<std::int64_t> newest = newest_input(cache);
  for (std::size_t i = newest ? cache.frames().size() : 0; i-- > 0;) {
    const std::int64_t slot = cache.frames()[i].slot;
    if (slot < folder_.due_from().value_or(slot) || slot < *newest - settings_.catch_up_seconds) break;
    if (!completes_input(cache, i)) continue;
    const std::int64_t tolerance = std::max(0, cache.cadence_seconds() - 1) / 2;
    if (!folder_.has_run(slot, tolerance) && !unfit_.contains(slot)) return slot;
  }
  return std::nullopt;
}

// Whether the forecast from `slot` still has its frames once all of them are decoded; those that fail leave the cache.
bool Station::inputs_decode(FrameCache& cache, std::int64_t slot) {
  const int inputs = weights_.prior().prior.network.input_frames;
  const std::size_t before = cache.frames().size();
  const Result<FrameBlock> block = load_frames(
      cache,
      [&](const FrameCache& frames) -> Result<FrameRange> {
        const Result<FrameWindow> window = frames.newest_input(inputs, slot);
        if (!window.ok()) return window.status();
        return FrameRange{window->first, inputs};
      },
      weights_.prior().prior.normalisation);
  if (block.ok() && block->slots.back() == slot) return true;
  if (!block.ok() && cache.frames().size() == before) {
    unfit_.insert(slot);
    report("frames", block.status());
  }
  return false;
}

SlotPlan Station::wanted_plan(const FrameCache& cache, std::int64_t slot) const {
  const bool adapt = weights_.due(settings_, cache, slot);
  return {adapt ? settings_.steps.value_or(weights_.prior().prior.inner.steps) : 0, settings_.members};
}

// What of `wanted` the budget allows. A station that does not know yet how fast it is tries one member first.
SlotPlan Station::affordable(const SlotPlan& wanted, FrameCache& cache, std::int64_t slot) {
  const Prior& prior = weights_.prior().prior;
  if (costs_.member <= 0) {
    ForecastSettings one;
    one.at = slot;
    one.members = 1;
    one.memory_limit = settings_.memory_limit;
    const double began = steady_now();
    inputs_decode(cache, slot);
    const double reading = steady_now() - began;  // which a second member does not add
    if (!forecast(weights_.prior(), weights_.weights_for(slot), cache, one, *kernels_).ok()) return wanted;
    const double both = steady_now() - began - reading;
    costs_.member = std::max(both - reading, 0.1 * both);
  }
  // A gradient costs about as much as three passes forward, and a guard about as much as what it guards. A step that
  // was slow once, when the machine had much else to do, is not thought to be slow for ever.
  const double likely = (settings_.guard ? 6.6 : 3.3) * costs_.member * settings_.pairs.value_or(prior.support_pairs) *
                        prior.inner.samples;
  costs_.step = costs_.step > 0 ? std::min(costs_.step, 1.5 * likely) : likely;
  const int cadence = status_.feed.cadence_seconds;
  const double budget = settings_.budget_seconds > 0 ? settings_.budget_seconds : cadence > 0 ? cadence / 2.0 : 1e9;
  const SlotPlan plan = plan_slot(wanted, settings_.least_members, costs_, budget);
  if (plan != wanted) {
    hooks_.log("the full forecast would take " + seconds_text(planned_seconds(wanted, costs_)) + " of the " +
               seconds_text(budget) + " there are: " + std::to_string(plan.members) + " of " +
               std::to_string(wanted.members) + " members, " + std::to_string(plan.steps) + " of " +
               std::to_string(wanted.steps) + " steps");
  }
  return plan;
}

// False if the disk cannot take it; the slot is then still due.
bool Station::forecast_slot(FrameCache& cache, std::int64_t slot) {
  const double began = steady_now();
  const std::size_t frames = cache.frames().size();
  Status room = folder_.make_room(settings_.keep);
  if (room.ok()) room = check_products_folder(folder_.run_path(slot));
  if (!room.ok()) {
    report("disk", room);
    return false;
  }

  const SlotPlan wanted = wanted_plan(cache, slot);
  const SlotPlan plan = affordable(wanted, cache, slot);
  if (!hooks_.go_on()) return true;
  double computed = 0;
  if (plan.steps > 0) {
    const double start = steady_now();
    weights_.adapt(settings_, cache, slot, plan.steps, *kernels_);
    computed = steady_now() - start;
    learn(costs_.step, computed / (plan.steps + 1));
    status_.adaptation = weights_.newest();
    if (status_.adaptation && !status_.adaptation->used)
      hooks_.log("the adaptation is not used: " + status_.adaptation->reason);
    report("posterior", weights_.save());
  }
  if (!hooks_.go_on()) return true;

  ForecastSettings wish;
  wish.at = slot;
  wish.members = plan.members;
  wish.seed = settings_.seed;
  wish.memory_limit = settings_.memory_limit;
  const double start = steady_now();
  Result<StationForecast> made = forecast(weights_.prior(), weights_.weights_for(slot), cache, wish, *kernels_);
  if (!made.ok() || made->product().start_time != slot) {
    if (cache.frames().size() != frames) return true;  // one of its frames could not be read: is it still due?
    unfit_.insert(slot);
    unfit_.erase(unfit_.begin(), unfit_.lower_bound(slot - settings_.catch_up_seconds));
    report("forecast", made.ok() ? Status::error("no forecast from " + format_time(slot)) : made.status());
    return true;
  }
  report("forecast", {});
  learn(costs_.member, (steady_now() - start) / plan.members);
  computed += steady_now() - start;
  if (!hooks_.go_on()) return true;
  const bool published = publish(*made, plan, wanted);
  learn(costs_.rest, steady_now() - began - computed);
  return published;
}

bool Station::publish(StationForecast& forecast, const SlotPlan& made, const SlotPlan& wanted) {
  ForecastProduct& product = forecast.product();
  const std::int64_t slot = product.start_time;
  const AdaptationRecord* used = weights_.used_for(slot);
  product.adapted = used != nullptr;
  if (used) {
    product.settings = {{"adaptation_pairs", std::to_string(used->pairs)},
                        {"adaptation_steps", std::to_string(used->steps)},
                        {"adaptation_seed", std::to_string(used->seed)},
                        {"adaptation_last_frame", format_time(used->slot)}};
  }
  product.adaptation = adaptation_facts(used ? *used : weights_.newest().value_or(AdaptationRecord{}));
  if (!used && !weights_.newest()) product.adaptation.reset();
  product.scores = recent_scores(history_, product.leads);
  ProductOptions options;
  options.member_pictures = settings_.member_pictures;
  options.threads = &kernels_->threads();
  const Result<std::string> written = write_products(product, folder_.run_path(slot), options);
  report("disk", written.status());
  // It may stand whole although its last way to the disk has failed.
  if (written.ok() || exists(folder_.run_path(slot))) folder_.add_run(slot);
  if (!written.ok()) return false;
  report("latest", folder_.link_latest());

  PublishedForecast published;
  published.slot = slot;
  published.published = clock_now();
  published.seconds = steady_now() - step_began_;
  published.members = made.members;
  published.wanted_members = wanted.members;
  published.steps = made.steps;
  published.wanted_steps = wanted.steps;
  published.valid_until = valid_time(product, product.leads - 1);
  published.hash = *written;
  published.folder = folder_.run_path(slot);
  hooks_.log("forecast from " + format_time(slot) + ": " + std::to_string(made.members) + " members, " +
             (used ? "adapted to the frames up to " + format_time(used->slot) : std::string("not adapted")) + ", " +
             seconds_text(published.seconds) + " after its frame was seen");
  if (!status_.forecast || status_.forecast->slot <= slot) status_.forecast = std::move(published);
  write_status();
  step_began_ = steady_now();  // what is still due is made up for
  return true;
}

void Station::write_status() {
  if (!status_.adaptation && weights_.newest()) status_.adaptation = weights_.newest();
  status_.runs = folder_.runs().size();
  StationStatus timeless = status_;
  timeless.updated = 0;
  timeless.run_bytes = timeless.free_bytes = 0;
  const std::string text = status_json(timeless);
  if (text == written_status_) return;
  status_.updated = clock_now();
  status_.run_bytes = folder_.run_bytes();
  status_.free_bytes = folder_.free_bytes();
  const Status written = replace_text(folder_.file(kStatusName), status_json(status_));
  report(kStatusName, written);
  if (written.ok()) written_status_ = text;
}

}  // namespace altocast
