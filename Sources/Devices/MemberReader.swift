import Care

/// Reads JSON objects in which a device names several things of one kind: `POWER1`, `switch:0`, `DS18B20-2`.
///
/// Beside `MessageReader` for the conventions in which names carry an index or are chosen by the device. A name that the
/// table does not have is looked for without its index, which becomes the channel; an object under any other name is
/// read with the table's `*`, with its name as the channel.
struct MemberReader: ~Copyable {
    /// How names carry an index.
    enum Numbering {
        case none
        /// Digits at the end: `POWER2`. A list counts its elements from 1.
        case digits
        /// Digits after a colon: `switch:1`. The index 0 is the device's only one, or its first, and needs no channel.
        case colon
    }

    /// A longer channel is no sensor's name.
    static let channelBytesMax = 64
    /// Phases of a meter, and what else comes as a list.
    static let listElementsMax = 16

    var scanner: JSONScanner
    let start: Int
    private let numbering: Numbering
    private(set) var reason: String?
    /// What stands where the profile's `time` says.
    private var time: Instant?

    /// - Parameter count: how many readings there are before this message's.
    init(_ payload: UnsafeRawBufferPointer, count: Int, numbering: Numbering) {
        scanner = JSONScanner(payload)
        start = count
        self.numbering = numbering
    }

    /// The first fault counts: it is enough to find what is wrong.
    mutating func note(_ fault: String) { if reason == nil { reason = fault } }

    /// What came of the message, once all of it was read.
    func outcome(_ readings: [DecodedReading]) -> Outcome {
        if let reason { return .undecodable(reason: reason) }
        return readings.count > start ? .readings : .nothing
    }

    /// Reads an object that `peek()` has seen.
    mutating func object(
        _ table: PropertyTable, channel: String, depth: Int, into readings: inout [DecodedReading]
    ) throws(JSONError) {
        guard depth < JSONScanner.depthMax else { throw scanner.failure(.tooDeep) }
        scanner.open()
        var first = true
        while let key = try scanner.nextKey(&first) { try member(key, table, channel: channel, depth: depth, into: &readings) }
    }

    /// Reads what stands under a name.
    mutating func member(
        _ key: JSONText, _ table: PropertyTable, channel: String, depth: Int, into readings: inout [DecodedReading]
    ) throws(JSONError) {
        let (found, index) = key.isEscaped ? key.withBytes { find($0, table) } : find(key.bytes, table)
        guard let found else { return try named(key, table, channel: channel, depth: depth, into: &readings) }
        let inner = Self.joined(channel, index)
        switch table.target(found) {
        case .property(let property): try value(property, channel: inner, depth: depth, into: &readings)
        case .object(let table):
            if try scanner.peek() == .object {
                try object(table, channel: inner, depth: depth + 1, into: &readings)
            } else {
                try scanner.skip(depth: depth + 1)
            }
        case .time: try readTime(depth: depth)
        }
    }

    /// An object whose name the device chose.
    private mutating func named(
        _ key: JSONText, _ table: PropertyTable, channel: String, depth: Int, into readings: inout [DecodedReading]
    ) throws(JSONError) {
        guard let any = Self.any.withUnsafeBytes({ table.find($0) }), case .object(let inner) = table.target(any),
            key.bytes.count <= Self.channelBytesMax, try scanner.peek() == .object
        else { return try scanner.skip(depth: depth + 1) }
        let name = key.isEscaped ? safeText(key.string, charactersMax: Self.channelBytesMax) : String(decoding: key.bytes, as: UTF8.self)
        try object(inner, channel: Self.joined(channel, name), depth: depth + 1, into: &readings)
    }

    private static let any: [UInt8] = [UInt8(ascii: "*")]

    private func find(_ key: UnsafeRawBufferPointer, _ table: PropertyTable) -> (Int?, String) {
        if let found = table.find(key) { return (found, numbering == .colon ? Self.split(key, numbering).index : "") }
        if numbering == .none { return (nil, "") }
        let (base, index) = Self.split(key, numbering)
        guard base < key.count else { return (nil, "") }
        return (table.find(UnsafeRawBufferPointer(rebasing: key[..<base])), index)
    }

    /// How long a name is without its index, and the index as a channel.
    static func split(_ key: UnsafeRawBufferPointer, _ numbering: Numbering) -> (base: Int, index: String) {
        var base = key.count
        while base > 0, key[base - 1] &- 0x30 <= 9 { base -= 1 }
        guard base > 0, base < key.count, key.count - base <= 5 else { return (key.count, "") }
        let index = String(decoding: key[base...], as: UTF8.self)
        if numbering == .digits { return (base, index) }
        guard key[base - 1] == UInt8(ascii: ":") else { return (key.count, "") }
        return (base - 1, index == "0" ? "" : index)
    }

    static func joined(_ outer: String, _ inner: String) -> String {
        outer.isEmpty ? inner : inner.isEmpty ? outer : "\(outer)_\(inner)"
    }

    /// A message that is one object.
    static func readObject(
        _ payload: UnsafeRawBufferPointer, _ table: PropertyTable, into readings: inout [DecodedReading]
    ) -> Outcome {
        var reader = MemberReader(payload, count: readings.count, numbering: .none)
        do throws(JSONError) {
            guard try reader.scanner.peek() == .object else { return .undecodable(reason: notAnObject) }
            try reader.object(table, channel: "", depth: 0, into: &readings)
            try reader.scanner.end()
        } catch {
            readings.removeSubrange(reader.start...)
            return .undecodable(reason: error.reason)
        }
        if let time = reader.time { for index in reader.start..<readings.count { readings[index].deviceTime = time } }
        return reader.outcome(readings)
    }

    static let notAnObject = "The message is not a JSON object."

    private mutating func readTime(depth: Int) throws(JSONError) {
        switch try scanner.peek() {
        case .number: time = deviceTime(number: try scanner.number())
        case .string: time = try scanner.string().withBytes { deviceTime(text: $0) }
        default: try scanner.skip(depth: depth + 1)
        }
    }

    // MARK: Values

    private mutating func value(
        _ property: Property, channel: String, depth: Int, into readings: inout [DecodedReading]
    ) throws(JSONError) {
        guard numbering == .digits, try scanner.peek() == .array else {
            return take(try meaning(property, depth: depth), property, channel: channel, into: &readings)
        }
        guard depth + 1 < JSONScanner.depthMax else { throw scanner.failure(.tooDeep) }
        scanner.open()
        var first = true
        var index = 0
        while try scanner.nextElement(&first) {
            index += 1
            if index > Self.listElementsMax {
                try scanner.skip(depth: depth + 2)
            } else {
                let meaning = try meaning(property, depth: depth + 1)
                take(meaning, property, channel: Self.joined(channel, "\(index)"), into: &readings)
            }
        }
    }

    /// What the next value means. Numbers, `true` and `false` may be words of the property, too: `27` on a remote control.
    mutating func meaning(_ property: Property, depth: Int) throws(JSONError) -> Property.Meaning {
        let kind = try scanner.peek()
        switch kind {
        case .number:
            let from = scanner.at
            let number = try scanner.number()
            if property.words.isEmpty { return property.meaning(of: number) }
            return property.meaning(ofText: UnsafeRawBufferPointer(rebasing: scanner.bytes[from..<scanner.at]))
        case .yes, .no:
            let from = scanner.at
            try scanner.literal(kind)
            if property.words.isEmpty { return property.meaning(of: kind == .yes) }
            return property.meaning(ofText: UnsafeRawBufferPointer(rebasing: scanner.bytes[from..<scanner.at]))
        case .string: return try scanner.string().withBytes { property.meaning(ofText: $0) }
        case .null:
            try scanner.literal(kind)
            return .nothing
        case .object, .array:
            try scanner.skip(depth: depth + 1)
            return .unusable(.notAValue)
        }
    }

    mutating func take(
        _ meaning: Property.Meaning, _ property: borrowing Property, channel: String, into readings: inout [DecodedReading]
    ) {
        switch meaning {
        case .nothing: break
        case .unusable(let problem): note(property.reason(problem))
        case .reading(let quantity, let value):
            let reading = DecodedReading(
                quantity: quantity, channel: Self.joined(channel, property.channel), value: value)
            let same = readings[start...].firstIndex { $0.quantity == reading.quantity && $0.channel == reading.channel }
            if let same {
                // As in `MessageReader`: the last of one name, and of two names the one that stands first in the profile.
                if !property.givesWay { readings[same] = reading }
            } else if readings.count - start < MessageReader.readingsMax {
                readings.append(reading)
            } else {
                note(property.reason(.tooManyReadings))
            }
        }
    }
}

/// `online` or `offline`, `true` or `false`, as whoever speaks for a device says it.
func availability(_ payload: UnsafeRawBufferPointer, yes: StaticString, no: StaticString) -> Outcome {
    func equals(_ text: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        text.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)) { $0 | 0x20 == $1 | 0x20 }
    }
    let text = trimmed(payload)
    if text.isEmpty { return .nothing }
    if equals(text, yes) { return .availability(true) }
    if equals(text, no) { return .availability(false) }
    return .undecodable(reason: "The availability is neither \(yes) nor \(no).")
}
