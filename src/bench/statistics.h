// Summaries of repeated measurements. Pure functions.
#pragma once

#include <span>

namespace spate {

double Mean(std::span<const double> values);               // 0 when empty
double StandardDeviation(std::span<const double> values);  // of the sample (n - 1); 0 below two values
double Median(std::span<const double> values);             // mean of the middle two for even counts; 0 when empty

}  // namespace spate
