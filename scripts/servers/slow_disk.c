/* Preloaded into PostgreSQL: every fsync and fdatasync takes PRORATA_SYNC_DELAY microseconds more. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static int delayed(const char *name, int fd)
{
    const char *delay = getenv("PRORATA_SYNC_DELAY");
    long us = delay ? atol(delay) : 0;
    struct timespec left = {us / 1000000, us % 1000000 * 1000};
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);

    while (nanosleep(&left, &left) != 0) /* a signal is no reason to be faster */
        ;
    return real(fd);
}

int fsync(int fd)
{
    return delayed("fsync", fd);
}

int fdatasync(int fd)
{
    return delayed("fdatasync", fd);
}
