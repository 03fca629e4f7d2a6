#!/usr/bin/env bash
# jemalloc 5.3.0: oversize_threshold:0 of malloc_conf, which says that no memory is given back early for being large, does not
# reach the first arena, from which a program's first thread takes: it keeps the default of 8 MiB, and the free() with
# which freed neighbours have grown to that gives all of them back in the one call. Kvorum sets the arena's own threshold
# (server/main.cc).
source "$(dirname "$0")/lib.sh"
debian libjemalloc2=5.3.0-1 libjemalloc-dev=5.3.0-1

cat >"$folder/arenas.c" <<'C'
#include <jemalloc/jemalloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kBlocks = 1024, kBytes = 64 * 1024 };
const char* malloc_conf = "narenas:2,tcache:false,oversize_threshold:0,dirty_decay_ms:3600000,muzzy_decay_ms:0";

static size_t read_size(const char* name) {
    size_t value = 0, size = sizeof(value);
    mallctl(name, &value, &size, NULL, 0);
    return value;
}

// MiB that went back to the system while blocks of this arena were freed, one after the other.
static size_t given_back_mib(unsigned arena) {
    static char* blocks[kBlocks];
    for (int i = 0; i < kBlocks; ++i) {
        blocks[i] = mallocx(kBytes, MALLOCX_ARENA(arena));
        memset(blocks[i], 1, kBytes);
    }
    for (int i = 0; i < kBlocks; ++i)
        dallocx(blocks[i], 0);
    char name[64];
    unsigned long epoch = 1;
    mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch));
    snprintf(name, sizeof(name), "stats.arenas.%u.dirty_purged", arena);
    return read_size(name) >> 8;
}

int main(void) {
    const char* version = NULL;
    size_t size = sizeof(version);
    mallctl("version", &version, &size, NULL, 0);
    const size_t option = read_size("opt.oversize_threshold");
    const size_t first = read_size("arena.0.oversize_threshold"), second_before = given_back_mib(1);
    const size_t second = read_size("arena.1.oversize_threshold"), first_back = given_back_mib(0);
    printf("jemalloc %.5s, malloc_conf oversize_threshold:%zu, an hour of decay, 64 MiB in blocks of 64 KiB freed\n", version, option);
    printf("expected: both arenas keep them\n");
    printf("seen:     the first arena has a threshold of %zu MiB and gave %zu MiB back at once; the second one of %zu TiB and gave %zu\n",
           first >> 20, first_back, second >> 40, second_before);
    return strncmp(version, "5.3.0", 5) != 0 || option != 0 || first != 8 << 20 || second <= first || first_back < 8 || second_before != 0;
}
C
libraries=$(dirname "$(find "$folder/debian" -name libjemalloc.so.2)")
gcc -O1 -I "$folder/debian/usr/include" -o "$folder/arenas" "$folder/arenas.c" -L "$libraries" -ljemalloc
LD_LIBRARY_PATH=$libraries "$folder/arenas"
