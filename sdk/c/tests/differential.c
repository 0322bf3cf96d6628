/* Runs every comparison and says how many there were. */
#include "differential.h"

#include <stdio.h>
#include <string.h>

static uint64_t state = 0x853c49e6748fea9b;
static unsigned long passed, failed;

uint64_t random_bits(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}

unsigned random_below(unsigned limit) {
    return (unsigned)(random_bits() >> 32) % limit;
}

double random_double(void) {
    static const double special[] = {
        0.0,      -0.0,   1.0,     0.5,    1.5,     2.5,  0.1,     9.5,    99.5,
        999.9995, 1e15,   1e16,    1e17,   1e21,    1e22, 1e23,    5e-324, 2.2250738585072014e-308,
        0.125,    0.0001, 0.00001, 123456, 1234567, 0.3,  1.0 / 3, 1e100,  1.7976931348623157e308};
    double value;
    uint64_t bits = random_bits();
    switch (random_below(6)) {
    case 0:
        return special[random_below(sizeof special / sizeof *special)];
    case 1:
        return (double)(int64_t)bits / 1000.0;
    case 2:
        return (double)random_below(100000) / 64.0;
    case 3:
        return (double)random_below(1000000) / 1000.0;
    case 4: /* exponents near 0 */
        bits = (bits & ~(UINT64_C(0x7ff) << 52)) | ((UINT64_C(1023) - 40 + random_below(80)) << 52);
        break;
    default:
        break;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

void compare(bool equal, const char *what, const char *theirs, const char *ours) {
    if (equal) {
        passed++;
    } else if (++failed <= 4000) {
        fprintf(stderr, "%s: expected [%s], found [%s]\n", what, theirs, ours);
    }
}

int main(void) {
    compare_printf();
    compare_numbers();
    compare_strings();
    compare_math();
    compare_rest();
    printf("%lu passed, %lu failed\n", passed, failed);
    return failed != 0;
}
