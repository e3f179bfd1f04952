// What plain scalar code on one thread reaches on this machine: the ceiling of the reference backend.
#pragma once

namespace spate::ref {

double MeasureReadGbS(double seconds);    // linear read of memory far larger than the caches
double MeasureF32Gflops(double seconds);  // independent multiply-adds; each counts two

}  // namespace spate::ref
