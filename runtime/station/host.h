// What is known of the machine and the build, for people and for benchmarks.
#pragma once

#include <cstdint>
#include <string>

namespace altocast {

const char* version();            // altocast's: "0.1.0"
std::string host_name();          // in the network; "unknown" if the system does not say
std::string cpu_name();           // "unknown" if the system does not say
std::uint64_t memory_bytes();     // the machine's; 0 if unknown
std::string cpu_governor();       // of the first core's clock: "performance"; "unknown" if the system does not say
double cpu_temperature();         // of the hottest sensor, in °C; NaN if the system does not say
std::uint64_t peak_rss_bytes();   // the largest resident memory of this process so far; 0 if unknown
void return_freed_memory();       // from now on to the system, where the C library would keep tens of MiB of it
void reset_peak_rss();            // gives freed memory back and forgets the peak, where the system can
std::string build_description();  // "x86_64, gcc 12.2.0, release"

}  // namespace altocast
