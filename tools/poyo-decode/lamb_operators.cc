#include "tools/poyo-decode/lamb_operators.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/where.h>

namespace tenfold::poyo_decode {
namespace {

at::Tensor norm_of(const at::Tensor& x) {
  return at::linalg_vector_norm(x.flatten(), 2, at::OptionalIntArrayRef(), false, at::kDouble);
}

}  // namespace

at::Tensor lamb_update(const at::Tensor& parameter, const at::Tensor& gradient,
                       const at::Tensor& first, const at::Tensor& second, const LambUpdate& u) {
  const at::NoGradGuard guard;
  const at::Tensor p = parameter.detach();
  first.mul_(u.beta1).add_(gradient, 1 - u.beta1);
  second.mul_(u.beta2).addcmul_(gradient, gradient, 1 - u.beta2);
  at::Tensor absent;
  if (u.sparse) {
    absent = gradient.eq(0).all(-1, true);
    first.masked_fill_(absent, 0);
    second.masked_fill_(absent, 0);
  }
  at::Tensor direction = first.mul(u.scale1).div_(second.sqrt().mul_(u.scale2).add_(u.eps));
  direction.add_(p, u.weight_decay);
  at::Tensor trust = at::ones({}, p.options().dtype(at::kDouble));
  if (u.by_trust) {
    const at::Tensor norm = norm_of(p), length = norm_of(direction);
    trust = at::where(norm.gt(0).logical_and_(length.gt(0)), norm.clamp_max(u.norm_limit) / length,
                      trust);
  }
  direction.mul_(trust * u.lr);
  if (u.sparse) direction.masked_fill_(absent, 0);
  p.sub_(direction);
  return trust;
}

}  // namespace tenfold::poyo_decode
