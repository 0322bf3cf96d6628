/* A module without any library:
 *
 *   clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry -o primes.wasm primes.c
 */
#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(name) __attribute__((import_module("env"), import_name(name)))

enum { MOST = 1 << 20 };
static unsigned char is_composite[MOST];

/* A host function. */
IMPORT("progress") void progress(int found, int below);

/* Where the sieve is, for those who want to read it. */
EXPORT("sieve") unsigned char *sieve(void) { return is_composite; }

EXPORT("count_primes") int count_primes(int below)
{
    int count = 0;
    if (below > MOST)
        __builtin_trap();
    for (int n = 2; n < below; n++) {
        if (is_composite[n])
            continue;
        if (++count % 20000 == 0)
            progress(count, n);
        for (long long multiple = (long long)n * n; multiple < below; multiple += n)
            is_composite[multiple] = 1;
    }
    return count;
}
