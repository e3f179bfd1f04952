// What each file of kernels/ adds to the level's table.
#pragma once

#include "backend/cpu/attention_kernels.h"
#include "backend/cpu/expert_kernels.h"
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/peak_kernels.h"
#include "backend/cpu/row_kernels.h"

namespace spate::cpu::SPATE_ISA_NS {

void FillF32(LinearKernels::Format& format);
void FillF16(LinearKernels::Format& format);
void FillBf16(LinearKernels::Format& format);
void FillBlocks(LinearKernels& kernels);
void FillInt8Rows(LinearKernels& kernels);
void FillLinear(LinearKernels& kernels);
void FillPeaks(PeakKernels& kernels);
void FillAttention(AttentionKernels& kernels);
void FillExperts(ExpertKernels& kernels);
void FillRows(RowKernels& kernels);
void FillNorms(RowKernels& kernels);
void FillSampling(RowKernels& kernels);

}  // namespace spate::cpu::SPATE_ISA_NS
