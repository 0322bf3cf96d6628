/* A WASI command without a C library: prints its arguments, its environment and the file that its first argument
   names, and exits with the number of arguments.

   clang --target=wasm32 -O2 -nostdlib -Wl,--export=_start command.c -o command.wasm
*/

typedef unsigned int u32;
typedef unsigned long long u64;
typedef struct { const void *data; u32 length; } vector;

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name))) u32 name
WASI(args_sizes_get)(u32 *count, u32 *length);
WASI(args_get)(char **each, char *all);
WASI(environ_sizes_get)(u32 *count, u32 *length);
WASI(environ_get)(char **each, char *all);
WASI(path_open)(u32 directory, u32 flags, const char *path, u32 length, u32 how, u64 rights, u64 inherited, u32 more, u32 *file);
WASI(fd_read)(u32 file, const vector *to, u32 count, u32 *read);
WASI(fd_write)(u32 file, const vector *from, u32 count, u32 *written);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_exit"), noreturn)) void proc_exit(u32 code);

static u32 length_of(const char *text)
{
    u32 length = 0;
    while (text[length] != 0)
        length++;
    return length;
}

static void print(const char *text, u32 length)
{
    vector parts[2] = {{text, length}, {"\n", 1}};
    u32 written;
    fd_write(1, parts, 2, &written);
}

static char *texts[64], bytes[4096];

void _start(void)
{
    u32 count, length, file, variables, got;

    args_sizes_get(&count, &length);
    args_get(texts, bytes);
    for (u32 index = 0; index < count; index++)
        print(texts[index], length_of(texts[index]));
    if (count > 1) {
        char contents[256];
        vector to = {contents, sizeof contents};
        if (path_open(3, 0, texts[1], length_of(texts[1]), 0, 2, 0, 0, &file) != 0)
            print("no file", 7);
        else if (fd_read(file, &to, 1, &got) == 0)
            print(contents, got);
        if (path_open(3, 0, "new", 3, 1, 64, 0, 0, &file) == 0)
            print("made a file", 11);
    }
    environ_sizes_get(&variables, &length);
    environ_get(texts, bytes);
    for (u32 index = 0; index < variables; index++)
        print(texts[index], length_of(texts[index]));
    proc_exit(count);
}
