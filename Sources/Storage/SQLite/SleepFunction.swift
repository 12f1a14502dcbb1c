import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// `popshop_sleep(milliseconds)`: SQLite's `pg_sleep`, for connections that only read. It is 1 when it is over.
///
/// It is said to be pure, for its result depends on nothing but its argument: so SQLite evaluates it once a statement,
/// and before it looks for the first row.
enum SleepFunction {
    static func add(to db: Database) {
        db.add(
            function: DatabaseFunction("popshop_sleep", argumentCount: 1, pure: true) { values in
                sleep(milliseconds: Int.fromDatabaseValue(values[0]) ?? 0)
                return 1
            }
        )
    }

    private static func sleep(milliseconds: Int) {
        var wanted = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        var left = timespec()
        // A signal may end it early; what is left is slept too.
        while nanosleep(&wanted, &left) != 0 { wanted = left }
    }
}
