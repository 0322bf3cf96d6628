/* Text that grows as it is written. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "demo.h"

void append(struct text *text, const char *format, ...) {
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    size_t needed = text->len + (size_t)vsnprintf(NULL, 0, format, again) + 1;
    va_end(again);
    if (needed > text->size) {
        char *larger = (char *)hl_guest_alloc(2 * needed);
        if (text->len > 0) {
            memcpy(larger, text->start, text->len);
        }
        text->start = larger;
        text->size = 2 * needed;
    }
    text->len += (size_t)vsnprintf(text->start + text->len, text->size - text->len, format, list);
    va_end(list);
}

void append_bytes(struct text *text, hl_bytes bytes) {
    append(text, "[");
    for (size_t i = 0; i < bytes.len; i++) {
        append(text, i > 0 ? ", %u" : "%u", bytes.data[i]);
    }
    append(text, "]");
}
