#!/usr/bin/env bash
# glibc 2.36: what was freed before stays with the process while one block lies above it, and the free() of that block gives
# all of it back in the one call: milliseconds for tens of megabytes. Kvorum links jemalloc, whose thread gives memory back
# (server/main.cc).
source "$(dirname "$0")/lib.sh"

cat >"$folder/blocks.c" <<'C'
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kBlocks = 1500, kBytes = 64 * 1024 };

int main(void) {
    static char* blocks[kBlocks];
    for (int i = 0; i < kBlocks; ++i) {
        blocks[i] = malloc(kBytes);
        memset(blocks[i], 1, kBytes);
    }
    const char* full = sbrk(0);
    for (int i = 0; i < kBlocks - 1; ++i)
        free(blocks[i]);
    const char* before_last = sbrk(0);
    free(blocks[kBlocks - 1]);
    const char* after_last = sbrk(0);
    const long first_mib = (full - before_last) >> 20, last_mib = (before_last - after_last) >> 20;
    printf("glibc %s: %d blocks of 64 KiB, freed in the order in which they were made\n", gnu_get_libc_version(), kBlocks);
    printf("expected: each free() costs about the same\n");
    printf("seen:     the first %d calls gave back %ld MiB, the last one %ld MiB\n", kBlocks - 1, first_mib, last_mib);
    return strcmp(gnu_get_libc_version(), "2.36") != 0 || first_mib != 0 || last_mib < 90;
}
C
gcc -O1 -o "$folder/blocks" "$folder/blocks.c"
"$folder/blocks"
