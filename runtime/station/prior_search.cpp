#include "runtime/station/prior_search.h"

#include <string_view>
#include <vector>

#include "formats/container.h"
#include "formats/file_system.h"
#include "runtime/json_object.h"
#include "runtime/time.h"

namespace altocast {
namespace {

constexpr std::string_view kPriorKey = "{\"prior\":\"";
constexpr std::string_view kAtKey = "\"at\":\"";

// The path in facts that posterior_facts() wrote; empty if these are others.
std::string recorded_path(std::string_view facts) {
  if (!facts.starts_with(kPriorKey)) return {};
  std::string path;
  for (std::size_t i = kPriorKey.size(); i < facts.size() && facts[i] != '"'; ++i) {
    if (facts[i] == '\\') ++i;
    if (i < facts.size()) path += facts[i];
  }
  return path;
}

Result<LoadedPrior> load_bound_prior(const Posterior& posterior, const std::string& posterior_path,
                                     const std::string& path) {
  Result<LoadedPrior> prior = load_prior(path);
  if (!prior.ok() || prior->sha256 == posterior.prior_sha256) return prior;
  return Status::error(path + " is another prior (SHA-256 " + to_hex(prior->sha256).substr(0, 16) +
                       "…) than the one that " + posterior_path + " was adapted from (" +
                       to_hex(posterior.prior_sha256).substr(0, 16) + "…); give that one, or adapt again");
}

}  // namespace

std::string posterior_facts(const std::string& prior_path, const std::string& guard, std::optional<std::int64_t> at) {
  // Control characters would be escaped as \u00XX, which recorded_path() does not know.
  const bool plain = check_text(prior_path).ok() && prior_path.find_first_of("\t\n") == std::string::npos;
  JsonObject facts;
  if (plain) facts.text("prior", prior_path);
  if (at) facts.text("at", format_time(*at));
  if (!guard.empty()) facts.raw("guard", guard);
  return facts.str();
}

std::optional<std::int64_t> adapted_at(const Posterior& posterior) {
  const std::size_t key = posterior.facts.find(kAtKey);  // within a text quotes are escaped
  if (key == std::string::npos) return std::nullopt;
  const std::size_t begin = key + kAtKey.size(), end = posterior.facts.find('"', begin);
  if (end == std::string::npos) return std::nullopt;
  const Result<std::int64_t> at = parse_time(posterior.facts.substr(begin, end - begin));
  return at.ok() ? std::optional(*at) : std::nullopt;
}

Result<LoadedPrior> find_prior(const Posterior& posterior, const std::string& posterior_path,
                               const std::string& prior_path) {
  if (!prior_path.empty()) return load_bound_prior(posterior, posterior_path, prior_path);
  const std::string recorded = recorded_path(posterior.facts);
  if (recorded.empty()) {
    return Status::error(posterior_path + ": does not say which file its prior is; give it with --prior");
  }
  std::vector<std::string> paths = {recorded};
  const std::string beside = join_path(parent_path(posterior_path), file_name(recorded));
  if (beside != recorded) paths.push_back(beside);
  std::string tried;
  for (const std::string& path : paths) {
    Result<LoadedPrior> prior = load_bound_prior(posterior, posterior_path, path);
    if (prior.ok()) return prior;
    tried += (tried.empty() ? "" : "; ") + prior.message();
  }
  return Status::error("the prior of " + posterior_path + " was not found; give it with --prior (" + tried + ")");
}

}  // namespace altocast
