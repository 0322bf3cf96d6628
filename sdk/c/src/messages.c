/*
 * The functions of hyperlight_guest.h that take a format: only C can take a variable number of arguments. The text is
 * processed in failure.rs and services.rs.
 *
 * No header of a C library is included: the declarations here are ours, and must fit what every library's
 * headers say.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

int32_t hlc_fail(int32_t code, const char *message);
int hlc_log_enabled(uint32_t level, const char *target);
void hlc_log(uint32_t level, const char *target, const char *file, uint32_t line, const char *message);
int vsnprintf(char *buffer, size_t size, const char *format, va_list list);
void *malloc(size_t);
void free(void *);

/* Bytes of a message that is formatted without asking for memory. */
enum { SHORT_MESSAGE = 512 };

/* Marks the end of a text that was cut after a whole character. */
static void mark(char *local) {
    static const char ellipsis[] = "\xe2\x80\xa6";
    size_t end = SHORT_MESSAGE - sizeof ellipsis;
    while (end > 0 && ((unsigned char)local[end] & 0xc0) == 0x80) {
        end--;
    }
    for (size_t i = 0; i < sizeof ellipsis; i++) {
        local[end + i] = ellipsis[i];
    }
}

/* The formatted text: in `local` if it fits, else in memory of malloc, else cut off and marked. */
static char *message(char *local, const char *format, va_list list) {
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(local, SHORT_MESSAGE, format, again);
    va_end(again);
    if (length < SHORT_MESSAGE) {
        return local;
    }
    char *whole = malloc((size_t)length + 1);
    if (whole == NULL) {
        mark(local);
        return local;
    }
    vsnprintf(whole, (size_t)length + 1, format, list);
    return whole;
}

int32_t hl_guest_failf(int32_t code, const char *format, ...) {
    char local[SHORT_MESSAGE];
    va_list list;
    va_start(list, format);
    char *text = message(local, format, list);
    va_end(list);
    int32_t status = hlc_fail(code, text);
    if (text != local) {
        free(text);
    }
    return status;
}

void hl_guest_log_at(uint32_t level, const char *target, const char *file, uint32_t line, const char *format,
                     ...) {
    if (!hlc_log_enabled(level, target)) {
        return;
    }
    char local[SHORT_MESSAGE];
    va_list list;
    va_start(list, format);
    char *text = message(local, format, list);
    va_end(list);
    hlc_log(level, target, file, line, text);
    if (text != local) {
        free(text);
    }
}
