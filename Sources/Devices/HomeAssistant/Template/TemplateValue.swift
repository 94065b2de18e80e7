/// What an expression came to. Holds bytes of the message itself: must not outlive it.
enum TemplateValue {
    /// The message does not say it.
    case undefined
    /// JSON's `null`, and what is written `none`.
    case none
    case flag(Bool)
    case number(Double, isWhole: Bool)
    /// A string of the message, or the message as a whole.
    case text(JSONText)
    /// A text that stands in the template, or was made.
    case own([UInt8])
    /// An object or array of the message, well-formed.
    case json(UnsafeRawBufferPointer)
    case list([TemplateValue])
    case object([(key: [UInt8], value: TemplateValue)])

    init(_ literal: TemplateLiteral) {
        switch literal {
        case .none: self = .none
        case .flag(let flag): self = .flag(flag)
        case .number(let value, let isWhole): self = .number(value, isWhole: isWhole)
        case .text(let text): self = .own(text)
        }
    }

    /// Nil: it says neither. Home Assistant takes what a message does not say, `null` and the empty text for false; here
    /// silence never is an all-clear, so a choice that hangs on it gives nothing.
    var truth: Bool? {
        switch self {
        case .undefined, .none: nil
        case .flag(let flag): flag
        case .number(let value, _): value != 0
        case .text, .own: withText { $0.isEmpty } == true ? nil : true
        case .json(let bytes): !Self.isEmptyJSON(bytes)
        case .list(let values): !values.isEmpty
        case .object(let members): !members.isEmpty
        }
    }

    private static func isEmptyJSON(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.dropFirst().first { !isSpace($0) }.map { $0 == UInt8(ascii: "]") || $0 == UInt8(ascii: "}") } ?? true
    }

    /// Calls `body` with the text's bytes; nil when it is no text.
    func withText<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        switch self {
        case .text(let text): text.withBytes(body)
        case .own(let bytes): bytes.withUnsafeBytes(body)
        default: nil
        }
    }

    var isText: Bool {
        switch self {
        case .text, .own: true
        default: false
        }
    }

    /// As a number, where it is one: for arithmetic and comparisons, in which Python counts `True` as 1.
    var number: (value: Double, isWhole: Bool)? {
        switch self {
        case .number(let value, let isWhole): (value, isWhole)
        case .flag(let flag): (flag ? 1 : 0, true)
        default: nil
        }
    }

    /// The value that stands at `bytes`, which are well-formed JSON.
    static func json(at bytes: UnsafeRawBufferPointer) throws(JSONError) -> TemplateValue {
        var scanner = JSONScanner(bytes)
        switch try scanner.peek() {
        case .object, .array: return .json(bytes)
        case .string: return .text(try scanner.string())
        case .number:
            let value = try scanner.number()
            let isWhole = !bytes.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
            return .number(value, isWhole: isWhole)
        case .yes: return .flag(true)
        case .no: return .flag(false)
        case .null: return .none
        }
    }

    /// What is reached from an object or array by a name or an index; `undefined` when there is no such.
    func reached(_ step: TemplateStep) throws(JSONError) -> TemplateValue {
        switch self {
        case .json(let bytes): return try Self.find(step, in: bytes).map { bytes throws(JSONError) in try .json(at: bytes) } ?? .undefined
        case .list(let values):
            guard case .index(let index) = step else { return .undefined }
            let at = index < 0 ? values.count + index : index
            return values.indices.contains(at) ? values[at] : .undefined
        case .object(let members):
            guard case .key(let key) = step else { return .undefined }
            return members.last { $0.key == key }?.value ?? .undefined
        default: return .undefined
        }
    }

    /// The bytes of one member or element. Of a key that comes twice the last one counts, as in most readers.
    static func find(_ step: TemplateStep, in bytes: UnsafeRawBufferPointer) throws(JSONError) -> UnsafeRawBufferPointer? {
        var scanner = JSONScanner(bytes)
        var found: UnsafeRawBufferPointer?
        func value(_ scanner: inout JSONScanner) throws(JSONError) -> UnsafeRawBufferPointer {
            _ = try scanner.peek()
            let start = scanner.at
            try scanner.skip(depth: 0)
            return UnsafeRawBufferPointer(rebasing: bytes[start..<scanner.at])
        }
        var first = true
        switch (try scanner.peek(), step) {
        case (.object, .key(let wanted)):
            scanner.open()
            while let key = try scanner.nextKey(&first) {
                let member = try value(&scanner)
                if key.withBytes({ $0.elementsEqual(wanted) }) { found = member }
            }
        case (.array, .index(let index)):
            scanner.open()
            var (at, all) = (0, [UnsafeRawBufferPointer]())
            while try scanner.nextElement(&first) {
                let element = try value(&scanner)
                if index < 0 { all.append(element) } else if at == index { return element }
                at += 1
            }
            if index < 0, all.count + index >= 0 { found = all[all.count + index] }
        default: break
        }
        return found
    }

    /// Names of an object's members, or elements of an array: how many, or up to the first for which `isWanted` holds.
    static func count(_ bytes: UnsafeRawBufferPointer, until isWanted: (TemplateValue) -> Bool = { _ in false })
        throws(JSONError) -> (count: Int, isFound: Bool)
    {
        var scanner = JSONScanner(bytes)
        var (first, count) = (true, 0)
        let isObject = try scanner.peek() == .object
        scanner.open()
        while true {
            if isObject {
                guard let key = try scanner.nextKey(&first) else { break }
                if isWanted(.text(key)) { return (count, true) }
                try scanner.skip(depth: 0)
            } else {
                guard try scanner.nextElement(&first) else { break }
                _ = try scanner.peek()
                let start = scanner.at
                try scanner.skip(depth: 0)
                if isWanted(try .json(at: UnsafeRawBufferPointer(rebasing: bytes[start..<scanner.at]))) { return (count, true) }
            }
            count += 1
        }
        return (count, false)
    }
}
