// Levels of four bits that name one of 16 uneven values.
//
//            bytes   elements   layout                                   value
//   IQ4_NL   18      32         d  qs[16]                                d v[q]
//   IQ4_XS   136     256        d  scales_h[2]  scales_l[4]  qs[128]     (d (s - 32)) v[q]
//
// d is f16; of 32 elements the first 16 are the low nibbles of 16 bytes, the others the high ones. IQ4_XS has eight
// sub-blocks of 32 with a scale s of 6 bits: sub-block j has its low four in nibble j of scales_l, low nibbles first,
// and the high two in bits 2 j and 2 j + 1 of scales_h.
#include "quant/block_bits.h"
#include "quant/blocks.h"

namespace spate {
namespace {

// The values that both formats consist of, from gguf-py (gguf/quants.py):
//
// MIT License. Copyright (c) 2023 Georgi Gerganov
//
// Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
// documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
// rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to
// permit persons to whom the Software is furnished to do so, subject to the following conditions:
//
// The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
// Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
// WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
// COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
// OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
constexpr float kValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

void Unpack32(float scale, const uint8_t* qs, float* out) {
  for (int i = 0; i < 32; ++i) out[i] = scale * kValues[BitsOf(qs[i % 16], i / 16 * 4, 4)];
}

}  // namespace

void UnpackIQ4Nl(const uint8_t* block, float* out) { Unpack32(F16At(block), block + 2, out); }

void UnpackIQ4Xs(const uint8_t* block, float* out) {
  const float d = F16At(block);
  for (int j = 0; j < 8; ++j) {
    const int scale = BitsOf(block[4 + j / 2], j % 2 * 4, 4) | BitsOf(block[2 + j / 4], j % 4 * 2, 2) << 4;
    Unpack32(d * static_cast<float>(scale - 32), block + 8 + j * 16, out + j * 32);
  }
}

}  // namespace spate
