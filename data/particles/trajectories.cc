#include "data/particles/trajectories.h"

#include <cmath>
#include <filesystem>
#include <vector>

#include "data/io/npy.h"

namespace orbit {
namespace {

// The path of the only file BEGINNING*.npy in a folder; empty if there is none.
std::string FindFile(const std::string& folder, const std::string& beginning) {
  std::string found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.starts_with(beginning) || !name.ends_with(".npy")) continue;
    Check(found.empty(), folder, " has ", std::filesystem::path(found).filename().string(), " and ", name,
          ": which of them is meant?");
    found = entry->path();
  }
  Check(!error, "cannot list ", folder, ": ", error.message());
  return found;
}

// The numbers of a file; the first axis counts trajectories.
struct Array {
  std::string path;
  Shape shape;
  std::vector<double> values;

  bool exists() const { return !path.empty(); }
};

Array ReadArray(const std::string& path) {
  if (path.empty()) return {};
  const Tensor tensor = ReadNpy(path);
  Check(tensor.rank() >= 2, path, " is ", ToString(tensor.shape()), ", not an array of trajectories");
  Array array{path, tensor.shape(), tensor.ToVector<double>()};
  for (size_t i = 0; i < array.values.size(); ++i)
    Check(std::isfinite(array.values[i]), path, ": ", array.values[i], " in trajectory ",
          i / (array.values.size() / static_cast<size_t>(array.shape[0])));
  return array;
}

// Throws Error if the array exists and has another shape.
void CheckShape(const Array& array, const Shape& shape, const Array& like) {
  Check(!array.exists() || array.shape == shape, array.path, " is ", ToString(array.shape), "; with ", like.path,
        " it has to be ", ToString(shape));
}

// A frame of an array [count, frames, d, n] (or [count, d, n]), as [count, n, d].
Tensor Frame(const Array& array, int64_t frame, int64_t frames) {
  const int64_t count = array.shape[0], d = array.shape[array.shape.size() - 2], n = array.shape.back();
  std::vector<double> turned(count * n * d);
  for (int64_t t = 0; t < count; ++t)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t k = 0; k < d; ++k)
        turned[(t * n + i) * d + k] = array.values[((t * frames + frame) * d + k) * n + i];
  return Tensor::From(turned, {count, n, d});
}

}  // namespace

std::optional<ParticleFrames> ReadTrajectories(const std::string& folder, Split split, const FramePair& pair) {
  const auto find = [&](const std::string& what) { return FindFile(folder, what + "_" + NameOf(split)); };
  const std::string input = std::to_string(pair.input), target = std::to_string(pair.target);
  const std::string all_frames = find("loc"), one_frame = find("loc" + input);
  Check(all_frames.empty() || one_frame.empty(), folder, " has ", all_frames, " with all frames and ", one_frame,
        " with one: which of them is meant?");
  if (all_frames.empty() && one_frame.empty()) return std::nullopt;
  const bool with_axis = one_frame.empty();

  const Array positions = ReadArray(with_axis ? all_frames : one_frame);
  const std::string velocity = with_axis ? "vel" : "vel" + input;
  const Array velocities = ReadArray(find(velocity)), charges = ReadArray(find("charges")),
              couplings = ReadArray(find("edges"));
  Check(velocities.exists(), folder, " has ", positions.path, " but no ", velocity, "_", NameOf(split), "*.npy");
  const size_t axes = with_axis ? 4 : 3;
  Check(positions.shape.size() == axes, positions.path, " is ", ToString(positions.shape), ", not ",
        with_axis ? "[trajectory, frame, d, n]" : "[trajectory, d, n]");
  const int64_t count = positions.shape[0], frames = with_axis ? positions.shape[1] : 1, d = positions.shape[axes - 2],
                n = positions.shape[axes - 1];
  Check((d == 2 || d == 3) && n >= 2 && count >= 1, positions.path, " is ", ToString(positions.shape), ": ", count,
        " trajectories of ", n, " particles in ", d,
        " dimensions; at least one trajectory of two particles in 2 or 3 dimensions is needed");
  CheckShape(velocities, positions.shape, positions);
  CheckShape(couplings, {count, n, n}, positions);
  CheckShape(charges, charges.shape.size() == 2 ? Shape{count, n} : Shape{count, n, 1}, positions);

  ParticleFrames result;
  if (charges.exists()) result.charges = Tensor::From(charges.values, {count, n});
  if (couplings.exists()) result.couplings = Tensor::From(couplings.values, {count, n, n});
  if (with_axis) {
    Check(pair.input >= 0 && pair.input < frames && pair.target > pair.input, positions.path, " has the frames 0 to ",
          frames - 1, "; frames ", pair.input, " and ", pair.target, " were asked for");
    result.positions = Frame(positions, pair.input, frames);
    result.velocities = Frame(velocities, pair.input, frames);
    if (pair.target < frames) result.targets = Frame(positions, pair.target, frames);
  } else {
    const Array targets = ReadArray(find("loc" + target));
    CheckShape(targets, positions.shape, positions);
    result.positions = Frame(positions, 0, 1);
    result.velocities = Frame(velocities, 0, 1);
    if (targets.exists()) result.targets = Frame(targets, 0, 1);
  }
  return result;
}

}  // namespace orbit
