#include "trainer/run_facts.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "runtime/kernels/native/native_kernels.h"
#include "runtime/station/host.h"
#include "runtime/thread_pool.h"
#include "runtime/time.h"

namespace altocast {

std::string to_json(const RunFacts& facts, const FitSettings& settings, const Archive& archive) {
  nlohmann::ordered_json json;
  json["version"] = version();
  json["started"] = format_time(std::time(nullptr));
  json["host"] = host_name();
  json["cpu"] = cpu_name();
  json["cores"] = available_cores();
  json["build"] = build_description();
  json["kernels"] = facts.kernels;
  json["isa"] = best_table().isa;
  json["threads"] = facts.threads;
  json["ranks"] = facts.ranks;
  json["keep_mib"] = facts.keep_mib;
  json["fma_peak_gflops"] = facts.fma_peak_gflops;
  json["preset"] = preset_name(settings.network);
  json["weights"] = parameter_count(settings.network);
  json["archive_seconds"] = facts.archive_seconds;
  for (const ArchiveFolder& folder : archive.folders()) {
    json["folders"].push_back({{"path", folder.path},
                               {"height", folder.height},
                               {"width", folder.width},
                               {"frames", folder.frames},
                               {"training", folder.training},
                               {"validation", folder.validation}});
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace altocast
