/* strtol, strtod and their kin: numbers as they are printed, and texts that look like numbers. */
#include "differential.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

OURS(strtol);
OURS(strtoul);
OURS(strtoll);
OURS(strtoull);
OURS(strtod);
OURS(strtof);
OURS(atoi);
OURS(atof);
extern int *our___errno_location(void);

/* Reads the same text by both libraries: value, end and errno must agree. */
#define BOTH(type, name, text, ...)                                                                            \
    do {                                                                                                       \
        char *their_end = text, *our_end = text, expected[64], found[64], what[600];                           \
        errno = *our___errno_location() = 0;                                                                   \
        type their_value = name(text, &their_end, ##__VA_ARGS__);                                              \
        type our_value = our_##name(text, &our_end, ##__VA_ARGS__);                                            \
        bool equal = memcmp(&their_value, &our_value, sizeof their_value) == 0 && their_end == our_end &&      \
                     errno == *our___errno_location();                                                         \
        snprintf(expected, sizeof expected, "%a %td %d", (double)their_value, their_end - text, errno);        \
        snprintf(found, sizeof found, "%a %td %d", (double)our_value, our_end - text,                          \
                 *our___errno_location());                                                                     \
        snprintf(what, sizeof what, "%s(\"%s\")", #name, text);                                                \
        compare(equal, what, expected, found);                                                                 \
    } while (0)

static void integer(char *text) {
    /* For other bases it is free what happens to the end. */
    static const int bases[] = {0, 2, 8, 10, 16, 36, 7, 1, 37, -1};
    int base = bases[random_below(random_below(10) ? 6 : 10)];
    BOTH(long, strtol, text, base);
    BOTH(unsigned long, strtoul, text, base);
    BOTH(long long, strtoll, text, base);
    BOTH(unsigned long long, strtoull, text, base);
}

static void floating(char *text) {
    BOTH(double, strtod, text);
    /* The machine's library may round hexadecimal digits the wrong way where the result is subnormal. */
    if (strpbrk(text, "xX") == NULL || fabsf(our_strtof(text, NULL)) >= FLT_MIN) {
        BOTH(float, strtof, text);
    }
}

static void printed(void) {
    char text[512];
    for (int i = 0; i < 400000; i++) {
        static const char *const formats[] = {"%.17g", "%.3e", "%f", "%.9g", "%a", "%.40g", " +%.0f", "%.25e"};
        snprintf(text, sizeof text, formats[random_below(8)], random_double());
        floating(text);
    }
    for (int i = 0; i < 200000; i++) {
        /* Halfway between two floats, or between two doubles, and close to that. */
        uint64_t bits = random_bits();
        double value;
        bits = random_below(2) ? (bits & ~UINT64_C(0x1fffffff)) | 0x10000000 : bits;
        memcpy(&value, &bits, sizeof value);
        snprintf(text, sizeof text, "%.*Le", 30 + (int)random_below(10),
                 (long double)value + (long double)value / 18446744073709551616.0L);
        floating(text);
        snprintf(text, sizeof text, "%.*La", (int)random_below(16), (long double)value);
        floating(text);
    }
    for (int i = 0; i < 200000; i++) {
        static const char *const formats[] = {"%" PRId64,        "%#" PRIx64,     "%#" PRIo64,
                                              "  -%" PRIu64 "x", "+%" PRIu64 "0", "0%" PRId64};
        snprintf(text, sizeof text, formats[random_below(6)], random_bits() >> random_below(64));
        integer(text);
    }
}

static void invented(void) {
    static const char alphabet[] = "0123456789012345678900..+-eExXpPaAfF iInNtTyY(_)z\t";
    char text[40];
    for (int i = 0; i < 1000000; i++) {
        unsigned length = random_below(14);
        for (unsigned j = 0; j < length; j++) {
            text[j] = alphabet[random_below(sizeof alphabet - 1)];
        }
        text[length] = '\0';
        floating(text);
        integer(text);
    }
}

static void chosen(void) {
    static char *const texts[] = {"",
                                  "-",
                                  "+",
                                  "0x",
                                  "0x.",
                                  "0x.p1",
                                  "0x1p",
                                  "0x1p+",
                                  "1e",
                                  "1e+",
                                  "1e-",
                                  ".",
                                  ".e1",
                                  "1.e1",
                                  ".5",
                                  "inf",
                                  "-INFINITY",
                                  "infinit",
                                  "nan",
                                  "nan(",
                                  "nan(12a_)",
                                  "nan(1 2)",
                                  "1e400",
                                  "-1e400",
                                  "1e-400",
                                  "4.9e-324",
                                  "2.47e-324",
                                  "2.48e-324",
                                  "2.2250738585072011e-308",
                                  "2.2250738585072014e-308",
                                  "1.7976931348623158e308",
                                  "1.7976931348623159e308",
                                  "3.4028235677973366e38",
                                  "3.4028235677973365e38",
                                  "1.17549435e-38",
                                  "1e-45",
                                  "7e-46",
                                  "0x1p-1074",
                                  "0x1p-1075",
                                  "0x1.8p-1075",
                                  "0x1.0000000000000801p-1075",
                                  "0x1p1024",
                                  "0x1.fffffffffffff8p1023",
                                  "0x1.fffffffffffff7ffp1023",
                                  "0x123456789abcdef123456789p-60",
                                  "0x0.000000000000000000000000001p4",
                                  "0e999999999999",
                                  "0x0p99999999999",
                                  "1e99999999999999999999",
                                  "1e-99999999999999999999",
                                  "9223372036854775807",
                                  "9223372036854775808",
                                  "-9223372036854775808",
                                  "-9223372036854775809",
                                  "18446744073709551615",
                                  "18446744073709551616",
                                  "-18446744073709551615",
                                  "-18446744073709551616",
                                  "00",
                                  "08",
                                  "0x8",
                                  "0xg",
                                  "-0x8",
                                  "- 1",
                                  "\v\f\r\n 7"};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        floating(texts[i]);
        for (int j = 0; j < 20; j++) {
            integer(texts[i]);
        }
        compare(atof(texts[i]) == our_atof(texts[i]) || atof(texts[i]) != atof(texts[i]), "atof", texts[i], "");
    }
    static const char *const small[] = {"12", " -7x", "2147483647", "-2147483648", "x", ""};
    for (unsigned i = 0; i < sizeof small / sizeof *small; i++) {
        compare(atoi(small[i]) == our_atoi(small[i]), "atoi", small[i], "");
    }
}

extern long our___isoc23_strtol(const char *, char **, int);

/* Since C23 there is a prefix for binary numbers. */
static void binary(void) {
    char *end = "";
    compare(our___isoc23_strtol("0b1012", &end, 0) == 5 && *end == '2', "0b1012 in C23", "5", "");
    compare(our___isoc23_strtol("-0B11", &end, 2) == -3 && *end == '\0', "-0B11 in C23", "-3", "");
    compare(our___isoc23_strtol("0b2", &end, 0) == 0 && *end == 'b', "0b2 in C23", "0", "");
    compare(our_strtol("0b1", &end, 0) == 0 && *end == 'b', "0b1 before C23", "0", "");
}

void compare_numbers(void) {
    printed();
    invented();
    chosen();
    binary();
}
