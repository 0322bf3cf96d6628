/* Sorting, the calendar, division, jumps. */
#define _GNU_SOURCE
#include "differential.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

OURS(qsort);
OURS(bsearch);
OURS(gmtime_r);
OURS(timegm);
OURS(strftime);
OURS(div);
OURS(ldiv);
OURS(abs);
OURS(rand_r);
extern int our__setjmp(jmp_buf) __attribute__((returns_twice));
extern void our_longjmp(jmp_buf, int) __attribute__((noreturn));

enum { ELEMENTS = 3000 };

static size_t size;

static int by_first_byte(const void *left, const void *right) {
    return *(const unsigned char *)left - *(const unsigned char *)right;
}

static int by_bytes(const void *left, const void *right) {
    return memcmp(left, right, size);
}

/* An order that is none. */
static int by_chance(const void *left, const void *right) {
    (void)left;
    (void)right;
    return (int)random_below(3) - 1;
}

static void sorting(void) {
    static unsigned char theirs[ELEMENTS * 24], ours[ELEMENTS * 24];
    for (int round = 0; round < 2000; round++) {
        size_t count = random_below(round % 20 ? 60 : ELEMENTS);
        size = 1 + random_below(24);
        unsigned variety = 1 + random_below(255);
        for (size_t i = 0; i < count * size; i++) {
            switch (round % 4) {
            case 0: /* a run that is sorted already */
                theirs[i] = (unsigned char)(i / size * 255 / (count + 1));
                break;
            case 1:
                theirs[i] = (unsigned char)(255 - i / size * 255 / (count + 1));
                break;
            default:
                theirs[i] = (unsigned char)random_below(variety);
            }
        }
        memcpy(ours, theirs, count * size);
        qsort(theirs, count, size, by_bytes);
        our_qsort(ours, count, size, by_bytes);
        compare(memcmp(theirs, ours, count * size) == 0, "qsort", "", "");
        unsigned char key[24];
        memset(key, (int)random_below(variety), sizeof key);
        void *found = our_bsearch(key, ours, count, size, by_first_byte);
        bool there = bsearch(key, theirs, count, size, by_first_byte) != NULL;
        compare((found != NULL) == there && (!there || *(unsigned char *)found == key[0]), "bsearch", "", "");
        our_qsort(ours, count, size, by_chance);
        qsort(ours, count, size, by_bytes);
        compare(memcmp(theirs, ours, count * size) == 0, "qsort without an order keeps the elements", "", "");
    }
}

/* Apart from the zone's name, which is a matter of taste. */
static bool same_date(const struct tm *left, const struct tm *right) {
    return memcmp(left, right, offsetof(struct tm, tm_isdst) + sizeof left->tm_isdst) == 0 &&
           left->tm_gmtoff == right->tm_gmtoff;
}

static void calendar(void) {
    for (int i = 0; i < 300000; i++) {
        time_t seconds = (time_t)random_bits() >> (random_below(50) + 12);
        struct tm expected, found;
        memset(&expected, 0, sizeof expected);
        memset(&found, 0, sizeof found);
        struct tm *there = gmtime_r(&seconds, &expected), *here = our_gmtime_r(&seconds, &found);
        char what[32];
        snprintf(what, sizeof what, "gmtime %lld", (long long)seconds);
        compare((there == NULL) == (here == NULL) && same_date(&expected, &found), what, "", "");
        expected.tm_year = (int)random_below(4000) - 1000;
        expected.tm_mon = (int)random_below(100) - 50;
        expected.tm_mday = (int)random_below(2000) - 1000;
        expected.tm_hour = (int)random_below(2000) - 1000;
        expected.tm_min = (int)random_bits();
        expected.tm_sec = (int)random_bits();
        found = expected;
        compare(timegm(&expected) == our_timegm(&found) && same_date(&expected, &found), "timegm", "", "");
    }
}

/* Every letter, for days around the ends of years. */
static void dates(void) {
    static const char *const formats[] = {
        "%a %A %b %B %h", "%c",      "%C %d %D %e %F", "%g %G %V",    "%H %I %j %k %l",
        "%m %M %n %p %P", "%r %R",   "%s %S %t %T",    "%u %U %w %W", "%x %X %y %Y",
        "%z %%",          "%Ey %Od", "%Q %",           "plain"};
    for (int i = 0; i < 60000; i++) {
        time_t seconds = ((time_t)random_below(400) - 100) * 31556952 + random_below(3000000);
        struct tm date;
        gmtime_r(&seconds, &date);
        char theirs[128] = "", ours[128] = "";
        const char *format = formats[random_below(sizeof formats / sizeof *formats)];
        size_t room = random_below(4) ? sizeof ours : random_below(40);
        size_t expected = strftime(theirs, room, format, &date),
               found = our_strftime(ours, room, format, &date);
        compare(expected == found && (found == 0 || strcmp(theirs, ours) == 0), format, theirs, ours);
    }
}

static void jumps(void) {
    jmp_buf place;
    volatile int times = 0;
    int value = our__setjmp(place);
    times++;
    if (value == 0) {
        our_longjmp(place, 7);
    }
    compare(value == 7 && times == 2, "longjmp", "", "");
    times = 0;
    value = our__setjmp(place);
    if (times++ == 0) {
        our_longjmp(place, 0);
    }
    compare(value == 1, "longjmp with 0", "", "");
}

static void divisions(void) {
    for (int i = 0; i < 1000; i++) {
        int left = (int)random_bits(), right = (int)random_bits() | 1;
        div_t expected = div(left, right), found = our_div(left, right);
        compare(expected.quot == found.quot && expected.rem == found.rem, "div", "", "");
        long wide = (long)random_bits();
        ldiv_t expected_l = ldiv(wide, right), found_l = our_ldiv(wide, right);
        compare(expected_l.quot == found_l.quot && expected_l.rem == found_l.rem, "ldiv", "", "");
        compare(abs(left) == our_abs(left), "abs", "", "");
        unsigned seed = (unsigned)left, same = seed;
        int drawn = our_rand_r(&seed);
        compare(drawn >= 0 && drawn == our_rand_r(&same) && seed == same, "rand_r", "", "");
    }
}

void compare_rest(void) {
    sorting();
    calendar();
    dates();
    jumps();
    divisions();
}
