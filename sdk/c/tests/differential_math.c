/* <math.h>: results may differ in their last bits; where the mathematics is exact they must not. */
#define _GNU_SOURCE
#include "differential.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* How many representable numbers lie between two doubles. */
static uint64_t distance(double left, double right) {
    int64_t a, b;
    if (isnan(left) || isnan(right)) {
        return isnan(left) && isnan(right) ? 0 : UINT64_MAX;
    }
    memcpy(&a, &left, sizeof a);
    memcpy(&b, &right, sizeof b);
    a = a < 0 ? INT64_MIN - a : a;
    b = b < 0 ? INT64_MIN - b : b;
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

static uint64_t distance_f(float left, float right) {
    int32_t a, b;
    if (isnan(left) || isnan(right)) {
        return isnan(left) && isnan(right) ? 0 : UINT64_MAX;
    }
    memcpy(&a, &left, sizeof a);
    memcpy(&b, &right, sizeof b);
    a = a < 0 ? INT32_MIN - a : a;
    b = b < 0 ? INT32_MIN - b : b;
    return (uint64_t)(a > b ? (int64_t)a - b : (int64_t)b - a);
}

static void check(const char *name, double x, double y, double expected, double found, uint64_t away,
                  uint64_t allowed) {
    char what[96], left[32], right[32];
    if (away > allowed) {
        snprintf(what, sizeof what, "%s(%a, %a)", name, x, y);
    }
    snprintf(left, sizeof left, "%a", expected);
    snprintf(right, sizeof right, "%a", found);
    compare(away <= allowed, away > allowed ? what : name, left, right);
}

/* Compares a function of one number, and its twin for float. */
#define ONE(name, allowed)                                                                                     \
    {                                                                                                          \
        extern __typeof__(name) our_##name;                                                                    \
        extern __typeof__(name##f) our_##name##f;                                                              \
        for (int i = 0; i < 20000; i++) {                                                                      \
            double x = number();                                                                               \
            double expected = name(x), found = our_##name(x);                                                  \
            check(#name, x, 0, expected, found, distance(expected, found), allowed);                           \
            float expected_f = name##f((float)x), found_f = our_##name##f((float)x);                           \
            check(#name "f", x, 0, (double)expected_f, (double)found_f, distance_f(expected_f, found_f),       \
                  allowed);                                                                                    \
        }                                                                                                      \
    }

#define TWO(name, allowed)                                                                                     \
    {                                                                                                          \
        extern __typeof__(name) our_##name;                                                                    \
        extern __typeof__(name##f) our_##name##f;                                                              \
        for (int i = 0; i < 20000; i++) {                                                                      \
            double x = number(), y = number();                                                                 \
            double expected = name(x, y), found = our_##name(x, y);                                            \
            check(#name, x, y, expected, found, distance(expected, found), allowed);                           \
            float expected_f = name##f((float)x, (float)y), found_f = our_##name##f((float)x, (float)y);       \
            check(#name "f", x, y, (double)expected_f, (double)found_f, distance_f(expected_f, found_f),       \
                  allowed);                                                                                    \
        }                                                                                                      \
    }

#define WHOLE(name)                                                                                            \
    {                                                                                                          \
        extern __typeof__(name) our_##name;                                                                    \
        for (int i = 0; i < 20000; i++) {                                                                      \
            double x = fmod(number(), 1e9);                                                                    \
            x = isnan(x) ? 0.5 : x;                                                                            \
            double expected = (double)name(x), found = (double)our_##name(x);                                  \
            check(#name, x, 0, expected, found, distance(expected, found), 0);                                 \
        }                                                                                                      \
    }

static double number(void) {
    static const double odd[] = {INFINITY, -INFINITY, NAN, 0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, 1e308, 5e-324};
    double any = random_below(10) ? random_double() : odd[random_below(12)];
    return isnan(any) ? NAN : any; /* what signalling ones do is free */
}

static void exact(void) {
    ONE(fabs, 0)
    ONE(floor, 0) ONE(ceil, 0) ONE(trunc, 0) ONE(round, 0) ONE(rint, 0) ONE(nearbyint, 0) ONE(sqrt, 0)
        ONE(logb, 0) TWO(fmod, 0) TWO(remainder, 0) TWO(copysign, 0) TWO(fdim, 0) TWO(nextafter, 0) WHOLE(lrint)
            WHOLE(llrint) WHOLE(lround) WHOLE(llround)
}

static void close(void) {
    ONE(sin, 2)
    ONE(cos, 2) ONE(tan, 2) ONE(asin, 2) ONE(acos, 2) ONE(atan, 2) ONE(sinh, 3) ONE(cosh, 3) ONE(tanh, 3)
        ONE(asinh, 4) ONE(acosh, 4) ONE(atanh, 4) ONE(exp, 2) ONE(exp2, 2) ONE(expm1, 2) ONE(exp10, 4)
            ONE(log, 2) ONE(log2, 3) ONE(log10, 3) ONE(log1p, 3) ONE(cbrt, 4) ONE(erf, 3) ONE(erfc, 6)
                TWO(atan2, 2) TWO(pow, 2) TWO(hypot, 2)
}

extern double our_frexp(double, int *), our_modf(double, double *), our_ldexp(double, int),
    our_scalbn(double, int);
extern double our_fma(double, double, double), our_fmin(double, double), our_fmax(double, double);
extern void our_sincos(double, double *, double *);
extern int our_ilogb(double), our___fpclassify(double), our___signbit(double);

static void several(void) {
    for (int i = 0; i < 50000; i++) {
        double x = number(), y = number(), z = number(), their_whole, our_whole, sine, cosine;
        int their_power = 0, our_power = 0, n = (int)random_below(2400) - 1200;
        double expected = frexp(x, &their_power), found = our_frexp(x, &our_power);
        bool number = isfinite(x);
        check("frexp", x, 0, expected, found, distance(expected, found) + (number && their_power != our_power),
              0);
        expected = modf(x, &their_whole);
        found = our_modf(x, &our_whole);
        check("modf", x, 0, expected, found, distance(expected, found) + distance(their_whole, our_whole), 0);
        check("ldexp", x, n, ldexp(x, n), our_ldexp(x, n), distance(ldexp(x, n), our_ldexp(x, n)), 0);
        check("scalbn", x, n, scalbn(x, n), our_scalbn(x, n), distance(scalbn(x, n), our_scalbn(x, n)), 0);
        check("fma", x, y, fma(x, y, z), our_fma(x, y, z), distance(fma(x, y, z), our_fma(x, y, z)), 0);
        if (x != y) { /* which zero of two is smaller is free */
            check("fmin", x, y, fmin(x, y), our_fmin(x, y), distance(fmin(x, y), our_fmin(x, y)), 0);
            check("fmax", x, y, fmax(x, y), our_fmax(x, y), distance(fmax(x, y), our_fmax(x, y)), 0);
        }
        our_sincos(x, &sine, &cosine);
        check("sincos", x, 0, sin(x), sine, distance(sin(x), sine) + distance(cos(x), cosine), 3);
        check("ilogb", x, 0, ilogb(x), our_ilogb(x), ilogb(x) != our_ilogb(x) && number && x != 0, 0);
        check("fpclassify", x, 0, fpclassify(x), our___fpclassify(x), fpclassify(x) != our___fpclassify(x), 0);
        check("signbit", x, 0, signbit(x), our___signbit(x), !signbit(x) != !our___signbit(x), 0);
    }
}

void compare_math(void) {
    exact();
    close();
    several();
}
