// Tells the thread sanitizer of what Swift's libraries do on Linux without its knowledge; without it they are not instrumented,
// and what they order looks like a race. Loaded in front of them (LD_PRELOAD), in a process that has the sanitizer or in any
// other.
//
// - `Mutex` (Synchronization): the fast path is inlined and seen, a lock that is contended is not
//   (stdlib/public/Synchronization/Mutex/LinuxImpl.swift).
// - A continuation that is resumed before it is awaited: the runtime tells of the one and not of the other
//   (stdlib/public/Concurrency/Task.cpp, swift_continuation_await).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define swiftcall __attribute__((swiftcall))
#define context __attribute__((swift_context))

__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

// _MutexHandle._lockSlow(_ selfId: UInt32), ._tryLockSlow() -> Bool, ._unlockSlow()
swiftcall void lock_slow(uint32_t thread, context void *mutex) __asm__("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
swiftcall _Bool try_lock_slow(context void *mutex) __asm__("$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF");
swiftcall void unlock_slow(context void *mutex) __asm__("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");

typedef __attribute__((swiftasynccall)) void await_function(__attribute__((swift_async_context)) void *);
__attribute__((swiftasynccall)) void swift_continuation_await(__attribute__((swift_async_context)) void *continuation);
__attribute__((weak)) swiftcall void *swift_task_getCurrent(void);

static await_function *real_await;
static swiftcall void (*real_lock_slow)(uint32_t, context void *);
static swiftcall _Bool (*real_try_lock_slow)(context void *);
static swiftcall void (*real_unlock_slow)(context void *);

__attribute__((constructor)) static void find(void) {
    real_await = dlsym(RTLD_NEXT, "swift_continuation_await");
    real_lock_slow = dlsym(RTLD_NEXT, "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
    real_try_lock_slow = dlsym(RTLD_NEXT, "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF");
    real_unlock_slow = dlsym(RTLD_NEXT, "$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
}

swiftcall void lock_slow(uint32_t thread, context void *mutex) {
    real_lock_slow(thread, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

swiftcall _Bool try_lock_slow(context void *mutex) {
    _Bool locked = real_try_lock_slow(mutex);
    if (locked && __tsan_acquire) __tsan_acquire(mutex);
    return locked;
}

swiftcall void unlock_slow(context void *mutex) {
    if (__tsan_release) __tsan_release(mutex);
    real_unlock_slow(mutex);
}

__attribute__((swiftasynccall)) void swift_continuation_await(__attribute__((swift_async_context)) void *continuation) {
    if (__tsan_acquire) __tsan_acquire(swift_task_getCurrent());
    __attribute__((musttail)) return real_await(continuation);
}
