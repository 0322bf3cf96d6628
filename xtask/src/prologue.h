#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hyperlight_value.h"

#if UINTPTR_MAX != UINT64_MAX
#error "libhyperlight is for 64-bit programs"
#endif

@VERSION@
/** The version of this header, as one number; that of the library is `hl_version()`. */
#define HL_VERSION ((uint32_t)HL_VERSION_MAJOR << 16 | (uint32_t)HL_VERSION_MINOR << 8 | (uint32_t)HL_VERSION_PATCH)

#ifndef HL_API
#if defined(__GNUC__)
#define HL_API __attribute__((visibility("default")))
#else
#define HL_API
#endif
#endif

#if defined(__GNUC__)
#define HL_MUST_USE __attribute__((warn_unused_result))
#else
#define HL_MUST_USE
#endif

