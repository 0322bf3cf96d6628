/* A library that prints: once it has said so, whenever a line ends. */
#include <stdio.h>

void prepare(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
}

void say(int number) {
    printf("line %d\n", number);
}
