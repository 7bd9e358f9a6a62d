#include "data/nbody/svml_power.h"

#include <cmath>
#include <limits>

namespace orbit {
namespace {

// Computes x^y = 2^(y log2 x), with log2 x to about 70 bits:
//   x = 2^(e + 1) m with m in [1/2, 1),  c = 1/m to 5 bits,  r = c m - 1,
//   log2 x = (e + 1) - log2 c + log2(1 + r),
// the first two from a table in two parts, the last a polynomial whose first two terms are carried in two parts; then
// 2^t = 2^floor(t) 2^(i/16) 2^f, from a table and a polynomial. The numbers are those of the SVML that NumPy ships
// (Copyright Intel Corporation, BSD-3-Clause); no other numbers would round alike.

// -log2 c for c = 1 + i/32, plus 1 from c = 3/2 on: the part in multiples of 2^-40, and the rest.
constexpr double kLogHigh[] = {0x0p0,
                               -0x1.6bad3758ep-5,
                               -0x1.663f6fac9p-4,
                               -0x1.08c588cda8p-3,
                               -0x1.5c01a39fcp-3,
                               -0x1.acf5e2db5p-3,
                               -0x1.fbc16b9028p-3,
                               -0x1.24407ab0ep-2,
                               -0x1.49a784bcdp-2,
                               -0x1.6e221cd9dp-2,
                               -0x1.91bba891fp-2,
                               -0x1.b47ebf7388p-2,
                               -0x1.d6753e033p-2,
                               -0x1.f7a8568cbp-2,
                               -0x1.0c10500d64p-1,
                               -0x1.1bf311e95ep-1,
                               0x1.a8ff97181p-2,
                               0x1.8a8980abfcp-2,
                               0x1.6cb0f6865cp-2,
                               0x1.4f6fbb2cecp-2,
                               0x1.32bfee371p-2,
                               0x1.169c05364p-2,
                               0x1.f5fd8a906p-3,
                               0x1.bfc67a8p-3,
                               0x1.8a8980abf8p-3,
                               0x1.563dc29ff8p-3,
                               0x1.22dadc2abp-3,
                               0x1.e0b1ae8f3p-4,
                               0x1.7d60496dp-4,
                               0x1.1bb32a6p-4,
                               0x1.77394c9dap-5,
                               0x1.743ee862p-6};
constexpr double kLogLow[] = {0x0p0,
                              -0x1.fb0e626c0de13p-42,
                              -0x1.3167ccc538261p-44,
                              0x1.871a7610e40bdp-45,
                              0x1.4bc302ffa76fbp-42,
                              0x1.36c101ee1344p-43,
                              0x1.7f5dc57266758p-43,
                              -0x1.ce60916e52e91p-44,
                              -0x1.b8afe492bf6ffp-42,
                              -0x1.9bcaf1aa4168ap-43,
                              -0x1.708b4b2b5056cp-42,
                              -0x1.50520a377c7ecp-45,
                              0x1.5f101c141e67p-42,
                              -0x1.b3b3864c60011p-44,
                              0x1.5669df6a2b592p-43,
                              0x1.fe43895d8ac46p-42,
                              0x1.4bc302ffa76fbp-43,
                              -0x1.66cccab240e9p-45,
                              0x1.1d406db502403p-43,
                              0x1.661e393a16b95p-44,
                              -0x1.1979a5db68722p-42,
                              -0x1.d4f1b95e0ff45p-43,
                              0x1.f1a4847f7b278p-42,
                              -0x1.667f21fa8423fp-44,
                              0x1.e9933354dbf17p-42,
                              0x1.6590643906f2ap-42,
                              0x1.a4b69691d7994p-42,
                              -0x1.54cda62d3926ep-47,
                              -0x1.12ce6312ebb82p-42,
                              0x1.52743318a8a57p-42,
                              -0x1.4e55443478fep-42,
                              -0x1.95539356f93dcp-43};
constexpr double kExp2[] = {0x1p0,
                            0x1.0b5586cf9890fp0,
                            0x1.172b83c7d517bp0,
                            0x1.2387a6e756238p0,
                            0x1.306fe0a31b715p0,
                            0x1.3dea64c123422p0,
                            0x1.4bfdad5362a27p0,
                            0x1.5ab07dd485429p0,
                            0x1.6a09e667f3bcdp0,
                            0x1.7a11473eb0187p0,
                            0x1.8ace5422aa0dbp0,
                            0x1.9c49182a3f09p0,
                            0x1.ae89f995ad3adp0,
                            0x1.c199bdd85529cp0,
                            0x1.d5818dcfba487p0,
                            0x1.ea4afa2a490dap0};
constexpr double kInverseLn2 = 0x1.71547652b82fep0, kInverseLn2Low = 0x1.777f3ee5e912fp-56;
// log2(1 + r) = r / ln 2 - r^2 / (2 ln 2) + r^2 (these, from r^7 down to the rest of r^0)
constexpr double kLog[] = {0x1.48799f5374b96p-3, -0x1.717e59a559f5dp-3, 0x1.a6175fca19d03p-3, -0x1.ec709bc8fb8dfp-3,
                           0x1.2776c50f03272p-2, -0x1.71547652bc9eap-2, 0x1.ec709dc3a03fcp-2, 0x1.36b5ddffe5b67p-57};
// 2^f = 1 + f (these, from f^5 down)
constexpr double kExp[] = {0x1.4a1d7f58c2d59p-13, 0x1.5d7472783d279p-10, 0x1.3b2ad1b14ebaap-7,
                           0x1.c6b08d4ad8eb9p-5,  0x1.ebfbdff84554dp-3,  0x1.62e42fefa398bp-1};

// Inlined into every version of the loop below, so that it is compiled for the same processors.
[[gnu::always_inline]] inline double Power(double x) {
  const uint64_t bits = __builtin_bit_cast(uint64_t, x);
  double exponent = static_cast<double>(static_cast<int64_t>(bits >> 52) - 1023);
  const double mantissa = __builtin_bit_cast(double, (bits & 0x000fffffffffffff) | 0x3fe0000000000000);
  const double c = std::rint(32 / mantissa) / 32;
  const double r = std::fma(c, mantissa, -1.0);
  const uint64_t i = __builtin_bit_cast(uint64_t, c) >> 47 & 31;
  exponent += c < 1.5 ? 1 : 0;

  const double whole = exponent + kLogHigh[i];
  const double first = std::fma(kInverseLn2, r, whole);
  const double first_low = std::fma(kInverseLn2Low, r, std::fma(r, kInverseLn2, whole - first));
  const double square = r * r, square_low = std::fma(r, r, -square);
  const double second = std::fma(-kInverseLn2 / 2, square, first);
  const double second_low = std::fma(-kInverseLn2 / 2, square, first - second);
  double rest = std::fma(square, std::fma(kLog[0], r, kLog[1]), std::fma(kLog[2], r, kLog[3]));
  rest = std::fma(square, rest, std::fma(kLog[4], r, kLog[5]));
  rest = std::fma(square, rest, std::fma(kLog[6], r, kLog[7]));
  rest = std::fma(rest, square, std::fma(-kInverseLn2 / 2, square_low, kLogLow[i]));
  const double log = rest + second;
  const double log_low = (rest - (log - second)) + (second_low + first_low);

  constexpr double kPower = 1.5;
  const double nearest = kPower * log, beyond = std::fma(kPower, log, -nearest);
  const bool too_far = nearest > 0 ? beyond < 0 : beyond > 0;  // the product is rounded towards zero
  const double t = __builtin_bit_cast(double, __builtin_bit_cast(uint64_t, nearest) - too_far);
  const double t_low = std::fma(kPower, log_low, std::fma(kPower, log, -t));
  const double sixteenths = std::floor(16 * t);
  const int64_t n = static_cast<int64_t>(sixteenths);
  const double f = (t - sixteenths / 16) + t_low;
  const double f2 = f * f, start = kExp2[n & 15];
  double series = std::fma(f2, std::fma(kExp[0], f, kExp[1]), std::fma(kExp[2], f, kExp[3]));
  series = std::fma(f2, series, std::fma(kExp[4], f, kExp[5]));
  const double scale = __builtin_bit_cast(double, static_cast<uint64_t>((n >> 4) + 1023) << 52);
  return std::fma(start * f, series, start) * scale;
}

}  // namespace

// Compiled for processors with and without fused multiply-add; the version is chosen when the program is loaded.
__attribute__((target_clones("fma", "default"))) void PowerThreeHalves(double* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const bool usual = x[i] >= std::numeric_limits<double>::min() && x[i] < 1e200;
    x[i] = usual ? Power(x[i]) : std::pow(x[i], 1.5);
  }
}

}  // namespace orbit
