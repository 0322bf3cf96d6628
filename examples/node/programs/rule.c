/* A tenant's rule, without a C library.

   clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry rule.c -o rule.wasm
*/

#define EXPORT(name) __attribute__((export_name(name)))

/* From the host. */
__attribute__((import_name("stock"))) int stock(int item);

static char buffer[256];

EXPORT("price") double price(int item, int quantity)
{
    double each = 2.5 * item;
    return quantity > stock(item) ? -1 : each * quantity;
}

/* Where the host may put a text. */
EXPORT("buffer") char *text(void)
{
    return buffer;
}

EXPORT("shout") void shout(int length)
{
    for (int index = 0; index < length && index < (int)sizeof buffer; index++)
        if (buffer[index] >= 'a' && buffer[index] <= 'z')
            buffer[index] -= 'a' - 'A';
}

EXPORT("crash") int crash(int *address)
{
    return *address;
}
