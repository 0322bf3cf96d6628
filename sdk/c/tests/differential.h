/* What the parts of the comparison share. */
#ifndef DIFFERENTIAL_H
#define DIFFERENTIAL_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Declares our twin of a function that the machine's headers declare. */
#define OURS(name) extern __typeof__(name) our_##name

/* The same pseudo-random numbers in every run. */
uint64_t random_bits(void);

/* A number below `limit`, which is not 0. */
unsigned random_below(unsigned limit);

/* Any double, often one with an interesting exponent. */
double random_double(void);

/* Counts a comparison; prints both texts if it failed. */
void compare(bool equal, const char *what, const char *theirs, const char *ours);

void compare_printf(void);
void compare_numbers(void);
void compare_strings(void);
void compare_math(void);
void compare_rest(void);

#endif
