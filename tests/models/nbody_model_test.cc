// Invalid options of the models on particles are rejected.
#include "models/nbody_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/error.h"

namespace orbit {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(NBodyModelOptionsTest, WhatMakesNoSenseIsRefused) {
  const auto make = [](const char* symmetry, const char* base, const char* distribution) {
    return [=] {
      Generator generator(0);
      MakeNBodyModel({.symmetry = symmetry, .base = base, .distribution = distribution}, generator);
    };
  };
  EXPECT_THAT(make("SnxO3", "gnn", "learned"), ThrowsMessage<Error>(HasSubstr("use symmetry O3 or SO3, not SnxO3")));
  EXPECT_THAT(make("SnxO2", "transformer", "learned"), ThrowsMessage<Error>(HasSubstr("'SnxO2' does not act on them")));
  EXPECT_THAT(make("SnxO3", "cnn", "learned"), ThrowsMessage<Error>(HasSubstr("unknown base function 'cnn'")));
  EXPECT_THAT(make("SnxO3", "transformer", "frames"), ThrowsMessage<Error>(HasSubstr("unknown distribution 'frames'")));
}

}  // namespace
}  // namespace orbit
