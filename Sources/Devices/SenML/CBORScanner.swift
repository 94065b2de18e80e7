/// Why bytes are not CBOR, or not CBOR that we take. Holds a place, never contents.
struct CBORError: Error, Hashable, Sendable {
    enum Problem: String, Sendable {
        case ended = "it ends too early"
        case reserved = "an item begins with a byte that means nothing"
        case misplaced = "an end stands where no item is open"
        case chunk = "a text or data in pieces has a piece of another kind"
        case notUTF8 = "a text is not UTF-8"
        case tooDeep = "it is nested too deeply"
        case trailing = "something follows the end"
    }

    var problem: Problem
    /// From 0.
    var byte: Int

    var reason: String { "The message is not valid CBOR: \(problem.rawValue) (at byte \(byte))." }
}

/// A reader of CBOR (RFC 8949) that walks over the bytes once.
///
/// As with `JSONScanner` the caller asks for what it wants next and steps over the rest. A length in the message is
/// never used to reserve anything: every element takes a byte at least, so the bytes that are there bound all work.
struct CBORScanner {
    /// Arrays, maps and tags within one another. SenML has two levels.
    static let depthMax = 16
    /// Decimal exponents beyond are no measurement.
    static let exponentMax: UInt64 = 400

    let bytes: UnsafeRawBufferPointer
    private(set) var at = 0

    /// - Parameter bytes: Must outlive the scanner.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    enum Kind: UInt8 { case unsigned, negative, data, text, array, map, tag, simple }

    /// What an item begins with (§3).
    private struct Head {
        var kind: Kind
        /// The low five bits: for `simple` they say what it is.
        var info: UInt8
        var argument: UInt64
        var isIndefinite: Bool { info == 31 }
    }

    /// The elements of an open array, or the pairs of an open map.
    struct Items {
        /// Nil: until the end is marked.
        fileprivate var left: UInt64?
    }

    private func failure(_ problem: CBORError.Problem) -> CBORError { CBORError(problem: problem, byte: at) }

    /// Does not step over it.
    func peek() throws(CBORError) -> Kind {
        guard at < bytes.count else { throw failure(.ended) }
        return Kind(rawValue: bytes[at] >> 5) ?? .simple
    }

    private mutating func head() throws(CBORError) -> Head {
        let kind = try peek()
        let info = bytes[at] & 0x1F
        var head = Head(kind: kind, info: info, argument: UInt64(info))
        switch info {
        case 0..<24: at += 1
        case 24...27:
            let count = 1 << Int(info - 24)
            guard bytes.count - at > count else { throw failure(.ended) }
            head.argument = bytes[at + 1...at + count].reduce(0) { $0 << 8 | UInt64($1) }
            at += 1 + count
        case 31:
            switch kind {
            case .data, .text, .array, .map: at += 1
            case .simple: throw failure(.misplaced)
            case .unsigned, .negative, .tag: throw failure(.reserved)
            }
        default: throw failure(.reserved)
        }
        return head
    }

    /// Opens an array or a map, which `peek()` has seen.
    mutating func open() throws(CBORError) -> Items {
        let head = try head()
        return Items(left: head.isIndefinite ? nil : head.argument)
    }

    /// True when another element, or pair, follows; false after the last one.
    mutating func next(_ items: inout Items) throws(CBORError) -> Bool {
        if let left = items.left {
            items.left = left == 0 ? 0 : left - 1
            return left > 0
        }
        guard at < bytes.count else { throw failure(.ended) }
        guard bytes[at] == 0xFF else { return true }
        at += 1
        return false
    }

    /// A text, in one piece or in several. Nil for another kind, which is stepped over.
    mutating func text(depth: Int) throws(CBORError) -> String? {
        guard try peek() == .text else {
            try skip(depth: depth)
            return nil
        }
        var text = ""
        try string { text += String(decoding: $0, as: UTF8.self) }
        return text
    }

    /// True where data stands. Either way it is stepped over.
    mutating func data(depth: Int) throws(CBORError) -> Bool {
        let isData = try peek() == .data
        try skip(depth: depth)
        return isData
    }

    /// Steps over a text or data and gives its pieces.
    private mutating func string(_ piece: (UnsafeRawBufferPointer) -> Void) throws(CBORError) {
        let head = try head()
        if !head.isIndefinite { return try chunk(head, piece) }
        while true {
            guard at < bytes.count else { throw failure(.ended) }
            if bytes[at] == 0xFF {
                at += 1
                return
            }
            guard try peek() == head.kind, bytes[at] & 0x1F != 31 else { throw failure(.chunk) }
            try chunk(try self.head(), piece)
        }
    }

    private mutating func chunk(_ head: Head, _ piece: (UnsafeRawBufferPointer) -> Void) throws(CBORError) {
        guard head.argument <= UInt64(bytes.count - at) else { throw failure(.ended) }
        let end = at + Int(head.argument)
        let part = UnsafeRawBufferPointer(rebasing: bytes[at..<end])
        if head.kind == .text, part.contains(where: { $0 >= 0x80 }), !isUTF8(part) { throw failure(.notUTF8) }
        piece(part)
        at = end
    }

    /// An integer, a floating-point number or a decimal fraction, as long as it is finite. Nil for anything else, big
    /// numbers included, which is stepped over.
    mutating func number(depth: Int) throws(CBORError) -> Double? {
        let start = at
        switch try peek() {
        case .unsigned: return Double(try head().argument)
        case .negative: return -1 - Double(try head().argument)
        case .simple:
            if let number = Self.float(try head()), number.isFinite { return number }
        case .tag:
            if try head().argument == 4, let number = try decimalFraction(), number.isFinite { return number }
        case .data, .text, .array, .map: break
        }
        at = start
        try skip(depth: depth)
        return nil
    }

    /// An integer that a label may be. Nil for anything else; nothing is stepped over then.
    mutating func label() throws(CBORError) -> Int64? {
        switch try peek() {
        case .unsigned: return Int64(clamping: try head().argument)
        case .negative: return -1 - Int64(clamping: try head().argument)
        default: return nil
        }
    }

    /// `true` or `false`. Nil for anything else, which is stepped over.
    mutating func flag(depth: Int) throws(CBORError) -> Bool? {
        let start = at
        if try peek() == .simple {
            switch try head().info {
            case 20: return false
            case 21: return true
            default: break
            }
        }
        at = start
        try skip(depth: depth)
        return nil
    }

    /// Behind tag 4 (§3.4.4): an array of the exponent to ten and the mantissa.
    private mutating func decimalFraction() throws(CBORError) -> Double? {
        guard try peek() == .array else { return nil }
        var items = try open()
        var parts: [(isNegative: Bool, size: UInt64)] = []
        while try next(&items) {
            let kind = try peek()
            guard parts.count < 2, kind == .unsigned || kind == .negative else { return nil }
            let argument = try head().argument
            guard kind == .unsigned || argument < .max else { return nil }
            parts.append(kind == .unsigned ? (false, argument) : (true, argument + 1))
        }
        guard parts.count == 2, parts[0].size <= Self.exponentMax else { return nil }
        // Through the text, so that 235 × 10⁻¹ is the same number as JSON's 23.5.
        return Double("\(parts[1].isNegative ? "-" : "")\(parts[1].size)e\(parts[0].isNegative ? "-" : "")\(parts[0].size)")
    }

    private static func float(_ head: Head) -> Double? {
        switch head.info {
        case 25: half(UInt16(truncatingIfNeeded: head.argument))
        case 26: Double(Float(bitPattern: UInt32(truncatingIfNeeded: head.argument)))
        case 27: Double(bitPattern: head.argument)
        default: nil
        }
    }

    /// IEEE 754's binary16, which Swift has not on every machine.
    private static func half(_ bits: UInt16) -> Double {
        let fraction = Double(bits & 0x3FF)
        let exponent = Int(bits >> 10 & 0x1F)
        let size: Double =
            switch exponent {
            case 0: fraction * 0x1p-24
            case 31: fraction == 0 ? .infinity : .nan
            default: Double(sign: .plus, exponent: exponent - 25, significand: 1_024 + fraction)
            }
        return bits & 0x8000 == 0 ? size : -size
    }

    /// Steps over one item of any kind, checking that it is well formed.
    /// - Parameter depth: How many arrays, maps and tags are around it.
    mutating func skip(depth: Int) throws(CBORError) {
        guard depth < Self.depthMax else { throw failure(.tooDeep) }
        switch try peek() {
        case .unsigned, .negative, .simple: _ = try head()
        case .data, .text: try string { _ in }
        case .array:
            var items = try open()
            while try next(&items) { try skip(depth: depth + 1) }
        case .map:
            var items = try open()
            while try next(&items) {
                try skip(depth: depth + 1)
                try skip(depth: depth + 1)
            }
        case .tag:
            _ = try head()
            try skip(depth: depth + 1)
        }
    }

    /// Nothing may follow the one item of a message.
    func end() throws(CBORError) {
        guard at == bytes.count else { throw failure(.trailing) }
    }
}
