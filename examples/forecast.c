/* forecast PRIOR RAW COUNT HEIGHT WIDTH: adapts a prior to frames of one byte a pixel, as they lie in the file RAW, and
 * prints the brightness of the forecast's mean a lead, and the forecast's hash.
 *
 *   cc forecast.c $(pkg-config --cflags --libs altocast) -o forecast */
#include <altocast.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  altocast_frames frames = ALTOCAST_FRAMES_INIT;
  frames.count = atoi(argv[3]), frames.height = atoi(argv[4]), frames.width = atoi(argv[5]);
  const size_t pixels = (size_t)frames.height * (size_t)frames.width, bytes = (size_t)frames.count * pixels;
  void* raw = malloc(bytes);
  FILE* file = fopen(argv[2], "rb");
  if (!raw || !file || fread(raw, 1, bytes, file) != bytes) return fprintf(stderr, "%s: too short\n", argv[2]), 1;
  frames.pixels = raw;

  altocast_session* session = altocast_create();
  altocast_prior_info info = ALTOCAST_PRIOR_INFO_INIT;
  altocast_forecast forecast = ALTOCAST_FORECAST_INIT;
  if (altocast_load_file(session, argv[1]) || altocast_query(session, &info) ||
      altocast_adapt(session, &frames, NULL, NULL))
    return fprintf(stderr, "%s\n", altocast_error(session)), 1;
  forecast.mean_size = (size_t)info.leads * pixels;
  forecast.mean = calloc(forecast.mean_size, sizeof(float));
  if (altocast_make_forecast(session, &frames, &forecast)) return fprintf(stderr, "%s\n", altocast_error(session)), 1;
  for (int lead = 0; lead < info.leads; ++lead) {
    double sum = 0;
    for (size_t i = lead * pixels; i < (lead + 1) * pixels; ++i) sum += forecast.mean[i];
    printf("lead %d: %.2f\n", lead + 1, sum / (double)pixels);
  }
  printf("%s\n", forecast.hash);
  altocast_destroy(session);
  free(raw), free(forecast.mean), fclose(file);
  return 0;
}
