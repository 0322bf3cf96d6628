/* A line of 6003 bytes, which no cut at 4096 bytes leaves whole, and one after it. */
#include <stdio.h>

int main(void) {
    fputs("x", stderr);
    for (int i = 0; i < 3001; i++)
        fputs("\xc3\xa9", stderr);
    fputs("\nthe next\n", stderr);
    return 0;
}
