#define _GNU_SOURCE
#include "faulty_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct disk {
    atomic_int mode;
    // Writes until it dies; negative for never.
    _Atomic int64_t left;
    _Atomic int64_t refusals;
    // Of a full one: its folder, and what that holds at most, in bytes.
    char path[512];
    int64_t room;
};

enum { FILES = 65536 };

// Number 0 is no disk of ours, and never fails.
static struct disk disks[FAULTY_DISK_COUNT];
static atomic_int disk_of_file[FILES];

static int number(const char *path) {
    size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, "-shm") == 0) return 0;
    const char *world = strstr(path, "/popshop-simulation-");
    const char *name = world ? strstr(world, "/disk-") : NULL;
    int disk = name ? atoi(name + 6) : 0;
    return disk > 0 && disk < FAULTY_DISK_COUNT ? disk : 0;
}

static _Thread_local int64_t found;

static int add(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)place;
    size_t length = strlen(path);
    if (kind == FTW_F && !(length > 4 && strcmp(path + length - 4, "-shm") == 0)) found += status->st_size;
    return 0;
}

// What is in a folder, in bytes.
static int64_t used(const char *path) {
    found = 0;
    nftw(path, add, 16, FTW_PHYS);
    return found;
}

static struct disk *disk_of(int file) {
    int disk = file >= 0 && file < FILES ? atomic_load(&disk_of_file[file]) : 0;
    return disk ? &disks[disk] : NULL;
}

void faulty_disk_set(int disk, int mode) { atomic_store(&disks[disk].mode, mode); }
void faulty_disk_die_after(int disk, int64_t writes) { atomic_store(&disks[disk].left, writes); }
void faulty_disk_fill(int disk, const char *path) {
    snprintf(disks[disk].path, sizeof disks[disk].path, "%s", path);
    disks[disk].room = used(path);
    atomic_store(&disks[disk].mode, FAULTY_DISK_FULL);
}
int faulty_disk_is_dead(int disk) { return atomic_load(&disks[disk].left) == 0; }
int64_t faulty_disk_refusals(int disk) { return atomic_load(&disks[disk].refusals); }

void faulty_disk_reset(int disk) {
    atomic_store(&disks[disk].mode, FAULTY_DISK_SOUND);
    atomic_store(&disks[disk].left, -1);
    atomic_store(&disks[disk].refusals, 0);
}

static int refuse(struct disk *disk, int error) {
    atomic_fetch_add(&disk->refusals, 1);
    errno = error;
    return -1;
}

// Counts a write: 0 when it may be made, 1 when it is the one that is torn, 2 when the disk is dead.
static int count_write(struct disk *disk) {
    int64_t left = atomic_load(&disk->left);
    if (left < 0) return 0;
    if (left == 0) return 2;
    atomic_store(&disk->left, left - 1);
    return left == 1;
}

// Why a write that ends at `end` is refused; 0 when it is not.
static int refusal(struct disk *disk, int file, off_t end) {
    switch (atomic_load(&disk->mode)) {
    case FAULTY_DISK_REFUSES:
    case FAULTY_DISK_GONE: return EIO;
    case FAULTY_DISK_FULL: {
        struct stat status;
        if (fstat(file, &status) != 0) return EIO;
        if (end <= status.st_size) return 0;
        return used(disk->path) + end - status.st_size <= disk->room ? 0 : ENOSPC;
    }
    default: return 0;
    }
}

int faulty_open(const char *path, int flags, int mode) {
    int disk = number(path);
    if (disk && (flags & O_CREAT) && access(path, F_OK) != 0) {
        int state = atomic_load(&disks[disk].mode);
        if (atomic_load(&disks[disk].left) == 0) state = FAULTY_DISK_REFUSES;
        if (state == FAULTY_DISK_REFUSES || state == FAULTY_DISK_GONE) return refuse(&disks[disk], EIO);
    }
    int file = open(path, flags, mode);
    if (file >= 0 && file < FILES) atomic_store(&disk_of_file[file], disk);
    return file;
}

ssize_t faulty_pwrite(int file, const void *bytes, size_t count, off_t offset) {
    struct disk *disk = disk_of(file);
    if (!disk) return pwrite(file, bytes, count, offset);
    int error = refusal(disk, file, offset + (off_t)count);
    if (error) return refuse(disk, error);
    switch (count_write(disk)) {
    case 1:
        if (pwrite(file, bytes, count / 2, offset) < 0) return -1;
        return refuse(disk, EIO);
    case 2: return refuse(disk, EIO);
    default: return pwrite(file, bytes, count, offset);
    }
}

// What was written just now is read from the disk, too, however it was cached.
ssize_t faulty_pread(int file, void *bytes, size_t count, off_t offset) {
    struct disk *disk = disk_of(file);
    if (disk && atomic_load(&disk->mode) == FAULTY_DISK_GONE) return refuse(disk, EIO);
    return pread(file, bytes, count, offset);
}

ssize_t faulty_read(int file, void *bytes, size_t count) {
    struct disk *disk = disk_of(file);
    if (disk && atomic_load(&disk->mode) == FAULTY_DISK_GONE) return refuse(disk, EIO);
    return read(file, bytes, count);
}

ssize_t faulty_write(int file, const void *bytes, size_t count) {
    struct disk *disk = disk_of(file);
    if (!disk) return write(file, bytes, count);
    off_t offset = lseek(file, 0, SEEK_CUR);
    ssize_t done = faulty_pwrite(file, bytes, count, offset);
    if (done > 0) lseek(file, offset + done, SEEK_SET);
    return done;
}

int faulty_ftruncate(int file, off_t length) {
    struct disk *disk = disk_of(file);
    if (!disk) return ftruncate(file, length);
    int error = refusal(disk, file, length);
    if (error) return refuse(disk, error);
    if (atomic_load(&disk->left) == 0) return refuse(disk, EIO);
    return ftruncate(file, length);
}
