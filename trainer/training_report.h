// A training run as one HTML page for people: what log.jsonl tells, as plots, and the settings. The page needs no
// network and no script; points tell their numbers on hovering.
#pragma once

#include <string>
#include <string_view>

#include "formats/status.h"

namespace altocast {

// `name`: of the run, for the title. `log`: lines of log.jsonl (docs/training.md), of which the last may be unfinished;
// where its steps go back (a resumed run), the later lines count. `config`: the text of config.toml. Keys that a line
// lacks leave gaps in the plots. Fails, naming the line, if one is not a JSON object with a step.
Result<std::string> training_report(std::string_view name, std::string_view log, std::string_view config);

}  // namespace altocast
