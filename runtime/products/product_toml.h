// Reads what products take from cache.toml. Apart from its header, which should not draw in toml++.
#pragma once

#include "runtime/products/product_settings.h"
#include "runtime/toml_reader.h"

namespace altocast {

// The keys station, palette, thresholds, coastlines and georeference of `table`; others are the caller's. A path in
// it is taken to be relative to the folder of `path`. Fails with `path`, the line and what would do.
Status read_product_settings(const toml::table& table, const std::string& path, ProductSettings& settings);

}  // namespace altocast
