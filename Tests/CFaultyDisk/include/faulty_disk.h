#ifndef FAULTY_DISK_H
#define FAULTY_DISK_H

#include <stdint.h>
#include <sys/types.h>

// Disks that fail on demand, by number, beneath SQLite: its unix VFS lets its system calls be replaced
// (sqlite.org/c3ref/vfs.html, xSetSystemCall), and these stand in for those that write. A file belongs to the disk whose
// number is in its path, as "/popshop-simulation-…/disk-<number>/"; all others, and the shared memory of a WAL, are left
// alone.

enum faulty_disk_mode {
    FAULTY_DISK_SOUND = 0,
    // Every write fails with EIO.
    FAULTY_DISK_REFUSES = 1,
    // There is as much on it as there was when faulty_disk_fill was called; more fails with ENOSPC.
    FAULTY_DISK_FULL = 2,
    // Every read and every write fails with EIO: a cable that has come loose.
    FAULTY_DISK_GONE = 3,
};

// How many disks there may be at a time; their numbers are below it.
enum { FAULTY_DISK_COUNT = 4096 };

void faulty_disk_set(int disk, int mode);

// Makes the disk full, of what is in the folder `path` now. What is unlinked gives its room back.
void faulty_disk_fill(int disk, const char *path);

// After so many writes more, of which the last is torn, the disk refuses all: a process that is killed in the middle of
// one. Negative for never.
void faulty_disk_die_after(int disk, int64_t writes);

// Whether that has come.
int faulty_disk_is_dead(int disk);

// How many writes were refused since the disk was made.
int64_t faulty_disk_refusals(int disk);

// Sound, with nothing counted.
void faulty_disk_reset(int disk);

int faulty_open(const char *path, int flags, int mode);
ssize_t faulty_pwrite(int file, const void *bytes, size_t count, off_t offset);
ssize_t faulty_pread(int file, void *bytes, size_t count, off_t offset);
ssize_t faulty_read(int file, void *bytes, size_t count);
ssize_t faulty_write(int file, const void *bytes, size_t count);
int faulty_ftruncate(int file, off_t length);

#endif
