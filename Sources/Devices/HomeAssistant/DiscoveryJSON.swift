import Care

extension JSON {
    /// Values in one announcement: a bridge's device form has some hundreds.
    static let announcedValuesMax = 100_000

    /// The tree of one announcement. Announcements are rare, so that a tree may be built of them.
    init(announced payload: UnsafeRawBufferPointer) throws(JSONError) {
        var scanner = JSONScanner(payload)
        var left = Self.announcedValuesMax
        self = try Self.value(&scanner, depth: 0, &left)
        try scanner.end()
    }

    private static func value(_ scanner: inout JSONScanner, depth: Int, _ left: inout Int) throws(JSONError) -> JSON {
        left -= 1
        guard depth < JSONScanner.depthMax, left > 0 else { throw scanner.failure(.tooDeep) }
        let kind = try scanner.peek()
        var first = true
        switch kind {
        case .string: return .string(try scanner.string().string)
        case .number:
            let start = scanner.at
            let number = try scanner.number()
            let isWhole = !scanner.bytes[start..<scanner.at].contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
            return isWhole ? Int64(exactly: number).map { .int($0) } ?? .double(number) : .double(number)
        case .yes, .no, .null:
            try scanner.literal(kind)
            return kind == .null ? .null : .bool(kind == .yes)
        case .array:
            scanner.open()
            var values: [JSON] = []
            while try scanner.nextElement(&first) { values.append(try value(&scanner, depth: depth + 1, &left)) }
            return .array(values)
        case .object:
            scanner.open()
            var members: [Member] = []
            while let key = try scanner.nextKey(&first) { members.append(Member(key.string, try value(&scanner, depth: depth + 1, &left))) }
            return .object(members)
        }
    }

    var members: [Member]? { if case .object(let members) = self { members } else { nil } }
    /// One value that is no list counts as a list of one.
    var items: [JSON] { if case .array(let items) = self { items } else { [self] } }

    /// As Home Assistant makes a text of what should be one: `true` is `True`.
    var asText: String? {
        switch self {
        case .string(let text): text
        case .bool(let flag): flag ? "True" : "False"
        case .int(let number): String(number)
        case .double(let number): "\(number)"
        case .null, .array, .object: nil
        }
    }

    var asNumber: Double? {
        switch self {
        case .int(let number): Double(number)
        case .double(let number): number
        case .string(let text): Array(text.utf8).withUnsafeBytes { numberInText($0) }
        case .null, .bool, .array, .object: nil
        }
    }
}
