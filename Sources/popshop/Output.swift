#if canImport(Glibc)
    import Glibc
#endif

/// What a person or a script reads, written at once: a line must not wait in a buffer for the next one.
enum Output {
    static func line(_ text: String = "") {
        write(text + "\n", to: STDOUT_FILENO)
    }

    /// Without a line's end.
    static func text(_ text: String) { write(text, to: STDOUT_FILENO) }

    static func error(_ sentence: String) {
        write("popshop: \(sentence)\n", to: STDERR_FILENO)
    }

    private static func write(_ text: String, to file: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            // A reader that has gone away (`popshop … | head`) wants no more.
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}
