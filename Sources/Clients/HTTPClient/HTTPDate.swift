import CCurl

/// The dates of HTTP headers (RFC 9110, section 5.6.7), by libcurl's own parser: all three forms a recipient must read.
public enum HTTPDate {
    /// Seconds since 1970, nil for what is no date.
    public static func seconds(_ text: String) -> Int? {
        let seconds = curl_getdate(text, nil)
        return seconds < 0 ? nil : seconds
    }
}
