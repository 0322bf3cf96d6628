/* Header, library and the name by which programs find the library agree about the version. */
#define _GNU_SOURCE
#include "check.h"

#include <dlfcn.h>

int main(void) {
    char text[64];
    CHECK(hl_version() == HL_VERSION);
    snprintf(text, sizeof text, "%d.%d.%d", HL_VERSION_MAJOR, HL_VERSION_MINOR, HL_VERSION_PATCH);
    CHECK(strcmp(hl_version_string(), text) == 0);
    CHECK(HL_VERSION >> 16 == HL_VERSION_MAJOR && (HL_VERSION >> 8 & 255) == HL_VERSION_MINOR);

    Dl_info info;
    snprintf(text, sizeof text, "/libhyperlight.so.%d.%d", HL_VERSION_MAJOR, HL_VERSION_MINOR);
    CHECK(dladdr((const void *)(uintptr_t)hl_version, &info) != 0);
    const size_t len = strlen(info.dli_fname);
    CHECK(len > strlen(text) && strcmp(info.dli_fname + len - strlen(text), text) == 0);
    return 0;
}
