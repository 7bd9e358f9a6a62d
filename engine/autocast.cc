#include "engine/autocast.h"

#include <utility>

#include "kernels/error.h"

namespace orbit {
namespace {

thread_local Precision current_precision = Precision::kF32;

}  // namespace

const char* NameOf(Precision precision) {
  switch (precision) {
    case Precision::kF32:
      return "f32";
    case Precision::kTf32:
      return "tf32";
    case Precision::kBf16:
      return "bf16";
  }
  Fail("unknown precision ", static_cast<int>(precision));
}

Precision ParsePrecision(const std::string& name) {
  for (const Precision precision : {Precision::kF32, Precision::kTf32, Precision::kBf16})
    if (name == NameOf(precision)) return precision;
  Fail("unknown precision '", name, "'; known: f32, tf32, bf16");
}

Autocast::Autocast(Precision precision) : previous_(std::exchange(current_precision, precision)) {}
Autocast::~Autocast() { current_precision = previous_; }
Precision Autocast::current() { return current_precision; }

}  // namespace orbit
