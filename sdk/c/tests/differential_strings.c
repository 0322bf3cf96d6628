/* <string.h> and <ctype.h>: short texts over few letters, so that everything is found often. */
#define _GNU_SOURCE
#include "differential.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

OURS(memcpy);
OURS(memmove);
OURS(memset);
OURS(memcmp);
OURS(strlen);
OURS(memchr);
OURS(memrchr);
OURS(rawmemchr);
OURS(memmem);
OURS(mempcpy);
OURS(memccpy);
OURS(strnlen);
OURS(stpcpy);
OURS(strcpy);
OURS(stpncpy);
OURS(strncpy);
OURS(strcat);
OURS(strncat);
OURS(strcmp);
OURS(strncmp);
OURS(strcasecmp);
OURS(strncasecmp);
OURS(strchr);
OURS(strchrnul);
OURS(strrchr);
OURS(strstr);
OURS(strcasestr);
OURS(strspn);
OURS(strcspn);
OURS(strpbrk);
OURS(strsep);
OURS(strtok_r);
OURS(__ctype_b_loc);
OURS(__ctype_tolower_loc);
OURS(__ctype_toupper_loc);
OURS(isalnum);
OURS(isalpha);
OURS(isblank);
OURS(iscntrl);
OURS(isdigit);
OURS(isgraph);
OURS(islower);
OURS(isprint);
OURS(ispunct);
OURS(isspace);
OURS(isupper);
OURS(isxdigit);
OURS(tolower);
OURS(toupper);

enum { ROOM = 64 };

static char a[ROOM], b[ROOM], theirs[ROOM], ours[ROOM];

static void invent(char *text, unsigned max) {
    static const char letters[] = "aAbBab,;\xe4";
    unsigned length = random_below(max);
    for (unsigned i = 0; i < length; i++) {
        text[i] = letters[random_below(sizeof letters - 1)];
    }
    text[length] = '\0';
}

static int sign(int number) {
    return (number > 0) - (number < 0);
}

#define SAME(expression, name) compare((expression), name, a, b)

/* A function that finds a place in what it is given. */
#define FINDS(name, ...) SAME(name(__VA_ARGS__) == our_##name(__VA_ARGS__), #name)

/* A function that changes its target: both targets and the places returned must be equal. */
#define CHANGES(name, ...)                                                                                     \
    do {                                                                                                       \
        memset(theirs, '~', ROOM);                                                                             \
        strcpy(theirs, "xyz");                                                                                 \
        memcpy(ours, theirs, ROOM);                                                                            \
        char *expected = (char *)name(theirs, __VA_ARGS__), *found = (char *)our_##name(ours, __VA_ARGS__);    \
        bool place = expected == NULL ? found == NULL : expected - theirs == found - ours;                     \
        compare(place &&memcmp(theirs, ours, ROOM) == 0, #name, theirs, ours);                                 \
    } while (0)

static void strings(void) {
    for (int i = 0; i < 200000; i++) {
        invent(a, 24);
        invent(b, random_below(2) ? 4 : 24);
        int letter = random_below(8) ? "aAbB,;z\xe4"[random_below(8)] : 0;
        size_t n = random_below(26);
        size_t len = strlen(a);
        FINDS(strlen, a);
        FINDS(strnlen, a, n);
        FINDS(memchr, a, letter, len + 1);
        FINDS(memrchr, a, letter, len);
        FINDS(rawmemchr, a, 0);
        FINDS(memmem, a, len, b, strlen(b));
        FINDS(strchr, a, letter);
        FINDS(strchrnul, a, letter);
        FINDS(strrchr, a, letter);
        FINDS(strstr, a, b);
        FINDS(strcasestr, a, b);
        FINDS(strspn, a, b);
        FINDS(strcspn, a, b);
        FINDS(strpbrk, a, b);
        SAME(sign(strcmp(a, b)) == sign(our_strcmp(a, b)), "strcmp");
        SAME(sign(strncmp(a, b, n)) == sign(our_strncmp(a, b, n)), "strncmp");
        SAME(sign(strcasecmp(a, b)) == sign(our_strcasecmp(a, b)), "strcasecmp");
        SAME(sign(strncasecmp(a, b, n)) == sign(our_strncasecmp(a, b, n)), "strncasecmp");
        SAME(sign(memcmp(a, b, n)) == sign(our_memcmp(a, b, n)), "memcmp");
        CHANGES(strcpy, a);
        CHANGES(stpcpy, a);
        CHANGES(strncpy, a, n);
        CHANGES(stpncpy, a, n);
        CHANGES(strcat, a);
        CHANGES(strncat, a, n);
        CHANGES(memccpy, a, letter, len + 1);
        CHANGES(mempcpy, a, n);
    }
}

static void tokens(void) {
    for (int i = 0; i < 100000; i++) {
        invent(theirs, 40);
        strcpy(ours, theirs);
        char *their_rest = theirs, *our_rest = ours;
        for (char *expected = theirs; expected != NULL;) {
            expected = strsep(&their_rest, ",;");
            char *found = our_strsep(&our_rest, ",;");
            compare(expected == NULL ? found == NULL : strcmp(expected, found) == 0, "strsep", theirs, ours);
        }
        invent(theirs, 40);
        strcpy(ours, theirs);
        char *expected = strtok_r(theirs, ",;", &their_rest), *found = our_strtok_r(ours, ",;", &our_rest);
        while (expected != NULL && found != NULL) {
            compare(strcmp(expected, found) == 0, "strtok_r", expected, found);
            expected = strtok_r(NULL, ",;", &their_rest);
            found = our_strtok_r(NULL, ",;", &our_rest);
        }
        compare(expected == found, "the end of strtok_r", theirs, ours);
    }
}

/* Every length and alignment that takes another path. */
static void memory(void) {
    static unsigned char source[5000], expected[5000], found[5000];
    for (unsigned i = 0; i < sizeof source; i++) {
        source[i] = (unsigned char)random_bits();
    }
    for (unsigned length = 0; length < 2200; length += length < 300 ? 1 : 37) {
        for (unsigned from = 0; from < 18; from++) {
            unsigned to = random_below(18) + random_below(2) * random_below(300);
            memcpy(expected, source, sizeof source);
            memcpy(found, source, sizeof source);
            memmove(expected + to, expected + from, length);
            void *result = our_memmove(found + to, found + from, length);
            compare(result == found + to && memcmp(expected, found, sizeof found) == 0, "memmove", "", "");
            memcpy(expected + to, source + from, length);
            our_memcpy(found + to, source + from, length);
            compare(memcmp(expected, found, sizeof found) == 0, "memcpy", "", "");
            memset(expected + from, (int)to, length);
            result = our_memset(found + from, (int)to, length);
            compare(result == found + from && memcmp(expected, found, sizeof found) == 0, "memset", "", "");
            if (length > 0) {
                found[from + random_below(length)] ^= (unsigned char)(1 << random_below(9));
            }
            compare(sign(memcmp(expected + from, found + from, length)) ==
                        sign(our_memcmp(expected + from, found + from, length)),
                    "memcmp", "", "");
            expected[from + length] = 0;
            compare(strlen((char *)expected + from) == our_strlen((char *)expected + from), "strlen", "", "");
        }
    }
}

static void characters(void) {
    const unsigned short *their_classes = *__ctype_b_loc(), *our_classes = *our___ctype_b_loc();
    for (int c = -128; c < 256; c++) {
        char what[32];
        snprintf(what, sizeof what, "character %d", c);
        compare(their_classes[c] == our_classes[c], what, "classes", "");
        compare((*__ctype_tolower_loc())[c] == (*our___ctype_tolower_loc())[c], what, "lower", "");
        compare((*__ctype_toupper_loc())[c] == (*our___ctype_toupper_loc())[c], what, "upper", "");
        if (c < -1) {
            continue;
        }
        compare((tolower)(c) == our_tolower(c) && (toupper)(c) == our_toupper(c), what, "cases", "");
#define CLASS(name) compare(!(name)(c) == !our_##name(c), what, #name, "")
        CLASS(isalnum);
        CLASS(isalpha);
        CLASS(isblank);
        CLASS(iscntrl);
        CLASS(isdigit);
        CLASS(isgraph);
        CLASS(islower);
        CLASS(isprint);
        CLASS(ispunct);
        CLASS(isspace);
        CLASS(isupper);
        CLASS(isxdigit);
    }
}

void compare_strings(void) {
    strings();
    tokens();
    memory();
    characters();
}
