import Foundation

// One parser under libFuzzer, which is guided by the branches that an input takes and brings the `main`.
// `Tests/Proof/fuzzing.py` builds it and drives it.
//
//   fuzz --list                       the parsers' names
//   fuzz --write NAME FOLDER FILE     a parser's corpus into the folder, and its tokens as a dictionary into the file
//   POPSHOP_FUZZ_ONLY=NAME fuzz …     libFuzzer, with its own arguments

private let target = named(ProcessInfo.processInfo.environment["POPSHOP_FUZZ_ONLY"] ?? "")

private func named(_ name: String) -> FuzzTarget {
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else { fatalError("\(name) is no parser here") }
    return target
}

/// Called by libFuzzer before anything else.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_: UnsafeMutableRawPointer, _: UnsafeMutableRawPointer) -> CInt {
    let arguments = CommandLine.arguments.dropFirst()
    switch arguments.first {
    case "--list":
        print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
        exit(0)
    case "--write":
        let operands = Array(arguments.dropFirst())
        guard operands.count == 3 else { fatalError("--write NAME FOLDER FILE") }
        do {
            try write(named(operands[0]), folder: URL(filePath: operands[1]), dictionary: URL(filePath: operands[2]))
        } catch {
            fatalError("\(error)")
        }
        exit(0)
    default:
        return 0
    }
}

/// Called by libFuzzer with each input. What does not hold ends the process, which is how it learns of it.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    do {
        try target.run(input)
    } catch {
        fatalError("\(target.name): \(error): base64 \(Data(input).base64EncodedString())")
    }
    return 0
}

/// - Parameter dictionary: a line `"…"` each token, bytes that are not printable as `\xHH`:
///   <https://llvm.org/docs/LibFuzzer.html#dictionaries>.
private func write(_ target: FuzzTarget, folder: URL, dictionary: URL) throws {
    for (index, input) in try target.corpus().enumerated() {
        try Data(input).write(to: folder.appending(path: "seed-\(index)"))
    }
    let lines = target.tokens.map { token in
        let bytes = token.utf8.map { byte in
            let hexadecimal = String(byte, radix: 16)
            return "\\x" + (hexadecimal.count == 1 ? "0" : "") + hexadecimal
        }
        return "\"\(bytes.joined())\"\n"
    }
    try Data(lines.joined().utf8).write(to: dictionary)
}
