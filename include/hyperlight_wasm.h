/* WebAssembly is part of hyperlight.h: hl_wasm_compile and its kin. This header is there for programs that include it. */
#ifndef HYPERLIGHT_WASM_H
#define HYPERLIGHT_WASM_H

#include <hyperlight.h>

#endif
