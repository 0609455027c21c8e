// What happens to damaged and hostile files of each kind: always a message that names the place, never a
// crash (the sanitizer builds run these too) and never a value that slipped through.
#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <limits>

#include "tests/formats/sample_noise.h"
#include "tests/formats/samples.h"

namespace altocast {
namespace {

struct Kind {
  FileKind kind;
  std::vector<std::uint8_t> bytes;
  std::function<Status(std::span<const std::uint8_t>)> parse;
};

template <class Parser>
auto status_of(Parser parser) {
  return [parser](std::span<const std::uint8_t> bytes) { return parser(bytes).status(); };
}

std::vector<Kind> kinds() {
  return {{FileKind::prior, serialize_prior(sample_prior(smallest_network())), status_of(parse_prior)},
          {FileKind::posterior, serialize_posterior(sample_posterior()), status_of(parse_posterior)},
          {FileKind::checkpoint, serialize_checkpoint(sample_checkpoint()), status_of(parse_checkpoint)}};
}

// The message says where: a byte, a section or the value's own name.
bool names_a_place(const std::string& message) {
  return message.find("byte") != std::string::npos || message.find("section") != std::string::npos;
}

void expect_refused(const Kind& kind, std::span<const std::uint8_t> bytes, const std::string& what) {
  // A copy of exactly this size, so that a sanitizer sees every read beyond the end.
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  const Status status = kind.parse(exact);
  EXPECT_FALSE(status.ok()) << to_string(kind.kind) << ", " << what;
  EXPECT_TRUE(names_a_place(status.message()) || bytes.empty())
      << to_string(kind.kind) << ", " << what << ": " << status.message();
}

// Where the record and the plane of a section begin.
struct Place {
  std::size_t record = 0, plane = 0, plane_bytes = 0;
};
Place place_of(const std::vector<std::uint8_t>& file, std::string_view name) {
  const std::size_t count = load_little<std::uint32_t>(file.data() + layout::kSectionCount);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = kContainerHeaderBytes + i * kSectionRecordBytes;
    if (reinterpret_cast<const char*>(file.data() + at) != name) continue;
    const auto type = load_little<std::uint32_t>(file.data() + at + layout::kRecordType);
    return {at, static_cast<std::size_t>(load_little<std::uint64_t>(file.data() + at + layout::kRecordOffset)),
            static_cast<std::size_t>(load_little<std::uint64_t>(file.data() + at + layout::kRecordDims)) *
                element_bytes(static_cast<ElementType>(type))};
  }
  ADD_FAILURE() << "no section " << name;
  return {};
}

TEST(BadFiles, The_samples_themselves_are_accepted_and_identified) {
  for (const Kind& kind : kinds()) {
    EXPECT_TRUE(kind.parse(kind.bytes).ok()) << kind.parse(kind.bytes).message();
    const auto identified = identify(kind.bytes);
    ASSERT_TRUE(identified.ok());
    EXPECT_EQ(*identified, kind.kind);
    std::vector<std::uint8_t> resealed = kind.bytes;
    reseal(resealed);
    EXPECT_EQ(resealed, kind.bytes) << "the tests' own sealing differs from the writer's";
  }
}

TEST(BadFiles, Empty_truncated_or_prolonged) {
  for (const Kind& kind : kinds()) {
    const std::span<const std::uint8_t> all(kind.bytes);
    for (std::size_t part = 0; part < 64; ++part) {
      expect_refused(kind, all.first(all.size() * part / 64), "cut at " + std::to_string(part) + "/64");
    }
    for (std::size_t size = 0; size < 200; ++size)
      expect_refused(kind, all.first(size), "cut at " + std::to_string(size));
    for (const std::size_t less : {1u, 31u, 32u, 33u, 64u})
      expect_refused(kind, all.first(all.size() - less), "end missing");
    for (const std::size_t more : {1u, 32u, 64u, 1000u}) {
      std::vector<std::uint8_t> longer = kind.bytes;
      longer.resize(longer.size() + more);
      expect_refused(kind, longer, "trailing bytes");
      // Nor when the header says that they belong to it.
      store_little(longer.data() + layout::kFileBytes, static_cast<std::uint64_t>(longer.size()));
      reseal(longer);
      expect_refused(kind, longer, "sealed trailing bytes");
    }
  }
}

TEST(BadFiles, Any_flipped_byte_of_header_and_section_table) {
  for (const Kind& kind : kinds()) {
    const std::size_t header_bytes = load_little<std::uint32_t>(kind.bytes.data() + layout::kHeaderBytes);
    for (std::size_t i = 0; i < header_bytes; ++i) {
      std::vector<std::uint8_t> bytes = kind.bytes;
      bytes[i] ^= 0xff;
      expect_refused(kind, bytes, "byte " + std::to_string(i));
    }
  }
}

TEST(BadFiles, Any_flipped_bit_in_planes_padding_and_trailer) {
  for (const Kind& kind : kinds()) {
    for (std::size_t trial = 0; trial < 400; ++trial) {
      std::vector<std::uint8_t> bytes = kind.bytes;
      const auto at = static_cast<std::size_t>(noise(trial) * static_cast<float>(bytes.size()));
      bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1u << (trial % 8)));
      expect_refused(kind, bytes, "bit of byte " + std::to_string(at));
    }
  }
}

// With all checksums made right again, whatever is changed in header and table must still be found or be
// harmless.
TEST(BadFiles, Sealed_changes_of_header_and_section_table_never_crash) {
  for (const Kind& kind : kinds()) {
    const std::size_t header_bytes = load_little<std::uint32_t>(kind.bytes.data() + layout::kHeaderBytes);
    for (std::size_t i = 0; i < header_bytes; ++i) {
      {
        const unsigned mask = i % 3 == 0 ? 0x01u : i % 3 == 1 ? 0x80u : 0xffu;
        std::vector<std::uint8_t> bytes = kind.bytes;
        bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ mask);
        reseal(bytes);
        const Status status = kind.parse(bytes);
        const bool minor_version = i == layout::kMinor || i == layout::kMinor + 1;
        const bool own_hash =
            kind.kind == FileKind::posterior && i >= layout::kArchitectureHash && i < layout::kReserved1;
        // Another name for a counter or a plane of a checkpoint is as good; a checksum field is put right
        // again.
        const std::size_t in_record = (i - kContainerHeaderBytes) % kSectionRecordBytes;
        const bool name = i >= kContainerHeaderBytes && in_record < layout::kRecordType;
        const bool crc = i >= kContainerHeaderBytes ? in_record >= layout::kRecordCrc && in_record < layout::kReserved2
                                                    : i >= layout::kRecordsCrc;
        if (minor_version || own_hash || crc) {
          EXPECT_TRUE(status.ok()) << i << ": " << status.message();
        } else if (!(name && kind.kind == FileKind::checkpoint)) {
          EXPECT_FALSE(status.ok()) << to_string(kind.kind) << ", byte " << i;
        }
      }
    }
  }
}

struct Hostile {
  const char* expected;
  std::function<void(std::vector<std::uint8_t>&)> damage;
};

void expect_message(const Kind& kind, const Hostile& hostile) {
  std::vector<std::uint8_t> bytes = kind.bytes;
  hostile.damage(bytes);
  reseal(bytes);
  const Status status = kind.parse(bytes);
  EXPECT_NE(status.message().find(hostile.expected), std::string::npos)
      << "expected '" << hostile.expected << "', got '" << status.message() << "'";
}

template <class T>
std::function<void(std::vector<std::uint8_t>&)> put(std::size_t at, T value) {
  return [at, value](std::vector<std::uint8_t>& bytes) { store_little(bytes.data() + at, value); };
}

TEST(BadFiles, Wrong_magic_version_and_kind_have_messages_of_their_own) {
  const Kind prior = kinds()[0];
  expect_message(prior, {"not an altocast file", put<std::uint8_t>(0, 'P')});
  expect_message(prior, {"line ends were changed", put<std::uint8_t>(4, '\n')});
  expect_message(prior, {"use a newer altocast", put<std::uint16_t>(layout::kMajor, 2)});
  expect_message(prior, {"unknown version 0", put<std::uint16_t>(layout::kMajor, 0)});
  expect_message(prior, {"unknown kind of file", put<std::uint16_t>(layout::kKind, 9)});
  expect_message(prior, {"a checkpoint file, not a prior", put<std::uint16_t>(layout::kKind, 3)});
  EXPECT_FALSE(identify(std::vector<std::uint8_t>{}).ok());
  EXPECT_FALSE(identify(std::vector<std::uint8_t>{'G', 'I', 'F', '8'}).ok());
  EXPECT_FALSE(identify(std::span<const std::uint8_t>(prior.bytes).first(20)).ok());
}

TEST(BadFiles, Hostile_counts_offsets_and_extents) {
  const Kind prior = kinds()[0];
  const Place mu = place_of(prior.bytes, "mu"), rho = place_of(prior.bytes, "rho"),
              facts = place_of(prior.bytes, "facts");
  constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
  const Hostile table[] = {
      {"more than the 4096 allowed", put(layout::kSectionCount, std::uint32_t{0xffffffff})},
      {"header's length", put(layout::kSectionCount, std::uint32_t{4096})},
      {"too small for its",
       [](auto& bytes) {
         store_little(bytes.data() + layout::kSectionCount, std::uint32_t{4096});
         store_little(bytes.data() + layout::kHeaderBytes, std::uint32_t{64 + 4096 * 128});
       }},
      {"header's length", put(layout::kHeaderBytes, std::uint32_t{0})},
      {"the header says", put(layout::kFileBytes, kHuge)},
      {"the header says", put(layout::kFileBytes, std::uint64_t{0})},
      {"can't hold", put(mu.record + layout::kRecordDims, kHuge)},
      {"can't hold",
       [&](auto& bytes) {
         // 2^32 × 2^32 would wrap to nothing.
         store_little(bytes.data() + mu.record + layout::kRecordRank, std::uint32_t{2});
         store_little(bytes.data() + mu.record + layout::kRecordDims, std::uint64_t{1} << 32);
         store_little(bytes.data() + mu.record + layout::kRecordDims + 8, std::uint64_t{1} << 32);
       }},
      {"can't hold",
       [&](auto& bytes) {
         // Nor may a zero extent hide a huge one before it.
         store_little(bytes.data() + mu.record + layout::kRecordRank, std::uint32_t{2});
         store_little(bytes.data() + mu.record + layout::kRecordDims, kHuge);
         store_little(bytes.data() + mu.record + layout::kRecordDims + 8, std::uint64_t{0});
       }},
      {"rank 0 is not", put(mu.record + layout::kRecordRank, std::uint32_t{0})},
      {"rank 5 is not", put(mu.record + layout::kRecordRank, std::uint32_t{5})},
      {"extent beyond the rank", put(mu.record + layout::kRecordDims + 24, std::uint64_t{2})},
      {"unknown element type", put(mu.record + layout::kRecordType, std::uint32_t{7})},
      {"begins at", put(mu.record + layout::kRecordOffset, std::uint64_t{0})},
      {"begins at", put(mu.record + layout::kRecordOffset, kHuge)},
      {"begins at", put(rho.record + layout::kRecordOffset, std::uint64_t{mu.plane})},        // overlap
      {"begins at", put(rho.record + layout::kRecordOffset, std::uint64_t{rho.plane + 64})},  // hole
      {"ends beyond", put(rho.record + layout::kRecordDims, std::uint64_t{rho.plane_bytes + 100})},
      {"padding after section 'facts' is not zero", put(facts.plane + facts.plane_bytes, std::uint8_t{1})},
      {"a second section 'mu'",
       [&](auto& bytes) { std::copy_n("mu\0", 3, bytes.begin() + static_cast<std::ptrdiff_t>(rho.record)); }},
      {"name is empty", put(mu.record, std::uint8_t{0})},
      {"name has no end",
       [&](auto&
               bytes) { std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(mu.record), 64, std::uint8_t{'m'}); }},
      {"printable ASCII", put(mu.record, std::uint8_t{0x1b})},
      {"not padded with zeros", put(mu.record + 40, std::uint8_t{'x'})},
      {"byte 14: reserved", put(layout::kReserved0, std::uint8_t{1})},
      {"byte 40: reserved", put(layout::kReserved1, std::uint8_t{1})},
      {"reserved bytes are not zero", put(mu.record + layout::kReserved2, std::uint8_t{1})},
      {"section 'mu' is missing", put(mu.record, std::uint8_t{'n'})},
      {"architecture hash", put(layout::kArchitectureHash, kHuge)},
  };
  for (const Hostile& hostile : table) expect_message(prior, hostile);
}

TEST(BadFiles, Values_out_of_range_in_a_prior) {
  const Kind prior = kinds()[0];
  const auto at = [&](const char* name, std::size_t byte) { return place_of(prior.bytes, name).plane + byte; };
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Hostile table[] = {
      {"'mu': mu[3] is nan", put(at("mu", 6), std::uint16_t{0x7e00})},
      {"'mu': mu[0] is inf", put(at("mu", 0), std::uint16_t{0x7c00})},
      {"'rho.range': rho.range[1] is nan", put(at("rho.range", 4), nan)},
      {"'rho': rho[0] is", put(at("rho.range", 0), 1e30f)},
      {"'log_noise': log_noise[1] is -inf", put(at("log_noise", 4), -inf)},
      {"'log_noise': log_noise[0] is 31", put(at("log_noise", 0), 31.0f)},
      {"'rate_mu': rate_mu[2] is -0.5", put(at("rate_mu", 8), -0.5f)},
      {"'rate_rho': rate_rho[0] is inf", put(at("rate_rho", 0), inf)},
      {"'inner.counts': steps", put(at("inner.counts", 0), std::int64_t{1} << 40)},
      {"'inner.counts': samples", put(at("inner.counts", 8), std::int64_t{0})},
      {"'inner.counts': flags", put(at("inner.counts", 16), std::int64_t{8})},
      {"'inner.counts': support_pairs", put(at("inner.counts", 24), std::int64_t{-1})},
      {"'inner.values'", put(at("inner.values", 0), -1.0f)},
      {"'normalisation'", put(at("normalisation", 4), 0.0f)},
      {"cadence", put(at("cadence", 0), std::int64_t{-900})},
      {"'network'", put(at("network", 0), std::int64_t{1} << 32)},
      {"'network'", put(at("network", 24), std::int64_t{7})},
      {"'network'", put(at("network", 32), std::int64_t{2})},
      {"architecture hash", put(at("network", 8), std::int64_t{3})},
      {"'channel'", put(at("channel", 0), std::uint8_t{0x1b})},
      {"'facts'", put(at("facts", 0), std::uint8_t{0xff})},
  };
  for (const Hostile& hostile : table) expect_message(prior, hostile);
}

TEST(BadFiles, A_noise_model_that_is_wrong_or_incomplete) {
  Prior noisy = sample_prior(smallest_network());
  noisy.noise = sample_noise_model(noisy.network.leads);
  Kind prior = kinds()[0];
  prior.bytes = serialize_prior(noisy);
  const auto plane = [&](const char* name) { return place_of(prior.bytes, name).plane; };
  const Hostile table[] = {
      {"noise.persistence[1] is 1", put(plane("noise.persistence") + 4, 1.0f)},
      {"noise.length[0] is -1", put(plane("noise.length"), -1.0f)},
      {"noise.amplitude[2] is nan", put(plane("noise.amplitude") + 8, std::numeric_limits<float>::quiet_NaN())},
      {"noise.amplitude_nodes[1] is not above", put(plane("noise.amplitude_nodes") + 4, -4.0f)},
      {"noise.position_nodes[8] is not above", put(plane("noise.position_nodes") + 32, -1.5f)},
      {"noise.quantiles[1] is below", put(plane("noise.quantiles") + 4, -1000.0f)},
      {"section 'noise.quantiles' is missing", put(place_of(prior.bytes, "noise.quantiles").record, std::uint8_t{'x'})},
  };
  for (const Hostile& hostile : table) expect_message(prior, hostile);
}

TEST(BadFiles, Values_out_of_range_in_posterior_and_checkpoint) {
  const Kind posterior = kinds()[1], checkpoint = kinds()[2];
  const float nan = std::numeric_limits<float>::quiet_NaN();
  expect_message(posterior, {"delta_mu[1] is nan", put(place_of(posterior.bytes, "delta_mu").plane + 4, nan)});
  expect_message(posterior, {"delta_rho[0] is inf", put(place_of(posterior.bytes, "delta_rho").plane,
                                                        std::numeric_limits<float>::infinity())});
  const Place frames = place_of(posterior.bytes, "frames");
  expect_message(posterior, {"last line has no end", put(frames.plane + frames.plane_bytes - 1, std::uint8_t{'x'})});
  expect_message(checkpoint, {"mu[2] is nan", put(place_of(checkpoint.bytes, "plane.mu").plane + 8, nan)});
  expect_message(checkpoint,
                 {"holds u64", put(place_of(checkpoint.bytes, "plane.adam.mu.second").record + layout::kRecordType,
                                   std::uint32_t{4})});
}

}  // namespace
}  // namespace altocast
