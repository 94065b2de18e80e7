import Care

// What conventions need that read some members of an object themselves.

extension JSONText {
    /// Whether this is exactly `word`.
    func reads(_ word: StaticString) -> Bool {
        func same(_ text: UnsafeRawBufferPointer) -> Bool {
            text.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
        }
        return isEscaped ? withBytes(same) : same(bytes)
    }
}

extension JSONScanner {
    /// A number, also one that is written as a text. Nil, and stepped over, when it is anything else.
    /// - Parameter depth: how many objects and arrays are around it.
    mutating func looseNumber(depth: Int) throws(JSONError) -> Double? {
        switch try peek() {
        case .number: return try number()
        case .string: return try string().withBytes { numberInText($0) }
        default:
            try skip(depth: depth)
            return nil
        }
    }

    /// A text. Nil, and stepped over, when it is anything else.
    mutating func looseText(depth: Int) throws(JSONError) -> JSONText? {
        if try peek() == .string { return try string() }
        try skip(depth: depth)
        return nil
    }

    /// `true` or `false`. Nil, and stepped over, when it is anything else.
    mutating func looseFlag(depth: Int) throws(JSONError) -> Bool? {
        let kind = try peek()
        try skip(depth: depth)
        return kind == .yes ? true : kind == .no ? false : nil
    }

    /// A time in any of the forms that devices use. Nil, and stepped over, when it is none.
    mutating func looseTime(depth: Int) throws(JSONError) -> Instant? {
        switch try peek() {
        case .number: return deviceTime(number: try number())
        case .string: return try string().withBytes { deviceTime(text: $0) }
        default:
            try skip(depth: depth)
            return nil
        }
    }

    /// Where the next value stands in the message; stepped over, and checked to be well formed. Nil when it is not of this kind.
    mutating func place(of wanted: Kind, depth: Int) throws(JSONError) -> UnsafeRawBufferPointer? {
        let kind = try peek()
        let start = at
        try skip(depth: depth)
        return kind == wanted ? UnsafeRawBufferPointer(rebasing: bytes[start..<at]) : nil
    }
}
