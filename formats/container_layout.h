// Where each field of the container's header and of a section record lies; shared by its writer and its
// reader. The same table, for people, is in docs/formats.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace altocast::layout {

// Not text (first byte), broken by every translation of line ends (CR LF, lone LF), and stops a DOS listing
// (^Z).
inline constexpr std::array<std::uint8_t, 8> kMagic = {0x8f, 'A', 'L', 'T', '\r', '\n', 0x1a, '\n'};

inline constexpr std::size_t kKind = 8;               // u16
inline constexpr std::size_t kMajor = 10;             // u16
inline constexpr std::size_t kMinor = 12;             // u16
inline constexpr std::size_t kReserved0 = 14;         // 2 zero bytes
inline constexpr std::size_t kHeaderBytes = 16;       // u32: header and records
inline constexpr std::size_t kSectionCount = 20;      // u32
inline constexpr std::size_t kFileBytes = 24;         // u64
inline constexpr std::size_t kArchitectureHash = 32;  // u64
inline constexpr std::size_t kReserved1 = 40;         // 16 zero bytes
inline constexpr std::size_t kRecordsCrc = 56;        // u32: of all section records
inline constexpr std::size_t kHeaderCrc = 60;         // u32: of the bytes before it

inline constexpr std::size_t kRecordName = 0;      // 64 bytes, padded with zeros
inline constexpr std::size_t kRecordType = 64;     // u32
inline constexpr std::size_t kRecordRank = 68;     // u32
inline constexpr std::size_t kRecordDims = 72;     // 4 × u64
inline constexpr std::size_t kRecordOffset = 104;  // u64
inline constexpr std::size_t kRecordCrc = 112;     // u32
inline constexpr std::size_t kReserved2 = 116;     // 12 zero bytes

inline constexpr std::size_t kAlignment = 64;
inline constexpr std::size_t kTrailerBytes = 32;

constexpr std::uint64_t align(std::uint64_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace altocast::layout
