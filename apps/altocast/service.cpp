#include "apps/altocast/service.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace altocast {
namespace {

volatile sig_atomic_t end_signal = 0, reload_signal = 0;
int wake_pipe[2] = {-1, -1};

void on_signal(int signal) {
  const int saved = errno;
  if (signal == SIGHUP) {
    reload_signal = 1;
  } else {
    if (end_signal) _exit(128 + signal);  // all that counts is on disk at any moment
    end_signal = 1;
  }
  // Wakes wait_for(); a full pipe has woken it already.
  if (const ssize_t written = ::write(wake_pipe[1], "", 1); written < 0) errno = saved;
  errno = saved;
}

}  // namespace

void catch_signals() {
  if (::pipe2(wake_pipe, O_NONBLOCK | O_CLOEXEC) != 0) return;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

bool end_asked() { return end_signal != 0; }

bool reload_asked() {
  if (!reload_signal) return false;
  reload_signal = 0;
  return true;
}

bool wait_for(int descriptor, double seconds) {
  pollfd watched[2] = {{wake_pipe[0], POLLIN, 0}, {descriptor, POLLIN, 0}};
  const int ready = ::poll(watched, 2, static_cast<int>(std::clamp(seconds, 0.0, 1e6) * 1000));
  if (ready <= 0) return false;
  char bytes[64];
  while (::read(wake_pipe[0], bytes, sizeof bytes) > 0) {
  }
  return descriptor >= 0 && watched[1].revents != 0;
}

void notify_service_manager(const std::string& words) {
  const char* name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (name == nullptr || (name[0] != '/' && name[0] != '@') || std::strlen(name) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name, std::strlen(name));
  if (name[0] == '@') address.sun_path[0] = '\0';  // a name outside of the file system
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(name));
  ::sendto(socket, words.data(), words.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
  ::close(socket);
}

double watchdog_seconds() {
  const char* text = std::getenv("WATCHDOG_USEC");
  double microseconds = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), microseconds);
  return microseconds / 1e6;
}

}  // namespace altocast
