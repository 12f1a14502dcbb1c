// Starts a process that dies with the thread that started it: `prctl` is variadic and `fork` is not for Swift.
#ifndef TIED_CHILD_H
#define TIED_CHILD_H

#include <sys/types.h>

/// Runs `path` with `arguments` (ending in NULL) in its own process group, both outputs appended to `output_path`.
/// SIGKILL ends it when the calling thread does (prctl(2), PR_SET_PDEATHSIG), so call it from one that lasts.
/// Returns the process's id, or -1.
pid_t tied_child_start(const char *path, char *const arguments[], const char *output_path);

/// Runs `path` with `arguments` and `environment` (each ending in NULL), its input empty, both outputs going to
/// `output`, every signal as by default and no other descriptor open (posix_spawn(3)). It is tied to nobody.
/// Returns 0 and the process's id, or an `errno`.
int free_child_start(const char *path, char *const arguments[], char *const environment[], int output, pid_t *child);

#endif
