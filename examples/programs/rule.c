/*
 * A tenant's rule, without a C library.
 *
 *   clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry rule.c -o rule.wasm
 */

/* From the host. */
__attribute__((import_name("stock"))) int stock(int item);

__attribute__((export_name("price"))) double price(int item, int quantity) {
    return quantity > stock(item) ? -1 : 2.5 * item * quantity;
}

__attribute__((export_name("crash"))) int crash(const int *address) {
    return *address;
}
