#include <stdio.h>

int main(void) {
    fprintf(stderr, "first\nsecond ");
    fprintf(stderr, "part\n");
    fprintf(stderr, "no end");
    return 0;
}
