#include <errno.h>
#include <stdio.h>

int main(void) {
    for (int i = 0; i < 1000000; i++)
        if (printf("%0200d\n", i) < 0)
            return errno;
    return 0;
}
