// Starts a process that dies with the thread that started it: `prctl` is variadic and `fork` is not for Swift.
#ifndef TIED_CHILD_H
#define TIED_CHILD_H

#include <sys/types.h>

/// Runs `path` with `arguments` (ending in NULL) in its own process group, both outputs appended to `output_path`.
/// SIGKILL ends it when the calling thread does (prctl(2), PR_SET_PDEATHSIG), so call it from one that lasts.
/// Returns the process's id, or -1.
pid_t tied_child_start(const char *path, char *const arguments[], const char *output_path);

#endif
