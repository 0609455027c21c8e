// What a program that runs unattended owes to the system it runs on: signals that end it or make it read its settings
// again, and words to systemd (sd_notify(3), spoken over its socket without its library).
#pragma once

#include <string>

namespace altocast {

// From here on SIGTERM and SIGINT ask the program to end (a second one ends it at once), and SIGHUP to read its
// settings again.
void catch_signals();
bool end_asked();
bool reload_asked();  // since the last call

// Waits until `descriptor` (−1: none) is readable, a signal has come, or `seconds` are over. True if it is readable.
bool wait_for(int descriptor, double seconds);

// "READY=1", "WATCHDOG=1", "STATUS=…"; without systemd nothing happens.
void notify_service_manager(const std::string& words);

// How often systemd wants to hear "WATCHDOG=1", in seconds; 0 if it does not.
double watchdog_seconds();

}  // namespace altocast
