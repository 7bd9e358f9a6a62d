#include "data/nbody/nbody_simulator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>

#include "data/nbody/svml_power.h"
#include "kernels/error.h"
#include "kernels/parallel.h"

namespace orbit {
namespace {

constexpr double kStep = 1e-3;
constexpr double kLargestForce = 0.1 / kStep;
constexpr double kSpeed = 0.5;  // norm of every initial velocity
constexpr double kSpringStrength = 0.1;
constexpr double kBox = 5;        // half the side of the box that initial positions are reflected into
constexpr int64_t kTogether = 8;  // trajectories integrated side by side
constexpr int64_t kMaxParticles = 1000, kMaxSteps = 10000000;

// The drawn numbers of a trajectory: strengths [n, n] of the interactions, and coordinates [3, n].
struct Initial {
  std::vector<double> charges, strengths, position, velocity;
};

Initial Draw(const SimulatorOptions& options, NumpyRandom& random) {
  const int64_t n = options.particles;
  Initial initial{std::vector<double>(n, 0.0), std::vector<double>(n * n), std::vector<double>(3 * n),
                  std::vector<double>(3 * n)};
  constexpr std::array<double, 3> kProbabilities = {0.5, 0, 0.5};
  if (options.forces == Forces::kCharged) {
    constexpr std::array<double, 3> kCharges = {-1, 0, 1};
    for (double& charge : initial.charges) charge = random.Choice(kCharges, kProbabilities);
    for (int64_t i = 0; i < n * n; ++i) initial.strengths[i] = initial.charges[i / n] * initial.charges[i % n];
  } else {
    constexpr std::array<double, 3> kSprings = {0, 0.5, 1};
    for (int64_t i = 0; i < n * n; ++i) {
      const double spring = random.Choice(kSprings, kProbabilities);
      if (i % n < i / n) initial.strengths[i] = initial.strengths[i % n * n + i / n] = spring;
      if (i % n == i / n) initial.strengths[i] = 0;
    }
  }
  const double spread = options.forces == Forces::kCharged ? std::cbrt(static_cast<double>(n) / 5) : 0.5;
  for (double& x : initial.position) x = random.Normal() * spread;
  for (double& v : initial.velocity) v = random.Normal();
  for (int64_t i = 0; i < n; ++i) {
    double square = 0;
    for (int64_t d = 0; d < 3; ++d) square += initial.velocity[d * n + i] * initial.velocity[d * n + i];
    for (int64_t d = 0; d < 3; ++d)
      initial.velocity[d * n + i] = initial.velocity[d * n + i] * kSpeed / std::sqrt(square);
  }
  for (int64_t i = 0; i < 3 * n; ++i) {
    double& x = initial.position[i];
    if (std::abs(x) <= kBox) continue;
    x = std::copysign(2 * kBox, x) - x;
    initial.velocity[i] = std::copysign(initial.velocity[i], -x);
  }
  for (int64_t i = 0; i < 2 * options.frames() * 3 * n; ++i) random.Normal();  // observation noise of scale zero
  return initial;
}

// Integrates several trajectories side by side, in arrays [3, n, kTogether].
class Integrator {
 public:
  Integrator(const SimulatorOptions& options, std::span<const Initial> initial)
      : forces_(options.forces),
        n_(options.particles),
        strength_(n_ * n_ * kTogether, 0.0),
        position_(3 * n_ * kTogether),
        velocity_(3 * n_ * kTogether),
        force_(3 * n_ * kTogether),
        norm_(n_ * kTogether),
        size_(n_ * kTogether) {
    for (int64_t lane = 0; lane < kTogether; ++lane) {
      const Initial& from = initial[std::min<size_t>(lane, initial.size() - 1)];
      for (int64_t i = 0; i < n_ * n_; ++i) strength_[i * kTogether + lane] = from.strengths[i];
      for (int64_t i = 0; i < 3 * n_; ++i) {
        position_[i * kTogether + lane] = from.position[i];
        velocity_[i * kTogether + lane] = from.velocity[i];
      }
    }
    Kick();
  }

  void Step() {
    for (size_t i = 0; i < position_.size(); ++i) position_[i] += kStep * velocity_[i];
  }

  void Kick() {
    std::fill(force_.begin(), force_.end(), 0.0);
    for (int64_t i = 0; i < n_; ++i)
      for (int64_t lane = 0; lane < kTogether; ++lane) norm_[i * kTogether + lane] = Dot(i, i, lane);
    // For every i the sum over j runs in order, as in NumPy: the terms with j < i were added when i had the value j.
    for (int64_t i = 0; i < n_; ++i) forces_ == Forces::kCharged ? AddCoulomb(i) : AddSpring(i);
    for (size_t i = 0; i < force_.size(); ++i)
      velocity_[i] += kStep * std::clamp(force_[i], -kLargestForce, kLargestForce);
  }

  double position(int64_t d, int64_t i, int64_t lane) const { return position_[(d * n_ + i) * kTogether + lane]; }
  double velocity(int64_t d, int64_t i, int64_t lane) const { return velocity_[(d * n_ + i) * kTogether + lane]; }

 private:
  double Dot(int64_t i, int64_t j, int64_t lane) const {
    return position(0, i, lane) * position(0, j, lane) + position(1, i, lane) * position(1, j, lane) +
           position(2, i, lane) * position(2, j, lane);
  }

  // Squared distances are |a|^2 + |b|^2 - 2 a . b, as in the published simulator. That loses digits for close
  // particles, but in chaotic trajectories these digits matter, and so does the last digit of the power.
  void AddCoulomb(int64_t i) {
    for (int64_t j = i + 1; j < n_; ++j)
      for (int64_t lane = 0; lane < kTogether; ++lane)
        size_[j * kTogether + lane] = norm_[i * kTogether + lane] + norm_[j * kTogether + lane] - 2 * Dot(i, j, lane);
    PowerThreeHalves(&size_[(i + 1) * kTogether], (n_ - i - 1) * kTogether);
    for (int64_t j = i + 1; j < n_; ++j)
      for (int64_t lane = 0; lane < kTogether; ++lane)
        size_[j * kTogether + lane] = strength_[(i * n_ + j) * kTogether + lane] / size_[j * kTogether + lane];
    AddForces(i);
  }

  void AddSpring(int64_t i) {
    for (int64_t j = i + 1; j < n_; ++j)
      for (int64_t lane = 0; lane < kTogether; ++lane)
        size_[j * kTogether + lane] = -kSpringStrength * strength_[(i * n_ + j) * kTogether + lane];
    AddForces(i);
  }

  // Adds size_[j] (x_i - x_j), for all j > i, to the force on i and its negative to that on j.
  void AddForces(int64_t i) {
    for (int64_t d = 0; d < 3; ++d)
      for (int64_t j = i + 1; j < n_; ++j)
        for (int64_t lane = 0; lane < kTogether; ++lane) {
          const double force = size_[j * kTogether + lane] * (position(d, i, lane) - position(d, j, lane));
          force_[(d * n_ + i) * kTogether + lane] += force;
          force_[(d * n_ + j) * kTogether + lane] -= force;
        }
  }

  Forces forces_;
  int64_t n_;
  std::vector<double> strength_, position_, velocity_, force_, norm_, size_;
};

}  // namespace

std::string NameOf(Forces forces) { return forces == Forces::kCharged ? "charged" : "spring"; }

Forces ParseForces(const std::string& name) {
  for (const Forces forces : {Forces::kCharged, Forces::kSpring})
    if (name == NameOf(forces)) return forces;
  Fail("unknown forces '", name, "'; known: charged, spring");
}

Trajectories Simulate(const SimulatorOptions& options, NumpyRandom& random, int64_t count, int64_t skip,
                      const std::vector<int64_t>& frames, const ShareDone& progress) {
  const int64_t n = options.particles;
  Check(options.steps >= 1 && options.steps <= kMaxSteps, "a simulation of ", options.steps, " steps; 1 to ", kMaxSteps,
        " are possible");
  Check(n >= 2 && n <= kMaxParticles, "a simulation needs 2 to ", kMaxParticles, " particles, got ", n);
  Check(options.frame_steps >= 1 && options.steps % options.frame_steps == 0 && options.frames() >= 1,
        "the number of steps, ", options.steps, ", must be a multiple of the steps a frame, ", options.frame_steps,
        ", and at least two frames");
  Check(skip >= 0 && count >= 0, "a negative number of trajectories");
  for (const int64_t frame : frames)
    Check(frame >= 0 && frame < options.frames(), "frame ", frame, " of ", options.frames());
  Trajectories result{
      .count = count, .particles = n, .frames = frames, .charges = {}, .positions = {}, .velocities = {}};
  std::vector<Initial> initial;
  initial.reserve(count);
  for (int64_t t = 0; t < count; ++t) {
    initial.push_back(Draw(options, random));
    result.charges.insert(result.charges.end(), initial.back().charges.begin(), initial.back().charges.end());
  }
  for (int64_t t = 0; t < skip; ++t) Draw(options, random);

  const int64_t frame_size = n * 3, trajectory_size = static_cast<int64_t>(frames.size()) * frame_size;
  result.positions.resize(count * trajectory_size);
  result.velocities.resize(count * trajectory_size);
  const int64_t last_step =
      frames.empty() ? 0 : (*std::max_element(frames.begin(), frames.end()) + 1) * options.frame_steps;
  std::mutex mutex;
  int64_t done = 0;
  kernels::ParallelFor(count, kTogether, [&](int64_t begin, int64_t end) {
    Integrator integrator(options, std::span(initial).subspan(begin, end - begin));
    for (int64_t step = 1; step <= last_step; ++step) {
      integrator.Step();
      if (step % options.frame_steps == 0)
        for (size_t f = 0; f < frames.size(); ++f) {
          if ((frames[f] + 1) * options.frame_steps != step) continue;
          for (int64_t t = begin; t < end; ++t)
            for (int64_t i = 0; i < n; ++i)
              for (int64_t d = 0; d < 3; ++d) {
                const int64_t place = t * trajectory_size + static_cast<int64_t>(f) * frame_size + i * 3 + d;
                result.positions[place] = integrator.position(d, i, t - begin);
                result.velocities[place] = integrator.velocity(d, i, t - begin);
              }
        }
      integrator.Kick();
    }
    if (!progress) return;
    std::lock_guard lock(mutex);
    done += end - begin;
    progress(static_cast<double>(done) / static_cast<double>(count));
  });
  return result;
}

}  // namespace orbit
