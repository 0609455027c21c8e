#include "runtime/station/verification_journal.h"

#include <algorithm>
#include <cstring>

#include "formats/byte_order.h"

namespace altocast {
namespace {

enum RecordKind : std::uint32_t { kKeyRecord = 1, kCaseRecord = 2, kSumsRecord = 3 };
constexpr std::size_t kMostPerCase = 4096;  // of scores of a system, bytes of a text: what a damaged record may ask for

// Numbers to bytes and back. Reading beyond the end makes it no good; numbers are then 0.
class Writer {
 public:
  template <class T>
  void operator()(const T& value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    store_little(bytes_.data() + at, value);
  }
  void text(const std::string& value) {
    const std::size_t size = std::min(value.size(), kMostPerCase);
    (*this)(static_cast<std::uint32_t>(size));
    bytes_.insert(bytes_.end(), value.begin(), value.begin() + static_cast<std::ptrdiff_t>(size));
  }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  template <class T>
  void operator()(T& value) {
    good_ = good_ && bytes_.size() >= sizeof(T);
    value = good_ ? load_little<T>(bytes_.data()) : T{};
    if (good_) bytes_ = bytes_.subspan(sizeof(T));
  }
  std::size_t count() {
    std::uint32_t value = 0;
    (*this)(value);
    good_ = good_ && value <= kMostPerCase;
    return good_ ? value : 0;
  }
  void text(std::string& value) {
    const std::size_t size = count();
    good_ = good_ && bytes_.size() >= size;
    if (!good_) return;
    value.assign(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(size));
    bytes_ = bytes_.subspan(size);
  }
  bool finished() const { return good_ && bytes_.empty(); }

 private:
  std::span<const std::uint8_t> bytes_;
  bool good_ = true;
};

// In one order for both ways.
void each_number(auto& record, auto& visit) {
  visit(record.time);
  visit(record.guard.held_back);
  visit(record.guard.trial_pairs);
  visit(record.guard.trial_from);
  visit(record.guard.prior_crps);
  visit(record.guard.combined_crps);
  visit(record.guard.adapted_crps);
  visit(record.support_pairs);
  visit(record.nll_before);
  visit(record.nll_after);
  visit(record.kl);
}

std::vector<std::uint8_t> to_bytes(const VerifiedCase& record) {
  Writer writer;
  each_number(record, writer);
  writer(static_cast<std::uint32_t>(record.guard.verdict));
  writer.text(record.guard.reason);
  for (const std::vector<CaseScores>& scores : record.scores) {
    writer(static_cast<std::uint32_t>(scores.size()));
    for (const CaseScores& lead : scores) {
      writer(lead.mae);
      writer(lead.crps);
    }
  }
  return writer.bytes();
}

bool from_bytes(std::span<const std::uint8_t> bytes, VerifiedCase& record) {
  Reader reader(bytes);
  each_number(record, reader);
  std::uint32_t verdict = 0;
  reader(verdict);
  record.guard.verdict =
      static_cast<GuardVerdict>(std::min(verdict, static_cast<std::uint32_t>(GuardVerdict::combined)));
  reader.text(record.guard.reason);
  for (std::vector<CaseScores>& scores : record.scores) {
    scores.resize(reader.count());
    for (CaseScores& lead : scores) {
      reader(lead.mae);
      reader(lead.crps);
    }
  }
  return reader.finished();
}

void each_number(VerificationSums& sums, auto& visit) {
  const auto each = [&](auto& number) { visit(number); };
  for (std::vector<LeadScores>& leads : sums.systems) {
    for (LeadScores& scores : leads) scores.each_number(each);
  }
  for (EnergySums& energy : sums.energy) energy.each_number(each);
}

}  // namespace

Result<VerificationJournal> VerificationJournal::open(const std::string& path, std::chrono::milliseconds interval) {
  Result<RecordLog> log = RecordLog::open(path);
  if (!log.ok()) return log.status();
  // A file of other things is not ours to empty.
  bool ours = false, any = false;
  ALTOCAST_RETURN_IF_ERROR(log->read([&](std::uint32_t kind, std::span<const std::uint8_t> payload, std::uint64_t) {
    ours = kind == kKeyRecord && payload.size() == sizeof(Sha256Digest);
    any = true;
    return false;
  }));
  const bool torn = !any && log->size() > 0;
  if ((any && !ours) || (torn && log->size() > sizeof(Sha256Digest) + 12))
    return Status::error(path + ": holds something else than a verification's progress; remove it or write elsewhere");
  return VerificationJournal(*std::move(log), interval);
}

Result<std::size_t> VerificationJournal::resume(const Sha256Digest& key, VerificationSums& sums) {
  std::size_t cases = 0, done = 0;
  std::uint64_t end = 0;
  bool same = false;
  std::vector<std::uint8_t> last;
  ALTOCAST_RETURN_IF_ERROR(
      log_.read([&](std::uint32_t kind, std::span<const std::uint8_t> payload, std::uint64_t offset) {
        if (offset == sizeof(Sha256Digest) + 12) {
          same = kind == kKeyRecord && std::equal(payload.begin(), payload.end(), key.begin(), key.end());
          end = offset;
          return same;
        }
        if (kind == kCaseRecord) ++cases;
        if (kind == kSumsRecord) {
          last.assign(payload.begin(), payload.end());
          done = cases;
          end = offset;
        }
        return true;
      }));
  if (!same) {
    ALTOCAST_RETURN_IF_ERROR(log_.truncate(0));
    ALTOCAST_RETURN_IF_ERROR(log_.append(kKeyRecord, key));
    ALTOCAST_RETURN_IF_ERROR(log_.sync());
    return std::size_t{0};
  }
  cases_ = done;
  ALTOCAST_RETURN_IF_ERROR(log_.truncate(end));
  if (done == 0) return done;
  Reader reader(last);
  each_number(sums, reader);
  if (!reader.finished())
    return Status::error(log_.path() + ": its sums are of another shape; remove it to begin anew");
  return done;
}

Status VerificationJournal::add(const VerifiedCase& record, VerificationSums& sums, bool last) {
  ALTOCAST_RETURN_IF_ERROR(log_.append(kCaseRecord, to_bytes(record)));
  ++cases_;
  if (!last && Clock::now() - written_ < interval_) return {};
  Writer writer;
  each_number(sums, writer);
  ALTOCAST_RETURN_IF_ERROR(log_.append(kSumsRecord, writer.bytes()));
  written_ = Clock::now();
  return log_.sync();
}

Status VerificationJournal::for_each_case(const std::function<Status(const VerifiedCase&)>& visit) {
  Status status;
  ALTOCAST_RETURN_IF_ERROR(log_.read([&](std::uint32_t kind, std::span<const std::uint8_t> payload, std::uint64_t) {
    if (kind != kCaseRecord) return true;
    VerifiedCase record;
    status = from_bytes(payload, record) ? visit(record)
                                         : Status::error(log_.path() + ": a case does not read back; remove it");
    return status.ok();
  }));
  return status;
}

}  // namespace altocast
