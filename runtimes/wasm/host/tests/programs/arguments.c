#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    for (int i = 0; i < argc; i++)
        printf("%s|", argv[i]);
    printf("\nHOME=%s\nEMPTY=%s\n%s\n", getenv("HOME"), getenv("EMPTY"), getenv("MISSING") ? "some" : "none");
    return argc;
}
