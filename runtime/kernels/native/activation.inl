// Activations and their derivatives over contiguous numbers, a vector at a time.
//   relu   a = max(z, 0), relu' = [z > 0], relu'' = 0
//   silu   a = z σ(z), σ = 1 / (1 + e^−z), ς = 1 − σ = e^−z σ
//          silu' = σ (1 + z ς),   silu'' = σ ς (2 + z (1 − 2σ))
namespace altocast::native::ALTOCAST_ISA {
namespace {

constexpr int kRelu = 0;  // of ActivationKind; the other is silu

// e^−z as portable_exp(−z), whose operations are symmetric in the sign: those on −x and −r have the results' negatives.
inline Vec exp_of_minus(Vec z) {
  z = at_least(-kExpMax, at_most(-kExpMin, z));
  const Vec t = add(mul(z, constant(-kLog2E)), constant(kRoundMagic));
  const Vec n = sub(t, constant(kRoundMagic));
  // n · ln2_high is exact, so that fusing it changes nothing.
  Vec r = kFusesFast ? fma(n, constant(kExpLn2High), z) : add(z, mul(n, constant(kExpLn2High)));
  r = add(r, mul(n, constant(kExpLn2Low)));  // −r
  Vec p = sub(constant(kExp5), mul(constant(kExp6), r));
  p = sub(constant(kExp4), mul(p, r));
  p = sub(constant(kExp3), mul(p, r));
  p = sub(constant(kExp2), mul(p, r));
  p = sub(mul(p, mul(r, r)), r);
  p = add(p, constant(1.0f));
  return scaled(p, t);
}

struct Identity {
  static Vec value(Vec z) { return z; }
};

struct Relu {
  static Vec value(Vec z) { return if_positive(z, z); }
  // Adding zero flushes a subnormal, as arithmetic does in all other results.
  static Vec first(Vec z, Vec factor) { return add(if_positive(z, factor), zero()); }
  static Vec second(Vec z, Vec, Vec, Vec tan_grad_a) { return first(z, tan_grad_a); }
};

struct Silu {
  static Vec value(Vec z) { return div(z, add(constant(1.0f), exp_of_minus(z))); }
  static Vec first(Vec z, Vec factor) {
    const Slopes slopes = slopes_at(z);
    return mul(slopes.first, factor);
  }
  static Vec second(Vec z, Vec tan_z, Vec grad_a, Vec tan_grad_a) {
    const Slopes slopes = slopes_at(z);
    const Vec inner = add(constant(2.0f), mul(z, sub(constant(1.0f), add(slopes.sigma, slopes.sigma))));
    const Vec curvature = mul(mul(slopes.sigma, slopes.rest), inner);
    return add(mul(mul(curvature, tan_z), grad_a), mul(slopes.first, tan_grad_a));
  }

 private:
  struct Slopes {
    Vec sigma, rest, first;
  };
  static Slopes slopes_at(Vec z) {
    const Vec e = exp_of_minus(z);
    const Vec sigma = div(constant(1.0f), add(constant(1.0f), e));
    const Vec rest = mul(e, sigma);
    return {sigma, rest, mul(sigma, add(constant(1.0f), mul(z, rest)))};
  }
};

template <class Activation, Pass pass>
inline Vec evaluate(Vec z, Vec tan_z, Vec grad_a, Vec tan_grad_a) {
  if constexpr (pass == kForward) return Activation::value(z);
  if constexpr (pass == kBackward) return Activation::first(z, grad_a);
  if constexpr (pass == kTangent) return Activation::first(z, tan_z);
  return Activation::second(z, tan_z, grad_a, tan_grad_a);
}

// Sources that a pass does not read may be null.
template <class Activation, Pass pass>
void activate(const float* z, const float* tan_z, const float* grad_a, const float* tan_grad_a, float* dst,
              size_t count) {
  constexpr bool kReadsTan = pass == kTangent || pass == kTangentBackward;
  constexpr bool kReadsGrad = pass == kBackward || pass == kTangentBackward;
  constexpr bool kReadsBoth = pass == kTangentBackward;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(dst + i, evaluate<Activation, pass>(load(z + i), kReadsTan ? load(tan_z + i) : zero(),
                                              kReadsGrad ? load(grad_a + i) : zero(),
                                              kReadsBoth ? load(tan_grad_a + i) : zero()));
  }
  if (i == count) return;
  float padded[4][kLanes] = {};
  for (size_t k = 0; i + k < count; ++k) {
    padded[0][k] = z[i + k];
    if (kReadsTan) padded[1][k] = tan_z[i + k];
    if (kReadsGrad) padded[2][k] = grad_a[i + k];
    if (kReadsBoth) padded[3][k] = tan_grad_a[i + k];
  }
  store(padded[0], evaluate<Activation, pass>(load(padded[0]), load(padded[1]), load(padded[2]), load(padded[3])));
  for (size_t k = 0; i + k < count; ++k) dst[i + k] = padded[0][k];
}

void activate_forward(int kind, const float* z, float* a, size_t count) {
  const auto function = kind == kRelu ? activate<Relu, kForward> : activate<Silu, kForward>;
  function(z, nullptr, nullptr, nullptr, a, count);
}

}  // namespace
}  // namespace altocast::native::ALTOCAST_ISA
