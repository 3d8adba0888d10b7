/**
 * Powers computed in the steps of Go's math package. `**` differs from them in the last digit, enough to move a value to
 * the bucket beside it or a checkpoint's weight by one, and two recommenders that exchange checkpoints should agree.
 */

/** math.Pow for a whole exponent of at least 0: by squaring. */
export function powerOf(base: number, exponent: number): number {
  let result = 1
  let square = base
  for (let rest = exponent; rest > 0; rest >>= 1) {
    if (rest & 1) result *= square
    square *= square
  }
  return result
}

/** ln 2 in two parts, the first short enough that its product with a fraction of few digits is exact. */
const LN2_HIGH = 6.93147180369123816490e-1
const LN2_LOW = 1.90821492927058770002e-10
/** Coefficients of a polynomial that stands in for r - (r (e^r + 1)) / (e^r - 1), in powers of r² (FreeBSD msun, e_exp.c). */
const P = [1.66666666666666657415e-1, -2.77777777770155933842e-3, 6.61375632143793436117e-5, -1.65339022054652515390e-6, 4.13813679705723846039e-8] as const

/** math.Exp2: 2^x as e^r · 2^k, with k the whole number nearest to x. */
export function powerOfTwo(x: number): number {
  if (!(Math.abs(x) < 1000)) return 2 ** x
  const k = Math.trunc(x > 0 ? x + 0.5 : x - 0.5)
  const high = (x - k) * LN2_HIGH
  const low = -(x - k) * LN2_LOW
  const r = high - low
  const square = r * r
  const c = r - square * (P[0] + square * (P[1] + square * (P[2] + square * (P[3] + square * P[4]))))
  return (1 - (low - (r * c) / (2 - c) - high)) * 2 ** k
}
