// MeanInterval: a confidence interval for the mean of a bounded distribution that holds at any number of samples.
#ifndef ORBIT_TOOLS_SEPARATION_MEAN_INTERVAL_H_
#define ORBIT_TOOLS_SEPARATION_MEAN_INTERVAL_H_

#include <cstdint>

namespace orbit {

struct Interval {
  double low = 0, high = 0;
};

// The predictable plug-in empirical Bernstein interval of Waudby-Smith and Ramdas, Estimating means of bounded random
// variables by betting (JRSS B, 2024), theorem 2 and remark 1. Samples are independent, of one distribution on [0, 1];
// nothing else is assumed of it, no normal or t distribution in particular. Its mean is outside of the interval with at
// most the probability `error`, for any number of samples; that `planned` come makes it narrow, about
// sqrt(2 variance log(2 / error) / planned) to either side where there are many.
class MeanInterval {
 public:
  MeanInterval(int64_t planned, double error);
  void Add(double x);  // throws Error outside of [0, 1]
  Interval Get() const;

 private:
  double log_;  // of 2 / error
  double planned_;
  double count_ = 0, sum_ = 0, squares_ = 0.25;  // squares: of the deviations from the means so far, and a first guess
  double weights_ = 0, weighted_ = 0;            // the sums of lambda and of lambda x
  double spread_ = 0;                            // the sum of v psi(lambda)
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_SEPARATION_MEAN_INTERVAL_H_
