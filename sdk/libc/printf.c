/*
 * printf and its kin: the part that only C can do, which is to take the arguments. The meaning of directives and
 * the form of values are in printf.rs.
 *
 * No header of a C library is included: the declarations here are ours, and must fit what every library's
 * headers say.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* The target of text; the same as `Output` in printf.rs. */
struct output {
    char *buffer;
    size_t capacity;
    size_t length;
    const void *stream;
    int failed;
};

/* The part between a % and its letter; the same as `Directive` in printf.rs. */
struct directive {
    uint32_t flags;
    int32_t width;
    int32_t precision;
    uint8_t size;
    uint8_t letter;
    uint8_t argument;
    uint8_t stars;
};

/* The same as in printf.rs. */
enum { WORD_32, WORD_64, DOUBLE, LONG_DOUBLE };
enum { STAR_WIDTH = 1, STAR_PRECISION = 2 };

/* Writes text up to the next directive that takes arguments; 0 when there is none. */
int hlc_next(struct output *, const char **format, struct directive *);
void hlc_set_width(struct directive *, int);
void hlc_set_precision(struct directive *, int);
void hlc_word(struct output *, const struct directive *, uint64_t);
void hlc_double(struct output *, const struct directive *, double);
/* Ends the output: a NUL for a buffer, the result of the whole call. */
int hlc_finish(struct output *);

const void *hlc_stdout(void);
void hlc_overflow(void) __attribute__((noreturn));
void *malloc(size_t);

static int format_to(struct output *output, const char *format, va_list list) {
    struct directive directive = {0};
    while (hlc_next(output, &format, &directive)) {
        if (directive.stars & STAR_WIDTH) {
            hlc_set_width(&directive, va_arg(list, int));
        }
        if (directive.stars & STAR_PRECISION) {
            hlc_set_precision(&directive, va_arg(list, int));
        }
        switch (directive.argument) {
        case WORD_32:
            hlc_word(output, &directive, (uint64_t)(int64_t)va_arg(list, int));
            break;
        case WORD_64:
            hlc_word(output, &directive, va_arg(list, uint64_t));
            break;
        case DOUBLE:
            hlc_double(output, &directive, va_arg(list, double));
            break;
        default:
            hlc_double(output, &directive, (double)va_arg(list, long double));
            break;
        }
    }
    return hlc_finish(output);
}

/* ---- into memory ------------------------------------------------------------------------------------- */

int vsnprintf(char *buffer, size_t size, const char *format, va_list list) {
    struct output output = {buffer, size, 0, NULL, 0};
    return format_to(&output, format, list);
}

int vsprintf(char *buffer, const char *format, va_list list) {
    return vsnprintf(buffer, SIZE_MAX, format, list);
}

int snprintf(char *buffer, size_t size, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = vsnprintf(buffer, size, format, list);
    va_end(list);
    return length;
}

int sprintf(char *buffer, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = vsprintf(buffer, format, list);
    va_end(list);
    return length;
}

/* Into memory of malloc; *result is NULL if there is none. */
int vasprintf(char **result, const char *format, va_list list) {
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    *result = length < 0 ? NULL : malloc((size_t)length + 1);
    return *result == NULL ? -1 : vsnprintf(*result, (size_t)length + 1, format, list);
}

int asprintf(char **result, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = vasprintf(result, format, list);
    va_end(list);
    return length;
}

/* ---- to a stream ------------------------------------------------------------------------------------- */

int vfprintf(const void *stream, const char *format, va_list list) {
    struct output output = {NULL, 0, 0, stream, 0};
    return format_to(&output, format, list);
}

int vprintf(const char *format, va_list list) {
    return vfprintf(hlc_stdout(), format, list);
}

int fprintf(const void *stream, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = vfprintf(stream, format, list);
    va_end(list);
    return length;
}

int printf(const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = vprintf(format, list);
    va_end(list);
    return length;
}

/* ---- what _FORTIFY_SOURCE makes of them: `flag` asks for checks that are always on here ---------------- */

int __vsnprintf_chk(char *buffer, size_t size, int flag, size_t room, const char *format, va_list list) {
    (void)flag;
    if (size > room) {
        hlc_overflow();
    }
    return vsnprintf(buffer, size, format, list);
}

int __vsprintf_chk(char *buffer, int flag, size_t room, const char *format, va_list list) {
    (void)flag;
    int length = vsnprintf(buffer, room, format, list);
    if (length >= 0 && (size_t)length >= room) {
        hlc_overflow();
    }
    return length;
}

int __snprintf_chk(char *buffer, size_t size, int flag, size_t room, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = __vsnprintf_chk(buffer, size, flag, room, format, list);
    va_end(list);
    return length;
}

int __sprintf_chk(char *buffer, int flag, size_t room, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = __vsprintf_chk(buffer, flag, room, format, list);
    va_end(list);
    return length;
}

int __vasprintf_chk(char **result, int flag, const char *format, va_list list) {
    (void)flag;
    return vasprintf(result, format, list);
}

int __asprintf_chk(char **result, int flag, const char *format, ...) {
    (void)flag;
    va_list list;
    va_start(list, format);
    int length = vasprintf(result, format, list);
    va_end(list);
    return length;
}

int __vfprintf_chk(const void *stream, int flag, const char *format, va_list list) {
    (void)flag;
    return vfprintf(stream, format, list);
}

int __vprintf_chk(int flag, const char *format, va_list list) {
    (void)flag;
    return vprintf(format, list);
}

int __fprintf_chk(const void *stream, int flag, const char *format, ...) {
    (void)flag;
    va_list list;
    va_start(list, format);
    int length = vfprintf(stream, format, list);
    va_end(list);
    return length;
}

int __printf_chk(int flag, const char *format, ...) {
    (void)flag;
    va_list list;
    va_start(list, format);
    int length = vprintf(format, list);
    va_end(list);
    return length;
}
