//! `<math.h>` for `double` and `float`, by the `libm` crate. There is no `long double`, and `errno` is not set: results
//! tell infinities and NaNs apart (`math_errhandling` may say otherwise, because it is the header's).

use core::ffi::{c_char, c_int, c_long, c_longlong};
use core::num::FpCategory;

/// Defines functions under their C names for both types; the second name is the one with an `f`.
macro_rules! functions {
    ($(fn $name:ident $name_f:ident ($($argument:ident: $type:tt),*) -> $result:tt;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name($($argument: functions!(@f64 $type)),*) -> functions!(@f64 $result) {
            libm::$name($($argument),*)
        }

        #[unsafe(no_mangle)]
        extern "C" fn $name_f($($argument: functions!(@f32 $type)),*) -> functions!(@f32 $result) {
            libm::$name_f($($argument),*)
        }
    )*};
    (@f64 F) => { f64 };
    (@f32 F) => { f32 };
    (@f64 $type:ty) => { $type };
    (@f32 $type:ty) => { $type };
}

functions! {
    fn acos acosf (x: F) -> F;
    fn asin asinf (x: F) -> F;
    fn asinh asinhf (x: F) -> F;
    fn atan atanf (x: F) -> F;
    fn atan2 atan2f (y: F, x: F) -> F;
    fn atanh atanhf (x: F) -> F;
    fn cbrt cbrtf (x: F) -> F;
    fn ceil ceilf (x: F) -> F;
    fn copysign copysignf (x: F, y: F) -> F;
    fn cos cosf (x: F) -> F;
    fn cosh coshf (x: F) -> F;
    fn erf erff (x: F) -> F;
    fn erfc erfcf (x: F) -> F;
    fn exp expf (x: F) -> F;
    fn exp10 exp10f (x: F) -> F;
    fn exp2 exp2f (x: F) -> F;
    fn expm1 expm1f (x: F) -> F;
    fn fabs fabsf (x: F) -> F;
    fn fdim fdimf (x: F, y: F) -> F;
    fn floor floorf (x: F) -> F;
    fn fma fmaf (x: F, y: F, z: F) -> F;
    fn fmax fmaxf (x: F, y: F) -> F;
    fn fmin fminf (x: F, y: F) -> F;
    fn fmod fmodf (x: F, y: F) -> F;
    fn hypot hypotf (x: F, y: F) -> F;
    fn ilogb ilogbf (x: F) -> c_int;
    fn ldexp ldexpf (x: F, power: c_int) -> F;
    fn lgamma lgammaf (x: F) -> F;
    fn log logf (x: F) -> F;
    fn log10 log10f (x: F) -> F;
    fn log1p log1pf (x: F) -> F;
    fn log2 log2f (x: F) -> F;
    fn nextafter nextafterf (x: F, y: F) -> F;
    fn pow powf (x: F, y: F) -> F;
    fn remainder remainderf (x: F, y: F) -> F;
    fn rint rintf (x: F) -> F;
    fn round roundf (x: F) -> F;
    fn scalbn scalbnf (x: F, power: c_int) -> F;
    fn sin sinf (x: F) -> F;
    fn sinh sinhf (x: F) -> F;
    fn sqrt sqrtf (x: F) -> F;
    fn tan tanf (x: F) -> F;
    fn tanh tanhf (x: F) -> F;
    fn tgamma tgammaf (x: F) -> F;
    fn trunc truncf (x: F) -> F;
}

#[unsafe(no_mangle)]
extern "C" fn acosh(x: f64) -> f64 {
    // `libm` misreads large negative numbers as positive.
    if x < 1.0 { f64::NAN } else { libm::acosh(x) }
}

#[unsafe(no_mangle)]
extern "C" fn acoshf(x: f32) -> f32 {
    if x < 1.0 { f32::NAN } else { libm::acoshf(x) }
}

/// Defines functions that return a second result through a pointer, or a type different from `libm`'s.
macro_rules! conversions {
    ($($type:ty, $bits:ty: $libm_frexp:ident $libm_modf:ident $libm_sincos:ident $libm_remquo:ident $libm_round:ident
        $libm_rint:ident $libm_scalbn:ident $libm_ilogb:ident;
        $frexp:ident $modf:ident $sincos:ident $remquo:ident $lround:ident $llround:ident $lrint:ident $llrint:ident
        $nearbyint:ident $scalbln:ident $logb:ident $nan:ident $fpclassify:ident $isnan:ident $isinf:ident $finite:ident
        $signbit:ident;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $frexp(x: $type, exponent: *mut c_int) -> $type {
            let (significand, power) = libm::$libm_frexp(x);
            // SAFETY: the caller gives room for it.
            unsafe { *exponent = power };
            significand
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $modf(x: $type, whole: *mut $type) -> $type {
            let (fraction, integer) = libm::$libm_modf(x);
            // SAFETY: the caller gives room for it.
            unsafe { *whole = integer };
            fraction
        }

        /// Sine and cosine of one angle; compilers merge two calls into this one.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $sincos(x: $type, sine: *mut $type, cosine: *mut $type) {
            // SAFETY: the caller gives room for both.
            unsafe { (*sine, *cosine) = libm::$libm_sincos(x) };
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $remquo(x: $type, y: $type, quotient: *mut c_int) -> $type {
            let (remainder, low_bits) = libm::$libm_remquo(x, y);
            // SAFETY: the caller gives room for it.
            unsafe { *quotient = low_bits };
            remainder
        }

        #[unsafe(no_mangle)]
        extern "C" fn $lround(x: $type) -> c_long {
            integer(libm::$libm_round(x).into())
        }

        #[unsafe(no_mangle)]
        extern "C" fn $llround(x: $type) -> c_longlong {
            integer(libm::$libm_round(x).into())
        }

        #[unsafe(no_mangle)]
        extern "C" fn $lrint(x: $type) -> c_long {
            integer(libm::$libm_rint(x).into())
        }

        #[unsafe(no_mangle)]
        extern "C" fn $llrint(x: $type) -> c_longlong {
            integer(libm::$libm_rint(x).into())
        }

        #[unsafe(no_mangle)]
        extern "C" fn $nearbyint(x: $type) -> $type {
            libm::$libm_rint(x)
        }

        #[unsafe(no_mangle)]
        extern "C" fn $scalbln(x: $type, power: c_long) -> $type {
            // Powers that do not fit are far beyond the type's range.
            let power = power.clamp(c_int::MIN.into(), c_int::MAX.into());
            libm::$libm_scalbn(x, c_int::try_from(power).unwrap_or(0))
        }

        #[unsafe(no_mangle)]
        extern "C" fn $logb(x: $type) -> $type {
            match x.classify() {
                FpCategory::Zero => <$type>::NEG_INFINITY,
                FpCategory::Nan | FpCategory::Infinite => x * x,
                FpCategory::Subnormal | FpCategory::Normal => libm::$libm_ilogb(x) as $type,
            }
        }

        /// The tag is ignored: there is only one NaN.
        #[unsafe(no_mangle)]
        extern "C" fn $nan(_tag: *const c_char) -> $type {
            <$type>::NAN
        }

        #[unsafe(no_mangle)]
        extern "C" fn $fpclassify(x: $type) -> c_int {
            match x.classify() {
                FpCategory::Nan => 0,
                FpCategory::Infinite => 1,
                FpCategory::Zero => 2,
                FpCategory::Subnormal => 3,
                FpCategory::Normal => 4,
            }
        }

        #[unsafe(no_mangle)]
        extern "C" fn $isnan(x: $type) -> c_int {
            x.is_nan().into()
        }

        #[unsafe(no_mangle)]
        extern "C" fn $isinf(x: $type) -> c_int {
            if x.is_infinite() { if x > 0.0 { 1 } else { -1 } } else { 0 }
        }

        #[unsafe(no_mangle)]
        extern "C" fn $finite(x: $type) -> c_int {
            x.is_finite().into()
        }

        #[unsafe(no_mangle)]
        extern "C" fn $signbit(x: $type) -> c_int {
            x.is_sign_negative().into()
        }
    )*};
}

conversions! {
    f64, u64: frexp modf sincos remquo round rint scalbn ilogb;
    frexp modf sincos remquo lround llround lrint llrint nearbyint scalbln logb nan
    __fpclassify __isnan __isinf __finite __signbit;
    f32, u32: frexpf modff sincosf remquof roundf rintf scalbnf ilogbf;
    frexpf modff sincosf remquof lroundf llroundf lrintf llrintf nearbyintf scalblnf logbf nanf
    __fpclassifyf __isnanf __isinff __finitef __signbitf;
}

/// Converts a whole number to an integer. An overflow is undefined in C; here it becomes the nearest value in range.
#[expect(clippy::cast_possible_truncation, reason = "the conversion saturates")]
const fn integer(whole: f64) -> i64 {
    whole as i64
}
