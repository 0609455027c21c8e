#include "trainer/batch_result.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace altocast {
namespace {

template <class T>
void add_numbers(std::byte* into, const std::byte* from, std::size_t bytes) {
  auto* sum = reinterpret_cast<T*>(into);
  const auto* values = reinterpret_cast<const T*>(from);
  for (std::size_t i = 0; i < bytes / sizeof(T); ++i) sum[i] += values[i];
}

}  // namespace

BatchResult::BatchResult(const FitSettings& settings)
    : grad_theta(parameter_count(settings.network)), grad_log_noise(static_cast<std::size_t>(settings.network.leads)) {
  const std::size_t rates = parameter_layout(settings.network).size();
  grad_log_rates = {std::vector<double>(rates), std::vector<double>(rates)};
}

void BatchResult::clear() {
  for_each_plane(*this,
                 [](auto values) { std::fill(values.begin(), values.end(), typename decltype(values)::value_type{}); });
}

void BatchResult::divide(int tasks) {
  for_each_plane(*this, [tasks](auto values) {
    using T = typename decltype(values)::value_type;
    if constexpr (std::is_same_v<T, float>) {
      const auto scale = static_cast<float>(1.0 / tasks);
      for (float& value : values) value *= scale;
    } else if constexpr (std::is_same_v<T, double>) {
      for (double& value : values) value /= tasks;
    }
  });
}

bool BatchResult::is_finite() const {
  double sum = 0;
  for_each_plane(*this, [&sum](auto values) {
    for (const auto value : values) sum += static_cast<double>(value);
  });
  return std::isfinite(sum);
}

PlaneAddresses addresses(BatchResult& result) {
  PlaneAddresses planes;
  BatchResult::for_each_plane(result, [&](auto values) { planes.push_back(std::as_writable_bytes(values).data()); });
  return planes;
}

BlockRow::BlockRow(const BatchResult& like) {
  BatchResult::for_each_plane(like, [this](auto values) {
    using T = std::remove_const_t<typename decltype(values)::element_type>;
    planes_.push_back({size_, values.size_bytes(), add_numbers<T>});
    size_ += (values.size_bytes() + sizeof(Block) - 1) / sizeof(Block);
  });
}

// Calls visit(plane's index, byte in the plane, byte in the range, bytes) for every plane that meets the range.
template <class Visit>
void BlockRow::for_each_piece(std::size_t first, std::size_t end, const Visit& visit) const {
  for (std::size_t p = 0; p < planes_.size(); ++p) {
    const Plane& plane = planes_[p];
    const std::size_t begin = std::max(first, plane.first_block);
    const std::size_t plane_begin = (begin - plane.first_block) * sizeof(Block);
    if (begin >= end || plane_begin >= plane.bytes) continue;
    const std::size_t bytes = std::min(plane.bytes - plane_begin, (end - begin) * sizeof(Block));
    visit(p, plane_begin, (begin - first) * sizeof(Block), bytes);
  }
}

void BlockRow::pack(const PlaneAddresses& planes, std::size_t first, std::size_t end, Block* packed) const {
  std::fill(packed, packed + (end - first), Block{});
  auto* bytes = reinterpret_cast<std::byte*>(packed);
  for_each_piece(first, end, [&](std::size_t p, std::size_t in_plane, std::size_t in_range, std::size_t count) {
    std::memcpy(bytes + in_range, planes[p] + in_plane, count);
  });
}

void BlockRow::unpack(const Block* packed, std::size_t first, std::size_t end, const PlaneAddresses& planes) const {
  const auto* bytes = reinterpret_cast<const std::byte*>(packed);
  for_each_piece(first, end, [&](std::size_t p, std::size_t in_plane, std::size_t in_range, std::size_t count) {
    std::memcpy(planes[p] + in_plane, bytes + in_range, count);
  });
}

void BlockRow::add(const PlaneAddresses& into, const PlaneAddresses& from, std::size_t first, std::size_t end) const {
  for_each_piece(first, end, [&](std::size_t p, std::size_t in_plane, std::size_t, std::size_t count) {
    planes_[p].add(into[p] + in_plane, from[p] + in_plane, count);
  });
}

void BlockRow::add(Block* into, const Block* from, std::size_t first, std::size_t end) const {
  auto* sum = reinterpret_cast<std::byte*>(into);
  const auto* values = reinterpret_cast<const std::byte*>(from);
  for_each_piece(first, end, [&](std::size_t p, std::size_t, std::size_t in_range, std::size_t count) {
    planes_[p].add(sum + in_range, values + in_range, count);
  });
}

}  // namespace altocast
