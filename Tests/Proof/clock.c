// Sets a process's clocks without setting the machine's.
//
// For LD_PRELOAD. CLOCK_CONTROL names a file that is mapped as two numbers: by how many nanoseconds the wall clock and the time
// since boot are moved, which another process writes meanwhile. A machine that sleeps moves both; one whose clock is set
// moves the first. The monotonic clock is everybody's own.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct { _Atomic int64_t wall, boot; } *control;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CLOCK_CONTROL");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) control = mapped;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!real_clock_gettime) real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real_clock_gettime(clock, time);
    if (result != 0 || !control) return result;
    int64_t by = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? control->wall
               : clock == CLOCK_BOOTTIME ? control->boot : 0;
    int64_t moved = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec + by;
    time->tv_sec = moved / 1000000000;
    time->tv_nsec = moved % 1000000000;
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return result;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
