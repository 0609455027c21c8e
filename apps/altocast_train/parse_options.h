// What every command does first with its arguments.
#pragma once

#include <cstdio>
#include <cxxopts.hpp>
#include <optional>
#include <span>

namespace altocast {

// The parsed options, or nothing if --help asked for the text, which is then printed. Throws as cxxopts does.
inline std::optional<cxxopts::ParseResult> parse_options(cxxopts::Options& options, std::span<char*> argv) {
  const int argc = static_cast<int>(argv.size());
  cxxopts::ParseResult parsed = options.parse(argc, argv.data());
  if (!parsed.count("help")) return parsed;
  std::puts(options.help().c_str());
  return {};
}

}  // namespace altocast
