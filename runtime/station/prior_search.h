// Finds the prior that a posterior was adapted from: a posterior holds only the change against it.
#pragma once

#include <string>

#include "formats/posterior.h"
#include "formats/prior.h"
#include "formats/status.h"

namespace altocast {

// The facts (JSON) of a posterior that was adapted from `prior_path`, and what its guard found (guard_json), if there
// was one. A path that is no UTF-8 text is left out.
std::string posterior_facts(const std::string& prior_path, const std::string& guard = {});

// Loads the prior of `posterior`, read from `posterior_path`: from `prior_path` if that is not empty; else
// from where the facts say it was at the time, else from a file of the same name beside the posterior. Only a
// prior with the SHA-256 that the posterior is bound to will do; the failure names the files that were tried
// and what each lacks.
Result<LoadedPrior> find_prior(const Posterior& posterior, const std::string& posterior_path,
                               const std::string& prior_path);

}  // namespace altocast
