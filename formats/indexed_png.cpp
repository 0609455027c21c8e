#include "formats/indexed_png.h"

#include <algorithm>

#include "formats/image.h"
#include "formats/image_codec.h"
#include "formats/png_chunk.h"

namespace altocast {
namespace {

constexpr std::uint8_t kIndexed = 3;  // the colour type

// The compressed pixels of a picture, each row as its difference from the one above: on fields, enlarged or not, as
// small as the best of PNG's filters row by row, whose choice takes longer than all else.
Result<std::vector<std::uint8_t>> compressed(const IndexedPicture& picture) {
  if (picture.colours.empty() || picture.colours.size() % 3 != 0 || picture.colours.size() > 768) {
    return Status::error("a picture needs 1 … 256 colours of red, green and blue");
  }
  const auto colours = picture.colours.size() / 3;
  if (std::any_of(picture.pixels.begin(), picture.pixels.end(), [&](std::uint8_t i) { return i >= colours; })) {
    return Status::error("a picture's pixel names a colour that it does not have");
  }
  ALTOCAST_RETURN_IF_ERROR(check_picture(picture.width, picture.height, 1, picture.pixels.size()));
  const auto width = static_cast<std::size_t>(picture.width);
  constexpr std::uint8_t kUp = 2;
  std::vector<std::uint8_t> rows;
  rows.reserve(picture.pixels.size() + static_cast<std::size_t>(picture.height));
  for (std::size_t at = 0; at < picture.pixels.size(); at += width) {
    rows.push_back(kUp);
    for (std::size_t i = at; i < at + width; ++i) {
      const std::uint8_t above = at > 0 ? picture.pixels[i - width] : std::uint8_t{0};
      rows.push_back(static_cast<std::uint8_t>(picture.pixels[i] - above));
    }
  }
  std::vector<std::uint8_t> data = codec_deflate(rows);
  if (data.empty()) return Status::error("not enough memory to compress a picture");
  return data;
}

std::vector<std::uint8_t> beginning(int width, int height) {
  std::vector<std::uint8_t> file(kPngSignature.begin(), kPngSignature.end());
  std::uint8_t header[13] = {};
  store_big(header, static_cast<std::uint32_t>(width));
  store_big(header + 4, static_cast<std::uint32_t>(height));
  header[8] = 8;
  header[9] = kIndexed;  // then deflate, adaptive filters, not interlaced: all zero
  append_png_chunk(file, "IHDR", header);
  return file;
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_png(const IndexedPicture& picture) {
  const Result<std::vector<std::uint8_t>> data = compressed(picture);
  if (!data.ok()) return data.status();
  std::vector<std::uint8_t> file = beginning(picture.width, picture.height);
  append_png_chunk(file, "PLTE", picture.colours);
  append_png_chunk(file, "IDAT", *data);
  append_png_chunk(file, "IEND", {});
  return file;
}

Status AnimatedPng::add(const IndexedPicture& picture, int milliseconds) {
  if (milliseconds < 0 || milliseconds > 65535) return Status::error("a picture is shown for 0 … 65535 ms");
  if (pictures_ == 0) {
    width_ = picture.width;
    height_ = picture.height;
  } else if (picture.width != width_ || picture.height != height_ || picture.colours.size() < colours_.size() ||
             !std::equal(colours_.begin(), colours_.end(), picture.colours.begin())) {
    return Status::error("the pictures of a loop must share their size and colours");
  }
  colours_.assign(picture.colours.begin(), picture.colours.end());
  const Result<std::vector<std::uint8_t>> data = compressed(picture);
  if (!data.ok()) return data.status();

  std::uint8_t control[26] = {};  // the whole picture at (0, 0), replacing what was there
  store_big(control, sequence_++);
  store_big(control + 4, static_cast<std::uint32_t>(width_));
  store_big(control + 8, static_cast<std::uint32_t>(height_));
  store_big(control + 20, static_cast<std::uint16_t>(milliseconds));
  store_big(control + 22, std::uint16_t{1000});
  append_png_chunk(body_, "fcTL", control);
  if (pictures_++ == 0) {
    append_png_chunk(body_, "IDAT", *data);
    return {};
  }
  std::vector<std::uint8_t> numbered(4);
  store_big(numbered.data(), sequence_++);
  numbered.insert(numbered.end(), data->begin(), data->end());
  append_png_chunk(body_, "fdAT", numbered);
  return {};
}

Result<std::vector<std::uint8_t>> AnimatedPng::finish() {
  if (pictures_ == 0) return Status::error("a loop needs pictures");
  std::vector<std::uint8_t> file = beginning(width_, height_);
  std::uint8_t control[8] = {};  // number of pictures; 0 = play for ever
  store_big(control, pictures_);
  append_png_chunk(file, "acTL", control);
  append_png_chunk(file, "PLTE", colours_);
  file.insert(file.end(), body_.begin(), body_.end());
  append_png_chunk(file, "IEND", {});
  return file;
}

}  // namespace altocast
