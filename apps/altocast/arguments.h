// A command's options. Written for this program instead of taken from a library: those that exist draw in the
// C++ library's streams and locales, a third of what the whole program may weigh. Values are read strictly
// (the whole text, within a range); whatever is wrong ends the program with a message that names the option and
// what it takes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "apps/altocast/command.h"
#include "runtime/kernels/kernels.h"

namespace altocast {

class Arguments {
 public:
  // `synopsis` is what follows the command's name in the usage line.
  Arguments(std::string command, std::string synopsis, std::string summary);

  // Declares --NAME and --NAME VALUE (or --NAME=VALUE).
  Arguments& flag(const std::string& name, const std::string& help);
  Arguments& value(const std::string& name, const std::string& placeholder, const std::string& help);
  Arguments& file();            // one argument without a name, read by text("file")
  Arguments& kernel_options();  // --threads, --isa, --cpu-mask
  Arguments& kernel_lists();    // the same, with commas: several numbers of threads and instruction sets

  Arguments& memory_option();  // --memory-limit

  // False if the help was asked for; it is printed then. Each option may be given once.
  bool parse(std::span<char*> argv);

  bool has(const std::string& name) const;
  std::string text(const std::string& name) const;  // must be given
  std::string text(const std::string& name, const std::string& fallback) const;
  std::optional<std::int64_t> integer(const std::string& name, std::int64_t low, std::int64_t high) const;
  int integer(const std::string& name, std::int64_t low, std::int64_t high, int fallback) const;
  std::uint64_t seed() const;          // --seed, 1 unless given
  std::uint64_t memory_limit() const;  // --memory-limit in bytes, 0 unless given
  float number(const std::string& name, float low, float high, float fallback) const;
  // "X,X,…", each finite; empty unless given.
  std::vector<double> numbers(const std::string& name) const;
  std::optional<std::int64_t> time(const std::string& name) const;
  std::pair<int, int> size(int fallback) const;  // --size HEIGHTxWIDTH
  std::vector<std::pair<int, int>> sizes(int fallback) const;
  // "A,B,…"; `fallback` alone unless given.
  std::vector<std::string> list(const std::string& name, const std::string& fallback) const;

  // The kernels that --threads and --isa ask for, their threads on the cores of --cpu-mask.
  std::unique_ptr<Kernels<float>> kernels() const;

  // A number of threads in a list, and kernels for it.
  int thread_count(const std::string& given) const;
  std::unique_ptr<Kernels<float>> kernels(const std::string& isa, int threads) const;

 private:
  struct Option {
    std::string name, placeholder, help;  // no placeholder: a flag
    bool positional = false;
    std::optional<std::string> given;  // "" for a flag
  };
  Option* find(const std::string& name);
  const Option& get(const std::string& name) const;
  void give(Option& option, const std::string& value);
  void print_help() const;

  std::string command_, synopsis_, summary_;
  std::vector<Option> options_;
};

}  // namespace altocast
