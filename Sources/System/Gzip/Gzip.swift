import CZlib

/// gzip (RFC 1952), by zlib.
public enum Gzip {
    /// - Parameter level: 1 to 9. For what is packed to be sent once 1 is enough: a line is slower than a core.
    /// - Returns: Nil when zlib has no memory for it.
    public static func compress(_ bytes: [UInt8], level: Int32 = 1) -> [UInt8]? {
        var stream = z_stream()
        guard czlib_gzip_init(&stream, level) == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.count)))
        return bytes.withUnsafeBufferPointer { source -> [UInt8]? in
            // Not written to: zlib's header has no const there (without ZLIB_CONST).
            stream.next_in = source.baseAddress.map(UnsafeMutablePointer.init(mutating:))
            stream.avail_in = UInt32(source.count)
            var whole = false
            let output = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
                stream.next_out = buffer.baseAddress
                stream.avail_out = UInt32(buffer.count)
                whole = deflate(&stream, Z_FINISH) == Z_STREAM_END
                count = Int(stream.total_out)
            }
            return whole ? output : nil
        }
    }

    /// Why bytes cannot be unpacked.
    public enum Failure: Error, Hashable, Sendable {
        /// They are no gzip, or not a whole one.
        case malformed
        /// They unpack to more than may be.
        case tooLarge
    }

    /// - Parameter most: Bytes of the result: a few packed bytes may stand for any number.
    public static func decompress(_ bytes: [UInt8], upTo most: Int) throws(Failure) -> [UInt8] {
        var stream = z_stream()
        guard czlib_gunzip_init(&stream) == Z_OK else { throw .malformed }
        defer { inflateEnd(&stream) }
        var (input, output) = (bytes, [UInt8]())
        let outcome = input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            var outcome = Z_OK
            while outcome == Z_OK, output.count <= most {
                let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, count in
                    stream.next_out = buffer.baseAddress
                    stream.avail_out = UInt32(buffer.count)
                    outcome = inflate(&stream, Z_NO_FLUSH)
                    count = buffer.count - Int(stream.avail_out)
                }
                output += chunk
            }
            return outcome
        }
        guard output.count <= most else { throw .tooLarge }
        guard outcome == Z_STREAM_END else { throw .malformed }
        return output
    }
}
