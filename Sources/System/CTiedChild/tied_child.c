#define _GNU_SOURCE  // sigset_t, under -std=c2x
#include "tied_child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

pid_t tied_child_start(const char *path, char *const arguments[], const char *output_path) {
    pid_t parent = getpid();
    pid_t child = fork();
    if (child != 0) return child;
    // Only what is safe between fork and exec (signal-safety(7)).
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);  // The parent was gone before it could be asked for.
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    int output = open(output_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int input = open("/dev/null", O_RDONLY);
    if (output < 0 || input < 0) _exit(127);
    dup2(input, 0);
    dup2(output, 1);
    dup2(output, 2);
    // What else is open is the parent's: a connection it closes has to end, whatever becomes of this child.
    close_range(3, ~0U, 0);
    execv(path, arguments);
    _exit(127);
}
