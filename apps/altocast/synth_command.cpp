// altocast synth: made-up cloud frames to try everything on.
#include <cstdio>
#include <tuple>

#include "apps/altocast/arguments.h"
#include "apps/altocast/station_input.h"
#include "runtime/frames/synthetic.h"

namespace altocast {

Status run_synth(std::span<char*> argv) {
  Arguments arguments("synth", "--out DIR [options]",
                      "Writes a folder of made-up infrared frames: drifting, growing, decaying cloud fields.");
  SyntheticSettings settings;
  arguments.value("out", "DIR", "the folder to make; it must not hold anything")
      .value("frames", "N", "how many frames (default 48)")
      .value("size", "HxW", "height and width in pixels (default 192x192)")
      .value("seed", "S", "another seed, other clouds (default 1)")
      .value("start", "TIME", "time of the first frame, UTC (default 2018-06-06T00:00Z)")
      .value("cadence", "MINUTES", "time between frames (default 30)");
  if (!arguments.parse(argv)) return {};
  const std::string out = arguments.text("out");
  settings.frames = arguments.integer("frames", 1, 100000, settings.frames);
  std::tie(settings.height, settings.width) = arguments.size(settings.height);
  settings.seed = arguments.seed();
  settings.start_time = arguments.time("start").value_or(settings.start_time);
  settings.cadence_seconds = 60 * arguments.integer("cadence", 1, 1440, settings.cadence_seconds / 60);
  if (const Status status = validate(settings); !status.ok()) fail_usage(status.message());

  ALTOCAST_RETURN_IF_ERROR(prepare_parent(out));
  ALTOCAST_RETURN_IF_ERROR(write_synthetic_frames(settings, out));
  std::puts(out.c_str());
  return {};
}

}  // namespace altocast
