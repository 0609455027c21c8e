// How every altocast library function reports failure: a Status, or a Result<T> that holds either a value or the
// failed Status. Nothing throws across the library's interface. A message names the file, the place in it and,
// where one exists, the mend; it is written for the person at the terminal.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace altocast {

class [[nodiscard]] Status {
 public:
  Status() = default;  // success
  static Status error(std::string message) {
    Status status;
    status.message_ = std::move(message);
    status.failed_ = true;
    return status;
  }

  bool ok() const { return !failed_; }
  const std::string& message() const { return message_; }

  // The same failure seen from further out: "context: message".
  Status within(const std::string& context) const { return ok() ? *this : error(context + ": " + message_); }

 private:
  bool failed_ = false;
  std::string message_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}                                  // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) { assert(!status_.ok()); }  // NOLINT(google-explicit-constructor)

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  const std::string& message() const { return status_.message(); }

  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace altocast

// Leaves the enclosing function with the failure of `expression`, a Status.
#define ALTOCAST_RETURN_IF_ERROR(expression)                        \
  do {                                                              \
    if (::altocast::Status status_ = (expression); !status_.ok()) { \
      return status_;                                               \
    }                                                               \
  } while (false)
