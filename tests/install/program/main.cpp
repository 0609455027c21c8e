// A program outside the source tree: finds the installed headers and links the installed libraries.
#include "formats/network_spec.h"
#include "runtime/thread_pool.h"

int main() {
  altocast::ThreadPool pool(2);
  int done[2] = {0, 0};
  pool.parallel_for(2, [&](int item) { done[item] = 1; });
  return done[0] + done[1] == 2 && altocast::parameter_count(altocast::NetworkSpec{}) == 487560u ? 0 : 1;
}
