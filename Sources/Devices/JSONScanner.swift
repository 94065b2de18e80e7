/// A strict reader of JSON (RFC 8259) that walks over the bytes once and allocates nothing.
///
/// The caller asks for what it wants next and steps over the rest with `skip()`. Foundation's decoder would
/// build a tree of strings and boxes for every message; a gateway has a microsecond for each.
struct JSONScanner {
    /// Objects and arrays within one another. Device messages have three levels at most.
    static let depthMax = 32

    enum Kind: UInt8 { case object, array, string, number, yes, no, null }

    let bytes: UnsafeRawBufferPointer
    private(set) var at = 0

    /// - Parameter bytes: Must outlive the scanner and every `JSONText` that it returns.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    func failure(_ problem: JSONError.Problem) -> JSONError { JSONError(problem: problem, byte: at) }

    /// Nil at the end.
    @inline(__always)
    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    @inline(__always)
    private mutating func skipSpace() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x09, 0x0A, 0x0D: at += 1
            default: return
            }
        }
    }

    /// What the next value is. Does not step over it.
    mutating func peek() throws(JSONError) -> Kind {
        skipSpace()
        guard let byte else { throw failure(.ended) }
        switch byte {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "-"), 0x30...0x39: return .number
        case UInt8(ascii: "t"): return .yes
        case UInt8(ascii: "f"): return .no
        case UInt8(ascii: "n"): return .null
        default: throw failure(.unexpected)
        }
    }

    /// Steps over `{` or `[`, which `peek()` has seen.
    mutating func open() { at += 1 }

    /// The next member's name, or nil after the last one. The value follows.
    /// - Parameter first: True before the first call for an object; kept by this function.
    mutating func nextKey(_ first: inout Bool) throws(JSONError) -> JSONText? {
        skipSpace()
        guard var next = byte else { throw failure(.ended) }
        if next == UInt8(ascii: "}") {
            at += 1
            return nil
        }
        if !first {
            guard next == UInt8(ascii: ",") else { throw failure(.unexpected) }
            at += 1
            skipSpace()
            guard let after = byte else { throw failure(.ended) }
            next = after
        }
        first = false
        guard next == UInt8(ascii: "\"") else { throw failure(.unexpected) }
        let key = try string()
        skipSpace()
        guard let colon = byte else { throw failure(.ended) }
        guard colon == UInt8(ascii: ":") else { throw failure(.unexpected) }
        at += 1
        return key
    }

    /// True when another element follows; false after the last one.
    mutating func nextElement(_ first: inout Bool) throws(JSONError) -> Bool {
        skipSpace()
        guard let next = byte else { throw failure(.ended) }
        if next == UInt8(ascii: "]") {
            at += 1
            return false
        }
        if !first {
            guard next == UInt8(ascii: ",") else { throw failure(.unexpected) }
            at += 1
            // A comma before the bracket is caught by whoever reads the value: `]` begins none.
        }
        first = false
        return true
    }

    /// A string whose opening quote `peek()` has seen.
    mutating func string() throws(JSONError) -> JSONText {
        at += 1
        let start = at
        var isEscaped = false
        var high: UInt8 = 0
        while at < bytes.count {
            let c = bytes[at]
            if c == UInt8(ascii: "\"") {
                let text = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
                if high >= 0x80, !isUTF8(text) { throw failure(.notUTF8) }
                at += 1
                return JSONText(bytes: text, isEscaped: isEscaped)
            }
            if c < 0x20 { throw failure(.control) }
            if c == UInt8(ascii: "\\") {
                isEscaped = true
                try escape()
                continue
            }
            high |= c
            at += 1
        }
        throw failure(.ended)
    }

    private mutating func escape() throws(JSONError) {
        guard at + 1 < bytes.count else { throw failure(.ended) }
        switch bytes[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"):
            guard at + 6 <= bytes.count else { throw failure(.ended) }
            for place in at + 2..<at + 6 where hexDigit(bytes[place]) == nil { throw failure(.escape) }
            at += 6
        default: throw failure(.escape)
        }
    }

    /// A number that `peek()` has seen.
    mutating func number() throws(JSONError) -> Double {
        let (value, end) = try parseNumber(bytes, from: at)
        at = end
        return value
    }

    /// `true`, `false` or `null`, whichever `peek()` has seen.
    mutating func literal(_ kind: Kind) throws(JSONError) {
        let word: StaticString = kind == .yes ? "true" : kind == .no ? "false" : "null"
        let length = word.utf8CodeUnitCount
        guard at + length <= bytes.count else { throw failure(.ended) }
        for offset in 0..<length where bytes[at + offset] != word.utf8Start[offset] {
            throw failure(.unexpected)
        }
        at += length
    }

    /// Steps over one value of any kind, checking that it is well formed.
    /// - Parameter depth: How many objects and arrays are around it.
    mutating func skip(depth: Int) throws(JSONError) {
        let kind = try peek()
        switch kind {
        case .string: _ = try string()
        case .number: _ = try number()
        case .yes, .no, .null: try literal(kind)
        case .object:
            guard depth < Self.depthMax else { throw failure(.tooDeep) }
            open()
            var first = true
            while try nextKey(&first) != nil { try skip(depth: depth + 1) }
        case .array:
            guard depth < Self.depthMax else { throw failure(.tooDeep) }
            open()
            var first = true
            while try nextElement(&first) { try skip(depth: depth + 1) }
        }
    }

    /// Nothing but white space may follow the one value of a message.
    mutating func end() throws(JSONError) {
        skipSpace()
        guard at == bytes.count else { throw failure(.trailing) }
    }
}

/// The text of a JSON string where it stands in the message. Must not outlive the message.
struct JSONText {
    /// Between the quotes, escapes as they stand.
    let bytes: UnsafeRawBufferPointer
    let isEscaped: Bool

    /// With escapes resolved. Half a surrogate pair becomes U+FFFD, which names nothing.
    var string: String {
        guard isEscaped else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: resolved, as: UTF8.self)
    }

    /// A longer text with escapes counts as far as this: no device has such a name, and resolving it takes time.
    static let resolvedBytesMax = 8_192

    /// As UTF-8.
    private var resolved: [UInt8] {
        let bytes = UnsafeRawBufferPointer(rebasing: self.bytes.prefix(Self.resolvedBytesMax))
        var out: [UInt8] = []
        // No escape is shorter than what it stands for.
        out.reserveCapacity(bytes.count)
        var at = 0
        while at < bytes.count {
            guard bytes[at] == UInt8(ascii: "\\"), at + 1 < bytes.count else {
                out.append(bytes[at])
                at += 1
                continue
            }
            switch bytes[at + 1] {
            case UInt8(ascii: "u") where at + 6 <= bytes.count:
                var code = unit(at + 2)
                at += 6
                if code >= 0xD800, code < 0xDC00, at + 6 <= bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u"),
                    case let low = unit(at + 2), low >= 0xDC00, low < 0xE000
                {
                    code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                    at += 6
                }
                Self.append(code, to: &out)
                continue
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0C)
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "t"): out.append(0x09)
            case let other: out.append(other)
            }
            at += 2
        }
        return out
    }

    private func unit(_ start: Int) -> UInt32 { bytes[start..<start + 4].reduce(0) { $0 << 4 | UInt32(hexDigit($1) ?? 0) } }

    private static func append(_ code: UInt32, to out: inout [UInt8]) {
        switch code {
        case 0..<0x80: out.append(UInt8(code))
        case 0x80..<0x800: out += [UInt8(0xC0 | code >> 6), UInt8(0x80 | code & 0x3F)]
        // Half a pair.
        case 0xD800..<0xE000: out += [0xEF, 0xBF, 0xBD]
        case 0x800..<0x10000: out += [UInt8(0xE0 | code >> 12), UInt8(0x80 | code >> 6 & 0x3F), UInt8(0x80 | code & 0x3F)]
        default:
            out += [UInt8(0xF0 | code >> 18 & 0x07), UInt8(0x80 | code >> 12 & 0x3F), UInt8(0x80 | code >> 6 & 0x3F), UInt8(0x80 | code & 0x3F)]
        }
    }

    /// Calls `body` with the text's bytes, escapes resolved; without a copy where there are none.
    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if !isEscaped { return body(bytes) }
        return resolved.withUnsafeBytes { body($0) }
    }
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
}

/// Whether these bytes are well-formed UTF-8. Only asked where a byte is not ASCII.
func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool { String(validating: bytes, as: UTF8.self) != nil }
