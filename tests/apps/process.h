// Runs a program as a process of its own, as a person would, and sends it signals.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/frame_files.h"

namespace altocast {

struct ProgramEnd {
  int code = -1;    // exit code, or −1 if a signal ended it
  int signal = 0;   // that signal
  std::string out;  // standard output
  std::string err;  // standard error
};

class Program {
 public:
  // Starts it with its output going to files in `folder`. Files that it writes can't grow beyond `file_limit`
  // bytes (0 = no limit); it is told so by a failing write, as on a full disk.
  Program(const TemporaryFolder& folder, std::vector<std::string> arguments, rlim_t file_limit = 0)
      : out_(folder / "stdout"), err_(folder / "stderr") {
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    child_ = fork();
    if (child_ != 0) return;
    dup2(open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    dup2(open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    if (file_limit > 0) {
      const rlimit limit{file_limit, file_limit};
      setrlimit(RLIMIT_FSIZE, &limit);
      std::signal(SIGXFSZ, SIG_IGN);
    }
    execvp(argv[0], argv.data());  // an emulator may stand in the PATH
    _exit(127);
  }
  ~Program() {
    if (child_ > 0) kill(child_, SIGKILL), waitpid(child_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void send(int signal) const { kill(child_, signal); }

  ProgramEnd wait() {
    int status = 0;
    EXPECT_EQ(waitpid(child_, &status, 0), child_);
    child_ = -1;
    ProgramEnd end;
    if (WIFEXITED(status)) end.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
    const Bytes out = read_bytes(out_), err = read_bytes(err_);
    end.out.assign(out.begin(), out.end());
    end.err.assign(err.begin(), err.end());
    return end;
  }

 private:
  std::string out_, err_;
  pid_t child_ = -1;
};

}  // namespace altocast
