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
    private let vocabulary: SenMLVocabulary
    private let arrivedAt: Instant
    private var base = Base()
    /// From 1, for reasons.
    private var recordNumber = 0

    /// What holds for a record and all after it, until it is given anew.
    private struct Base {
        var name = ""
        var unit: String?
        var time: Double?
        var value: Double?
        var sum: Double?
    }

    private struct Record {
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
                return reason = "The message is not a SenML pack, which is a JSON array of records."
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

    private mutating func note(_ fault: String) {
        if reason == nil { reason = "SenML record \(recordNumber) \(fault)." }
    }

    // MARK: Reading a record

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

    // MARK: What a record means

    /// Base fields applied (§4.1), then name, time and unit understood.
    private mutating func resolve(_ record: Record, into readings: inout [DecodedReading]) {
        var record = record
        // "If only one of the base value and value is present, the missing one is zero", likewise for sums.
        if let number = record.number {
            record.number = number + (base.value ?? 0)
        } else if record.valueCount == 0 {
            record.number = base.value
        }
        if record.sum != nil || base.sum != nil { record.sum = (record.sum ?? 0) + (base.sum ?? 0) }
        record.unit = record.unit ?? base.unit
        // Base fields alone, for the records that follow.
        if record.valueCount == 0, record.sum == nil { return }

        let name = base.name + (record.name ?? "")
        guard !name.isEmpty else { return note("has no name") }
        guard name.utf8.count <= Self.nameBytesMax else {
            return note("has a name of more than \(Self.nameBytesMax) bytes")
        }
        guard name.utf8.allSatisfy(Self.mayBeInName) else { return note("has a name with forbidden characters") }
        if record.hasData { return }
        guard let (quantity, channel) = meaning(ofName: name, record) else {
            let isKnown = record.text != nil || record.unit.map(vocabulary.isNothing) ?? false
            return isKnown ? () : note("has a name that ends in no quantity that we know")
        }
        let time: Instant?
        switch self.time(of: record) {
        case .some(let resolved): time = resolved
        case nil: return note("has a time that cannot be resolved")
        }
        emit(record, quantity, channel, time, into: &readings)
    }

    /// `a-z A-Z 0-9 - : . / _` (§4.5.1).
    private static func mayBeInName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x2D...0x3A, 0x5F: true
        default: false
        }
    }

    /// After the last `:` come the channel, if any, and behind the last `/` the quantity. A text that is the
    /// name of an event is that event, whatever the record is called.
    private func meaning(ofName name: String, _ record: Record) -> (Quantity, channel: String)? {
        let local = name[(name.lastIndex(of: ":").map { name.index(after: $0) } ?? name.startIndex)...]
        let cut = local.lastIndex(of: "/")
        let last = local[(cut.map { local.index(after: $0) } ?? local.startIndex)...]
        let channel = cut.map { String(local[..<$0]) } ?? ""
        if let text = record.text, let event = Quantity(SenMLVocabulary.normal(text)), event.kind == .event {
            return (event, channel)
        }
        if let quantity = vocabulary.quantity(named: last) { return (quantity, channel) }
        // The name says who measures, the unit what: the whole name keeps two of them apart.
        if let quantity = record.unit.flatMap(vocabulary.quantity(ofUnit:)) { return (quantity, String(local)) }
        return nil
    }

    /// The outer optional is nil when the time cannot be resolved, the inner one when none is given.
    private func time(of record: Record) -> Instant?? {
        guard base.time != nil || record.time != nil else { return .some(nil) }
        let seconds = (base.time ?? 0) + (record.time ?? 0)
        // "Now" is when the message arrives, which is what the caller takes when there is no time.
        if seconds == 0 { return .some(nil) }
        let milliseconds = (seconds * 1_000).rounded()
        guard abs(milliseconds) < Double(Instant.distantFuture.milliseconds) else { return nil }
        let resolved =
            seconds < Self.relativeSecondsMax
            ? arrivedAt + .milliseconds(Int64(milliseconds)) : Instant(milliseconds: Int64(milliseconds))
        guard resolved >= .distantPast, resolved <= .distantFuture else { return nil }
        return .some(resolved)
    }

    private mutating func emit(
        _ record: Record, _ quantity: Quantity, _ channel: String, _ time: Instant?,
        into readings: inout [DecodedReading]
    ) {
        func append(_ quantity: Quantity, _ value: Value) {
            readings.append(
                DecodedReading(quantity: quantity, channel: channel, value: value, deviceTime: time))
        }
        switch quantity.kind {
        case .boolean, .event:
            let flag: Bool
            switch (record.flag, record.number, record.text) {
            case (let given?, _, _): flag = given
            case (_, let number?, _) where number == 0 || number == 1: flag = number == 1
            case (_, _?, _): return note("should be true or false, or 1 or 0")
            case (_, _, let text?):
                guard quantity.kind == .event else { return }
                // The event by its name was told apart above: any other word could mean that it is over.
                guard Quantity(SenMLVocabulary.normal(text))?.kind == .event else {
                    return note("is an event whose text names none")
                }
                flag = true
            default: return
            }
            if quantity.kind == .boolean || flag { append(quantity, .boolean(flag)) }
        case .number:
            if record.flag != nil { return note("is true or false where a number was expected") }
            guard record.number != nil || record.sum != nil else { return }
            let isCount = quantity.unit.hasPrefix("{")
            guard let unit = record.unit ?? (isCount ? quantity.unit : nil) else { return note("has no unit") }
            guard let conversion = Conversion(from: unit, to: quantity) else {
                return note("is in a unit from which its quantity cannot be had")
            }
            if let number = record.number {
                let converted = conversion == .none ? number : conversion(number)
                guard converted.isFinite else { return note("has a number that is too large") }
                append(quantity, .number(converted))
            }
            // A sum is the value integrated over seconds (§4.2). Of ours only power has a quantity for that.
            if let sum = record.sum, quantity.name == "power", let energy = Quantity("energy"),
                let joules = Conversion(from: "J", to: energy)
            {
                let converted = joules(conversion(sum))
                guard converted.isFinite else { return note("has a sum that is too large") }
                append(energy, .number(converted))
            }
        }
    }
}
