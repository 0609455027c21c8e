// The seam between what is compiled once (native_kernels.cpp: packing, partition, threads) and what is
// compiled once an instruction set (kernels_body.inl): plain structs and a table of functions. Nothing here
// is of the standard library's, since its inline functions would become weak symbols of an object that not
// every processor can run.
//
// Channels come in blocks of 16 floats on every instruction set. All strides are in floats.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "runtime/weight_loops.h"

namespace altocast::native {

constexpr int kBlock = 16;
constexpr int kMaxConvolutionTerms = 4;

struct ConvolveTerm {
  const float* src;  // pixel (0, 0) of channel block 0
  size_t block_stride;
  size_t row_stride;
  const float* packed;  // [destination block][source block][ky][kx][source channel][16], real source channels only
  size_t packed_block;  // floats a destination block
  int channels;         // of src
  int kernel;           // 1 or 3
};

constexpr int kNoActivation = -1;

struct ConvolveArgs {
  ConvolveTerm terms[kMaxConvolutionTerms];
  int term_count;
  const float* bias;  // [channels] or null
  float* dst;         // pixel (0, 0) of channel block 0
  int activation;     // ActivationKind, or kNoActivation
  float* activated;   // where act(dst) goes too, with the same strides; it may be dst
  size_t block_stride;
  size_t row_stride;
  int channels;  // of dst
  int height;
  int width;
};

// One source block against one destination block of one term.
struct WeightGradientArgs {
  const float* src;  // pixel (0, 0) of the source block
  size_t src_row_stride;
  const float* grad_dst;  // pixel (0, 0) of the destination block
  size_t grad_row_stride;
  int src_channels;  // real channels of the source block, 1 … 16
  int width;
  int kernel;
};

// A term's transformed weights, [destination block][36 points][source channel][16].
struct WinogradFactor {
  const float* packed;
  size_t block_stride;  // floats from one destination block to the next
  size_t point_stride;
  int channels;  // of the source
};

// One channel block that is cut into Winograd's tiles of 4×4 pixels, numbered row by row.
struct WinogradImage {
  const float* pixels;  // pixel (0, 0)
  size_t row_stride;
  int height;
  int width;
};

using ConvolveRow = void (*)(const ConvolveArgs& args, int first_block, int y);
using WinogradWeights = void (*)(const float* direct, int channels, float* packed, size_t point_stride);
using WinogradProducts = void (*)(const WinogradFactor& factor, int first_block, int blocks, const float* source,
                                  size_t source_tile, size_t source_point, float* products, size_t product_point,
                                  int count, bool resume);
using WinogradOutput = void (*)(const ConvolveArgs& args, int first_block, int blocks, int first_tile, int count,
                                const float* products, size_t product_point);
using WinogradTransform = void (*)(const WinogradImage& image, int first_tile, int count, float* to, size_t tile_stride,
                                   size_t point_stride);
using WinogradWeightGradient = void (*)(const float* source, const float* grad, int tiles, size_t point_stride,
                                        int src_channels, float* total);
using WeightGradientRows = void (*)(const WeightGradientArgs& args, int first_row, int last_row, float* total);
using AddWeightGradient = void (*)(const float* total, int taps, int ins, int outs, float* grad, size_t out_stride);
using Activate = void (*)(const float* z, const float* tan_z, const float* grad_a, const float* tan_grad_a, float* dst,
                          size_t count);

// Which of a layer's passes an activation function computes; see Kernels.
enum Pass { kForward, kBackward, kTangent, kTangentBackward, kPassCount };

struct KernelTable {
  const char* isa;       // avx512, avx2, scalar or neon
  int blocks_per_group;  // destination blocks that one convolve_row call computes

  // Row y of destination blocks [first_block, first_block + blocks_per_group), as far as they exist, and its
  // activation. Each number is summed in one order: bias, terms, source blocks, ky, kx, source channel, a fused
  // multiply-add each.
  ConvolveRow convolve_row;

  // Transforms [channels][ky][kx][16] to [36 points][channels][16], a point point_stride floats after the last.
  WinogradWeights winograd_weights;

  // products[36 points][count][blocks][16] = the weights of destination blocks [first_block, first_block + blocks), at
  // most blocks_per_group, times transformed tiles [36 points][count][source_tile], beginning with what is in products
  // where `resume` is true. Then the way back to pixels, and their activation.
  WinogradProducts winograd_products;
  WinogradOutput winograd_output;

  // Tiles [first_tile, first_tile + count) to [36 points][count][16]: of a layer's source, the 6×6 pixels around each;
  // of its output's gradient, the 4×4 pixels themselves.
  WinogradTransform winograd_source;
  WinogradTransform winograd_gradient;

  // total[ky][kx][source channel][16] += the weight gradient of `tiles` transformed tiles, [36 points][tiles][16] of a
  // source block and of a destination block: at each point one sum from zero by fused multiply-adds over tiles,
  // transformed back, then one addition.
  WinogradWeightGradient winograd_weight_gradient;

  // total[ky][kx][source channel][16] += Σ src[y][x + kx − pad] ⊗ grad_dst[y − ky + pad][x] over source rows
  // y in [first_row, last_row), x ascending inside: one sum from zero by fused multiply-adds, then one
  // addition. Reads grad_dst's halo rows, which hold zeros.
  WeightGradientRows weight_gradient_rows;

  // grad[out][in][tap] += total[tap][in][out], [taps][16][16], for the first `ins` and `outs`; rows of `out` lie
  // out_stride floats apart.
  AddWeightGradient add_weight_gradient;

  Activate activate[2][kPassCount];  // by ActivationKind

  const WeightLoops<float>* weight_loops;

  // `rounds` × fma_per_round independent fused multiply-adds in registers alone: the peak that shares are
  // taken of.
  float (*fma_loop)(long rounds);
  int fma_per_round;
};

}  // namespace altocast::native
