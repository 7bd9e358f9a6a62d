#include "engine/random.h"

#include <utility>

#include "engine/dispatch.h"

namespace orbit {
namespace {

void CheckSpan(const char* of, const Span& span) {
  Check(span.first >= 0 && span.count >= 0 && span.first + span.count <= span.total, "a generator for ", span.count,
        " ", of, " from ", span.first, " on, of ", span.total);
}

}  // namespace

Generator::Generator(uint64_t seed, Tensor base) : Generator(seed) {
  Check(base.dtype() == DType::kI64 && base.size() == 1, "the base of a generator's streams is ", base.Describe());
  base_ = std::move(base);
}

Generator Generator::WithRows(const Span& rows) const {
  CheckSpan("rows", rows);
  Generator result = *this;
  result.rows_ = rows;
  return result;
}

Generator Generator::WithSamples(const Span& samples) const {
  CheckSpan("samples", samples);
  Check(rows_.total > 0, "a generator for samples of no rows");
  Generator result = *this;
  result.samples_ = samples;
  return result;
}

kernels::RandomStream Generator::NextStream(Device device) {
  Check(!base_.defined() || base_.device() == device, "random numbers on ", NameOf(device),
        " by a generator whose streams are counted on ", NameOf(base_.device()));
  return {seed_, stream_++, base_.data_or_null<int64_t>()};
}

kernels::StreamSlice Generator::SliceOf(const Shape& shape) const {
  const int64_t size = NumElements(shape);
  if (rows_.total == 0) return {.first = 0, .rows = 1, .size = size, .stride = size};
  const int64_t rows = rows_.count, samples = samples_.total > 0 ? samples_.count : 1;
  const int64_t leading = shape.empty() ? 1 : shape[0];
  const bool fits = samples_.total == 0
                        ? rows > 0 ? leading % rows == 0 : leading == 0
                        : leading == rows * samples || (leading == rows && shape.size() > 1 && shape[1] == samples);
  Check(fits, "random numbers ", ToString(shape), " for ", rows, " rows",
        samples_.total > 0 ? " of " + std::to_string(samples) + " samples" : "");
  if (size == 0) return {.first = 0, .rows = 0, .size = 0, .stride = 0};
  const int64_t sample = size / (rows * samples), row = samples_.total > 0 ? samples_.total * sample : sample;
  const int64_t first = rows_.first * row + samples_.first * sample;
  if (row == samples * sample) return {.first = first, .rows = 1, .size = size, .stride = size};
  return {.first = first, .rows = rows, .size = samples * sample, .stride = row};
}

Tensor Generator::Uniform(const Shape& shape, double low, double high, DType dtype, Device device) {
  Tensor x = Tensor::Empty(shape, dtype, device);
  const kernels::StreamSlice slice = SliceOf(shape);
  const kernels::RandomStream stream = NextStream(device);
  Dispatch("Uniform", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::FillUniform(device, stream, slice, T(low), T(high), x.data<T>());
  });
  return x;
}

Tensor Generator::UniformShared(const Shape& shape, double low, double high, DType dtype, Device device) {
  Generator whole = WithRows({});
  Tensor x = whole.Uniform(shape, low, high, dtype, device);
  stream_ = whole.stream_;
  return x;
}

Tensor Generator::Normal(const Shape& shape, double mean, double deviation, DType dtype, Device device) {
  Tensor x = Tensor::Empty(shape, dtype, device);
  const kernels::StreamSlice slice = SliceOf(shape);
  const kernels::RandomStream stream = NextStream(device);
  Dispatch("Normal", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::FillNormal(device, stream, slice, T(mean), T(deviation), x.data<T>());
  });
  return x;
}

}  // namespace orbit
