#include "runtime/products/picture_writer.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <span>

namespace altocast {
namespace {

constexpr std::size_t kBatch = 64;  // pictures held in memory until they are written

}  // namespace

void PictureWriter::add_file(std::string name, Draw draw) {
  names_.push_back(name);
  jobs_.push_back({std::move(name), nullptr, std::move(draw)});
}

void PictureWriter::add_embedded(Png& png, Draw draw) { jobs_.push_back({{}, &png, std::move(draw)}); }

Status PictureWriter::write() {
  for (std::size_t first = 0; first < jobs_.size(); first += kBatch) {
    const std::span<Job> batch = std::span(jobs_).subspan(first, std::min(kBatch, jobs_.size() - first));
    std::vector<std::optional<Result<Png>>> pngs(batch.size());
    std::atomic<std::size_t> next = 0;  // pictures take very different times: who is done takes the next
    const auto work = [&](int) {
      for (std::size_t i; (i = next.fetch_add(1)) < batch.size();) pngs[i] = batch[i].draw();
    };
    if (threads_) {
      threads_->parallel_for(threads_->size(), work);
    } else {
      work(0);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Result<Png>& png = *pngs[i];
      if (!png.ok()) return png.status();
      if (batch[i].embedded) {
        *batch[i].embedded = *std::move(png);
      } else {
        ALTOCAST_RETURN_IF_ERROR(output_.add(batch[i].name, *png));
      }
    }
  }
  jobs_.clear();
  return {};
}

}  // namespace altocast
