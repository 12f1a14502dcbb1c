// Tells the thread sanitizer of the locks of Swift's `Mutex` (Synchronization) on Linux. The fast path is inlined and seen; a
// lock that is contended is in a library without instrumentation (stdlib/public/Synchronization/Mutex/LinuxImpl.swift), and
// whatever it guards looks like a race. Loaded in front (LD_PRELOAD), in a process that has the sanitizer or in any other.
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

static swiftcall void (*real_lock_slow)(uint32_t, context void *);
static swiftcall _Bool (*real_try_lock_slow)(context void *);
static swiftcall void (*real_unlock_slow)(context void *);

__attribute__((constructor)) static void find(void) {
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
