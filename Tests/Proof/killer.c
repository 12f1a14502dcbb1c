// Counts what a process changes on disk, or sends, and at the n-th such call kills it, or lets calls fail.
//
// For LD_PRELOAD. KILLER_FOLDER names the folder whose files count; KILLER_CONTROL a file that is mapped as `struct control`
// and that another process reads and writes meanwhile (preload.py has its layout). SIGKILL comes before the call, after it, or in the
// midst of it: then half of the bytes are written, which is what a write that was interrupted leaves.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum way { before, half, after };

struct control {
    _Atomic uint64_t calls;    // Counted so far.
    _Atomic uint64_t at;       // Kills at this one; 0 for never.
    _Atomic uint64_t way;      // How: enum way.
    _Atomic uint64_t sockets;  // Whether what is sent counts too.
    _Atomic uint64_t error;    // While it is not 0, calls from `from` on fail with this errno,
    _Atomic uint64_t from;
    _Atomic uint64_t until;    // but this one and those after it do not; 0 for all.
    _Atomic uint64_t failed;   // So many did.
    _Atomic uint64_t reads;    // Whether reads fail with them. They never count.
    char call[16];             // The one that was killed at,
    char file[232];            // and its file.
};

static struct control *control;
static char folder[PATH_MAX];
static size_t folder_length;
// Open files of the folder, by descriptor: those that may be written, and all.
static _Atomic unsigned char ours[65536], read_too[65536];

#define REAL(name) ((typeof(&name))real(#name, &real_##name))
#define DECLARE(name) static void *real_##name
static void *real(const char *name, void **known) {
    if (!*known) *known = dlsym(RTLD_NEXT, name);
    return *known;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("KILLER_CONTROL"), *name = getenv("KILLER_FOLDER");
    if (!path || !name) return;
    snprintf(folder, sizeof folder, "%s/", name);
    folder_length = strlen(folder);
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) control = mapped;
    close(file);
}

static int is_our_path(const char *path) { return control && path && !strncmp(path, folder, folder_length); }
static int is_our_file(int file) { return control && file >= 0 && file < 65536 && ours[file]; }
static int is_our_socket(int file) { return control && control->sockets && file >= 0 && file < 65536; }

static _Noreturn void die(const char *call, const char *path, int file) {
    char link[64];
    strncpy(control->call, call, sizeof control->call - 1);
    if (path) {
        strncpy(control->file, path, sizeof control->file - 1);
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        if (readlink(link, control->file, sizeof control->file - 1) < 0) strcpy(control->file, "?");
    }
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

// Counts a call. Whether its turn has come to be the last; an errno when it is to fail.
struct turn { int last, error; };
static struct turn count(void) {
    uint64_t number = atomic_fetch_add(&control->calls, 1) + 1;
    struct turn turn = {control->at && number == control->at, 0};
    if (control->error && number >= control->from && (!control->until || number < control->until)) {
        turn.error = (int)control->error;
        atomic_fetch_add(&control->failed, 1);
    }
    return turn;
}

// A call that is whole or not at all.
#define COUNTED(call, path, file, expression)                                        \
    struct turn turn = count();                                                      \
    if (turn.error) { errno = turn.error; return -1; }                               \
    if (turn.last && control->way != after) die(call, path, file);                   \
    typeof(expression) result = (expression);                                        \
    if (turn.last) die(call, path, file);                                            \
    return result

// A call that may have written a half of its bytes.
#define COUNTED_BYTES(call, file, size, whole, part)                                 \
    struct turn turn = count();                                                      \
    if (turn.error) { errno = turn.error; return -1; }                               \
    if (turn.last && control->way == before) die(call, NULL, file);                  \
    if (turn.last && control->way == half) { (void)!(part); die(call, NULL, file); } \
    ssize_t result = (whole);                                                        \
    if (turn.last) die(call, NULL, file);                                            \
    return result

static int opened(const char *path, int flags, int file) {
    if (file >= 0 && file < 65536) {
        read_too[file] = is_our_path(path);
        ours[file] = read_too[file] && (flags & O_ACCMODE) != O_RDONLY;
    }
    return file;
}

#define OPEN(name)                                                                   \
    DECLARE(name);                                                                   \
    int name(const char *path, int flags, ...) {                                     \
        va_list more;                                                                \
        va_start(more, flags);                                                       \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;      \
        va_end(more);                                                                \
        if (is_our_path(path) && (flags & O_CREAT) && access(path, F_OK) != 0) {     \
            COUNTED("create", path, -1, opened(path, flags, REAL(name)(path, flags, mode))); \
        }                                                                            \
        return opened(path, flags, REAL(name)(path, flags, mode));                   \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                 \
    DECLARE(name);                                                                   \
    int name(int at, const char *path, int flags, ...) {                             \
        va_list more;                                                                \
        va_start(more, flags);                                                       \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;      \
        va_end(more);                                                                \
        if (is_our_path(path) && (flags & O_CREAT) && access(path, F_OK) != 0) {     \
            COUNTED("create", path, -1, opened(path, flags, REAL(name)(at, path, flags, mode))); \
        }                                                                            \
        return opened(path, flags, REAL(name)(at, path, flags, mode));               \
    }
OPENAT(openat)
OPENAT(openat64)

DECLARE(close);
int close(int file) {
    if (file >= 0 && file < 65536) ours[file] = read_too[file] = 0;
    return REAL(close)(file);
}

// Whether a read is to fail: only while all calls do.
static int cannot_read(int file) {
    if (!control || !control->reads || !control->error || file < 0 || file >= 65536 || !read_too[file]) return 0;
    atomic_fetch_add(&control->failed, 1);
    errno = (int)control->error;
    return 1;
}

DECLARE(read);
ssize_t read(int file, void *bytes, size_t size) { return cannot_read(file) ? -1 : REAL(read)(file, bytes, size); }

#define PREAD(name)                                                                  \
    DECLARE(name);                                                                   \
    ssize_t name(int file, void *bytes, size_t size, off_t at) {                     \
        return cannot_read(file) ? -1 : REAL(name)(file, bytes, size, at);           \
    }
PREAD(pread)
PREAD(pread64)

DECLARE(write);
ssize_t write(int file, const void *bytes, size_t size) {
    if (!is_our_file(file)) return REAL(write)(file, bytes, size);
    COUNTED_BYTES("write", file, size, REAL(write)(file, bytes, size), REAL(write)(file, bytes, size / 2));
}

#define PWRITE(name)                                                                 \
    DECLARE(name);                                                                   \
    ssize_t name(int file, const void *bytes, size_t size, off_t at) {               \
        if (!is_our_file(file)) return REAL(name)(file, bytes, size, at);            \
        COUNTED_BYTES("pwrite", file, size, REAL(name)(file, bytes, size, at),       \
                      REAL(name)(file, bytes, size / 2, at));                        \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

DECLARE(writev);
ssize_t writev(int file, const struct iovec *parts, int n) {
    if (!is_our_file(file)) return REAL(writev)(file, parts, n);
    COUNTED_BYTES("writev", file, n, REAL(writev)(file, parts, n), REAL(writev)(file, parts, n / 2));
}

#define OF_FILE(name, call)                                                          \
    DECLARE(name);                                                                   \
    int name(int file) {                                                             \
        if (!is_our_file(file)) return REAL(name)(file);                             \
        COUNTED(call, NULL, file, REAL(name)(file));                                 \
    }
OF_FILE(fsync, "fsync")
OF_FILE(fdatasync, "fdatasync")

#define TRUNCATE(name)                                                               \
    DECLARE(name);                                                                   \
    int name(int file, off_t size) {                                                 \
        if (!is_our_file(file)) return REAL(name)(file, size);                       \
        COUNTED("ftruncate", NULL, file, REAL(name)(file, size));                    \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

DECLARE(unlink);
int unlink(const char *path) {
    if (!is_our_path(path)) return REAL(unlink)(path);
    COUNTED("unlink", path, -1, REAL(unlink)(path));
}

DECLARE(unlinkat);
int unlinkat(int at, const char *path, int flags) {
    if (!is_our_path(path)) return REAL(unlinkat)(at, path, flags);
    COUNTED("unlink", path, -1, REAL(unlinkat)(at, path, flags));
}

DECLARE(rename);
int rename(const char *from, const char *to) {
    if (!is_our_path(from) && !is_our_path(to)) return REAL(rename)(from, to);
    COUNTED("rename", to, -1, REAL(rename)(from, to));
}

DECLARE(mkdir);
int mkdir(const char *path, mode_t mode) {
    if (!is_our_path(path) || access(path, F_OK) == 0) return REAL(mkdir)(path, mode);
    COUNTED("mkdir", path, -1, REAL(mkdir)(path, mode));
}

DECLARE(send);
ssize_t send(int file, const void *bytes, size_t size, int flags) {
    if (!is_our_socket(file)) return REAL(send)(file, bytes, size, flags);
    COUNTED_BYTES("send", file, size, REAL(send)(file, bytes, size, flags), REAL(send)(file, bytes, size / 2, flags));
}
