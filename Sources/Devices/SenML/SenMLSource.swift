/// A way of writing a SenML pack, JSON or CBOR. It is asked for what comes next; what the records mean is
/// `SenMLPack`'s affair and the same for all.
///
/// `text`, `number`, `flag` and `data` step over a value of another kind and give nil or false.
protocol SenMLSource {
    /// For a message that is something else as a whole.
    static var noPackReason: String { get }

    /// False when the message is not an array.
    mutating func openPack() throws(SenMLPack.Failure) -> Bool
    /// False after the last record.
    mutating func nextRecord() throws(SenMLPack.Failure) -> Bool
    /// False when the next element is not a record; it was stepped over.
    mutating func openRecord() throws(SenMLPack.Failure) -> Bool
    /// Nil after the last field of a record. The value follows.
    mutating func nextLabel() throws(SenMLPack.Failure) -> SenMLLabel?
    mutating func text() throws(SenMLPack.Failure) -> String?
    mutating func number() throws(SenMLPack.Failure) -> Double?
    mutating func flag() throws(SenMLPack.Failure) -> Bool?
    mutating func data() throws(SenMLPack.Failure) -> Bool
    mutating func skip() throws(SenMLPack.Failure)
    /// Nothing may follow the pack.
    mutating func end() throws(SenMLPack.Failure)
}

/// The fields of a record (RFC 8428, tables 1, 2 and 4).
enum SenMLLabel: Sendable {
    case baseName, baseTime, baseUnit, baseValue, baseSum, version
    case name, unit, value, text, flag, sum, time, data
    /// A field that we do not know and may ignore, or know and have no use for, such as `ut`.
    case other
    /// §4.4: a label that ends in `_` stands for what must be understood.
    case mustBeUnderstood

    init(_ label: String) {
        self =
            switch label {
            case "bn": .baseName
            case "bt": .baseTime
            case "bu": .baseUnit
            case "bv": .baseValue
            case "bs": .baseSum
            case "bver": .version
            case "n": .name
            case "u": .unit
            case "v": .value
            case "vs": .text
            case "vb": .flag
            case "s": .sum
            case "t": .time
            case "vd": .data
            case let other: other.hasSuffix("_") ? .mustBeUnderstood : .other
            }
    }

    /// CBOR's numbers for the same (§6). There will be no others.
    init(number: Int64) {
        self =
            switch number {
            case -1: .version
            case -2: .baseName
            case -3: .baseTime
            case -4: .baseUnit
            case -5: .baseValue
            case -6: .baseSum
            case 0: .name
            case 1: .unit
            case 2: .value
            case 3: .text
            case 4: .flag
            case 5: .sum
            case 6: .time
            case 8: .data
            default: .other
            }
    }
}

/// SenML in JSON (§5).
struct SenMLJSON: SenMLSource {
    static let noPackReason = "The message is not a SenML pack, which is a JSON array of records."

    private var scanner: JSONScanner
    private var isFirstRecord = true
    private var isFirstLabel = true

    init(_ payload: UnsafeRawBufferPointer) { scanner = JSONScanner(payload) }

    mutating func openPack() throws(SenMLPack.Failure) -> Bool {
        do throws(JSONError) {
            guard try scanner.peek() == .array else { return false }
            scanner.open()
            return true
        } catch { throw SenMLPack.Failure(error) }
    }

    mutating func nextRecord() throws(SenMLPack.Failure) -> Bool {
        do throws(JSONError) { return try scanner.nextElement(&isFirstRecord) } catch { throw SenMLPack.Failure(error) }
    }

    mutating func openRecord() throws(SenMLPack.Failure) -> Bool {
        do throws(JSONError) {
            guard try scanner.peek() == .object else {
                try scanner.skip(depth: 1)
                return false
            }
            scanner.open()
            isFirstLabel = true
            return true
        } catch { throw SenMLPack.Failure(error) }
    }

    mutating func nextLabel() throws(SenMLPack.Failure) -> SenMLLabel? {
        do throws(JSONError) {
            return try scanner.nextKey(&isFirstLabel).map { SenMLLabel($0.string) }
        } catch { throw SenMLPack.Failure(error) }
    }

    mutating func text() throws(SenMLPack.Failure) -> String? {
        do throws(JSONError) {
            if try scanner.peek() == .string { return try scanner.string().string }
        } catch { throw SenMLPack.Failure(error) }
        try skip()
        return nil
    }

    mutating func number() throws(SenMLPack.Failure) -> Double? {
        do throws(JSONError) {
            if try scanner.peek() == .number { return try scanner.number() }
        } catch { throw SenMLPack.Failure(error) }
        try skip()
        return nil
    }

    mutating func flag() throws(SenMLPack.Failure) -> Bool? {
        do throws(JSONError) {
            let kind = try scanner.peek()
            if kind == .yes || kind == .no {
                try scanner.literal(kind)
                return kind == .yes
            }
        } catch { throw SenMLPack.Failure(error) }
        try skip()
        return nil
    }

    /// Base64 in a string.
    mutating func data() throws(SenMLPack.Failure) -> Bool { try text() != nil }

    mutating func skip() throws(SenMLPack.Failure) {
        do throws(JSONError) { try scanner.skip(depth: 2) } catch { throw SenMLPack.Failure(error) }
    }

    mutating func end() throws(SenMLPack.Failure) {
        do throws(JSONError) { try scanner.end() } catch { throw SenMLPack.Failure(error) }
    }
}
