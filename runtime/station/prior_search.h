// Finds the prior that a posterior was adapted from: a posterior holds only the change against it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "formats/posterior.h"
#include "formats/prior.h"
#include "formats/status.h"

namespace altocast {

// The facts (JSON) of a posterior that was adapted from `prior_path`, what its guard found (guard_json), if there
// was one, and for which newest frame it was made, which need not be among those that it learned from. A path that is
// no UTF-8 text is left out.
std::string posterior_facts(const std::string& prior_path, const std::string& guard = {},
                            std::optional<std::int64_t> at = {});

// That newest frame's time, if posterior_facts() wrote it.
std::optional<std::int64_t> adapted_at(const Posterior& posterior);

// Loads the prior of `posterior`, read from `posterior_path`: from `prior_path` if that is not empty; else
// from where the facts say it was at the time, else from a file of the same name beside the posterior. Only a
// prior with the SHA-256 that the posterior is bound to will do; the failure names the files that were tried
// and what each lacks.
Result<LoadedPrior> find_prior(const Posterior& posterior, const std::string& posterior_path,
                               const std::string& prior_path);

}  // namespace altocast
