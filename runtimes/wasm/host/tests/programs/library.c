static int counter;

__attribute__((constructor)) static void prepare(void) {
    counter = 100;
}

int add(int a, int b) {
    return a + b;
}

int count(void) {
    return ++counter;
}
