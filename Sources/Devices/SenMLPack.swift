import Care

/// Reads one pack of records (RFC 8428 §4) from a JSON array.
///
/// A record at fault gives a reason and no reading, the others count. A pack that is malformed, of a newer
/// version, or with a field that must be understood (§4.4: its label ends in `_`) does not count at all.
struct SenMLPack {
    /// Larger packs are refused: a device that was away sends its history in several.
    static let recordsMax = 4_096
    /// Base name and name together.
    static let nameBytesMax = 128
    /// Times below are relative to now, times from here on absolute (§4.5.3): 2²⁸ s.
    static let relativeSecondsMax = 268_435_456.0
    /// The version of RFC 8428.
    static let versionMax = 10.0

    struct Failure: Error {
        var reason: String
        init(_ reason: String) { self.reason = reason }
        init(_ error: JSONError) { reason = error.reason }
    }

    /// The first fault of a record, if any.
    private(set) var reason: String?

    private var scanner: JSONScanner
    let vocabulary: SenMLVocabulary
    let arrivedAt: Instant
    var base = Base()
    /// From 1, for reasons.
    private var recordNumber = 0

    /// What holds for a record and all after it, until it is given anew.
    struct Base {
        var name = ""
        var unit: String?
        var time: Double?
        var value: Double?
        var sum: Double?
    }

    struct Record {
        var name: String?
        var unit: String?
        var time: Double?
        var number: Double?
        var text: String?
        var flag: Bool?
        var hasData = false
        var sum: Double?
        /// The label of a field whose value is of a wrong type; one of ours, never from the message.
        var fault: StaticString?

        var valueCount: Int {
            (number == nil ? 0 : 1) + (text == nil ? 0 : 1) + (flag == nil ? 0 : 1) + (hasData ? 1 : 0)
        }
    }

    init(_ payload: UnsafeRawBufferPointer, vocabulary: SenMLVocabulary, arrivedAt: Instant) {
        scanner = JSONScanner(payload)
        self.vocabulary = vocabulary
        self.arrivedAt = arrivedAt
    }

    mutating func read(into readings: inout [DecodedReading]) throws(Failure) {
        do throws(JSONError) {
            guard try scanner.peek() == .array else {
                reason = "The message is not a SenML pack, which is a JSON array of records."
                return
            }
            scanner.open()
        } catch { throw Failure(error) }
        var first = true
        while try next(&first) {
            recordNumber += 1
            guard recordNumber <= Self.recordsMax else {
                throw Failure("The SenML pack has more than \(Self.recordsMax) records.")
            }
            let record = try readRecord()
            if let fault = fault(in: record) {
                note(fault)
            } else {
                resolve(record, into: &readings)
            }
        }
        do throws(JSONError) { try scanner.end() } catch { throw Failure(error) }
    }

    private mutating func next(_ first: inout Bool) throws(Failure) -> Bool {
        do throws(JSONError) { return try scanner.nextElement(&first) } catch { throw Failure(error) }
    }

    mutating func note(_ fault: String) {
        if reason == nil { reason = "SenML record \(recordNumber) \(fault)." }
    }

    private mutating func readRecord() throws(Failure) -> Record {
        var record = Record()
        var mustUnderstand = false
        var version: Double?
        do throws(JSONError) {
            guard try scanner.peek() == .object else {
                try scanner.skip(depth: 1)
                record.fault = "record"
                return record
            }
            scanner.open()
            var first = true
            while let key = try scanner.nextKey(&first) {
                switch key.string {
                case "bn": base.name = try string(&record, "bn") ?? base.name
                case "bt": base.time = try number(&record, "bt")
                case "bu": base.unit = try string(&record, "bu")
                case "bv": base.value = try number(&record, "bv")
                case "bs": base.sum = try number(&record, "bs")
                case "bver": version = try number(&record, "bver")
                case "n": record.name = try string(&record, "n")
                case "u": record.unit = try string(&record, "u")
                case "t": record.time = try number(&record, "t")
                case "v": record.number = try number(&record, "v")
                case "s": record.sum = try number(&record, "s")
                case "vs": record.text = try string(&record, "vs")
                case "vb": record.flag = try flag(&record, "vb")
                case "vd":
                    _ = try string(&record, "vd")
                    record.hasData = true
                case let other:
                    mustUnderstand = mustUnderstand || other.hasSuffix("_")
                    try scanner.skip(depth: 2)
                }
            }
        } catch { throw Failure(error) }
        // Without it the names, times or values of all later records would be other than meant.
        if let label = record.fault, label.utf8Start.pointee == UInt8(ascii: "b") {
            throw Failure("The SenML pack has a \u{201C}\(label)\u{201D} of a wrong type.")
        }
        if mustUnderstand {
            throw Failure("The SenML pack has a field that must be understood and that we do not know.")
        }
        if let version, version > Self.versionMax {
            throw Failure("The SenML pack is of a newer version than \(Int(Self.versionMax)).")
        }
        return record
    }

    private mutating func string(_ record: inout Record, _ label: StaticString) throws(JSONError) -> String? {
        if try scanner.peek() == .string { return try scanner.string().string }
        record.fault = label
        try scanner.skip(depth: 2)
        return nil
    }

    private mutating func number(_ record: inout Record, _ label: StaticString) throws(JSONError) -> Double? {
        if try scanner.peek() == .number { return try scanner.number() }
        record.fault = label
        try scanner.skip(depth: 2)
        return nil
    }

    private mutating func flag(_ record: inout Record, _ label: StaticString) throws(JSONError) -> Bool? {
        let kind = try scanner.peek()
        if kind == .yes || kind == .no {
            try scanner.literal(kind)
            return kind == .yes
        }
        record.fault = label
        try scanner.skip(depth: 2)
        return nil
    }

    private func fault(in record: Record) -> String? {
        if let label = record.fault { return "has a \u{201C}\(label)\u{201D} of a wrong type" }
        if record.valueCount > 1 { return "has more than one value" }
        return nil
    }
}
