import Care

/// Reads one pack of records (RFC 8428 §4), whichever way it is written.
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
        init(_ error: CBORError) { reason = error.reason }
    }

    /// The first fault of a record, if any.
    private(set) var reason: String?

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

        /// Notes a value of a wrong type, which is nil. A base field's counts for more than the record's own.
        mutating func known<Value>(_ value: Value?, _ label: StaticString) -> Value? {
            if value == nil, !isBaseAtFault { fault = label }
            return value
        }

        var isBaseAtFault: Bool { fault.map { $0.utf8Start.pointee == UInt8(ascii: "b") } ?? false }

        var valueCount: Int {
            (number == nil ? 0 : 1) + (text == nil ? 0 : 1) + (flag == nil ? 0 : 1) + (hasData ? 1 : 0)
        }
    }

    init(vocabulary: SenMLVocabulary, arrivedAt: Instant) {
        self.vocabulary = vocabulary
        self.arrivedAt = arrivedAt
    }

    mutating func read<Source: SenMLSource>(_ source: Source, into readings: inout [DecodedReading]) throws(Failure) {
        var source = source
        guard try source.openPack() else {
            reason = Source.noPackReason
            return
        }
        while try source.nextRecord() {
            recordNumber += 1
            guard recordNumber <= Self.recordsMax else {
                throw Failure("The SenML pack has more than \(Self.recordsMax) records.")
            }
            let record = try readRecord(&source)
            if let fault = fault(in: record) {
                note(fault)
            } else {
                resolve(record, into: &readings)
            }
        }
        try source.end()
    }

    mutating func note(_ fault: String) {
        if reason == nil { reason = "SenML record \(recordNumber) \(fault)." }
    }

    private mutating func readRecord<Source: SenMLSource>(_ source: inout Source) throws(Failure) -> Record {
        var record = Record()
        var mustUnderstand = false
        var version: Double?
        guard try source.openRecord() else {
            record.fault = "record"
            return record
        }
        while let label = try source.nextLabel() {
            switch label {
            case .baseName: base.name = record.known(try source.text(), "bn") ?? base.name
            case .baseTime: base.time = record.known(try source.number(), "bt")
            case .baseUnit: base.unit = record.known(try source.text(), "bu")
            case .baseValue: base.value = record.known(try source.number(), "bv")
            case .baseSum: base.sum = record.known(try source.number(), "bs")
            case .version: version = record.known(try source.number(), "bver")
            case .name: record.name = record.known(try source.text(), "n")
            case .unit: record.unit = record.known(try source.text(), "u")
            case .time: record.time = record.known(try source.number(), "t")
            case .value: record.number = record.known(try source.number(), "v")
            case .sum: record.sum = record.known(try source.number(), "s")
            case .text: record.text = record.known(try source.text(), "vs")
            case .flag: record.flag = record.known(try source.flag(), "vb")
            case .data:
                record.hasData = true
                _ = record.known(try source.data() ? true : nil, "vd")
            case .other: try source.skip()
            case .mustBeUnderstood:
                mustUnderstand = true
                try source.skip()
            }
        }
        // Without it the names, times or values of all later records would be other than meant.
        if let label = record.fault, record.isBaseAtFault {
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

    private func fault(in record: Record) -> String? {
        if let label = record.fault { return "has a \u{201C}\(label)\u{201D} of a wrong type" }
        if record.valueCount > 1 { return "has more than one value" }
        return nil
    }
}
