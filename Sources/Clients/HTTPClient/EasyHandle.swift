import CCurl

/// One of libcurl's easy handles: what carries a request, one after another. Confined to the driver's thread.
final class EasyHandle {
    let raw: UnsafeMutableRawPointer

    /// The first option that libcurl did not take since the last reset: none may be ignored in silence.
    private(set) var failure = CURLE_OK

    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    init?() {
        guard let raw = curl_easy_init() else { return nil }
        self.raw = raw
        reset()
    }

    deinit {
        curl_easy_cleanup(raw)
        errorText.deallocate()
    }

    /// Undoes every option; connections and addresses, which belong to the multi handle, stay.
    func reset() {
        curl_easy_reset(raw)
        failure = CURLE_OK
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        set(CURLOPT_ERRORBUFFER, UnsafeRawPointer(errorText))
    }

    /// What libcurl says of the last failure, beyond its code; may be empty.
    var errorDetail: String { String(cString: errorText) }

    func set(_ option: CURLoption, _ value: Int) { note(ccurl_set_long(raw, option, value)) }

    func set(_ option: CURLoption, _ value: Bool) { set(option, value ? 1 : 0) }

    /// In milliseconds, of which libcurl takes 0 for "without end" and at most `Int32.max`.
    func set(_ option: CURLoption, _ value: Duration) {
        let milliseconds = (value / .milliseconds(1)).rounded(.up)
        set(option, Int(min(max(milliseconds, 1), Double(Int32.max))))
    }

    /// libcurl copies the string.
    func set(_ option: CURLoption, _ value: String) { note(ccurl_set_string(raw, option, value)) }

    /// libcurl keeps the pointer.
    func set(_ option: CURLoption, _ value: UnsafeRawPointer) { note(ccurl_set_pointer(raw, option, value)) }

    /// libcurl keeps the list.
    func set(_ option: CURLoption, _ value: UnsafeMutablePointer<curl_slist>?) {
        note(ccurl_set_list(raw, option, value))
    }

    /// libcurl copies the bytes.
    func setCopiedBody(_ body: [UInt8]) {
        note(ccurl_set_offset(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
        (body.isEmpty ? [0] : body).withUnsafeBytes { bytes in
            note(ccurl_set_pointer(raw, CURLOPT_COPYPOSTFIELDS, bytes.baseAddress))
        }
    }

    func setCallback(_ option: CURLoption, _ callback: @escaping ccurl_data_callback) {
        note(ccurl_set_data_callback(raw, option, callback))
    }

    func setPrereqCallback(_ callback: @escaping ccurl_prereq_callback) {
        note(ccurl_set_prereq_callback(raw, callback))
    }

    func long(_ info: CURLINFO) -> Int {
        var value = 0
        return ccurl_get_long(raw, info, &value) == CURLE_OK ? value : 0
    }

    func microseconds(_ info: CURLINFO) -> Int {
        var value: curl_off_t = 0
        return ccurl_get_offset(raw, info, &value) == CURLE_OK ? Int(value) : 0
    }

    func string(_ info: CURLINFO) -> String? {
        var value: UnsafePointer<CChar>?
        guard ccurl_get_string(raw, info, &value) == CURLE_OK else { return nil }
        return value.map { String(cString: $0) }
    }

    private func note(_ outcome: CURLcode) {
        if failure == CURLE_OK { failure = outcome }
    }
}
