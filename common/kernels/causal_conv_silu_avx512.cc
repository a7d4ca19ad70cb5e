#define TENFOLD_ISA avx512
#include "common/kernels/causal_conv_silu_rows.h"

namespace tenfold::kernels {
namespace {

template <class T>
constexpr CausalConvTable<T> kTable = {
    {avx512::conv_task<1, T>, avx512::conv_task<2, T>, avx512::conv_task<3, T>,
     avx512::conv_task<4, T>, avx512::conv_task<5, T>, avx512::conv_task<6, T>,
     avx512::conv_task<7, T>, avx512::conv_task<8, T>},
    {avx512::conv_backward_task<1, T>, avx512::conv_backward_task<2, T>,
     avx512::conv_backward_task<3, T>, avx512::conv_backward_task<4, T>,
     avx512::conv_backward_task<5, T>, avx512::conv_backward_task<6, T>,
     avx512::conv_backward_task<7, T>, avx512::conv_backward_task<8, T>}};

}  // namespace

const CausalConvTable<float> kCausalConvAvx512 = kTable<float>;
const CausalConvTable<double> kCausalConvAvx512Double = kTable<double>;

}  // namespace tenfold::kernels
