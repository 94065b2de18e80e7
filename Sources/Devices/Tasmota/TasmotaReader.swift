import Care

/// Reads one of Tasmota's JSON objects. Numbers wait for the unit, which the message itself names, often at its end.
struct TasmotaReader: ~Copyable {
    private var reader: MemberReader
    private var units: [Governed: String] = [:]

    /// The quantities whose unit a message names, by their own units.
    private enum Governed: String, CaseIterable {
        case temperature = "Cel"
        case pressure = "hPa"
        case speed = "m/s"

        var key: StaticString {
            switch self {
            case .temperature: "TempUnit"
            case .pressure: "PressureUnit"
            case .speed: "SpeedUnit"
            }
        }

        /// Tasmota's own setting as long as nobody changes it.
        var usual: String {
            switch self {
            case .temperature: "C"
            case .pressure: "hPa"
            case .speed: "km/h"
            }
        }
    }

    /// Longer units are none of Tasmota's.
    private static let unitBytesMax = 8
    /// A 1-Wire address has 16 digits.
    private static let addressBytesMax = 16

    /// A profile names the usual unit; the number stays as it is sent until the message's own is known.
    static func leaveUnitToMessage(_ property: inout Property, _ node: ProfileNode) throws(ProfileError) {
        guard let governed = Governed(rawValue: property.quantity.unit) else { return }
        let usual = Conversion(from: governed.usual, to: property.quantity)
        guard (property.conversion ?? Conversion.none) == usual else {
            throw node.error(
                "Tasmota says itself in which unit \(property.quantity.name) is (\(governed.key)): write its usual one, \(governed.usual).")
        }
        property.conversion = nil
    }

    static func read(_ payload: UnsafeRawBufferPointer, _ table: PropertyTable, into readings: inout [DecodedReading]) -> Outcome {
        var own = TasmotaReader(reader: MemberReader(payload, count: readings.count, numbering: .digits))
        do throws(JSONError) {
            guard try own.reader.scanner.peek() == .object else {
                return .undecodable(reason: MemberReader.notAnObject)
            }
            try own.object(table, depth: 0, into: &readings)
            try own.reader.scanner.end()
        } catch {
            readings.removeSubrange(own.reader.start...)
            return .undecodable(reason: error.reason)
        }
        own.convert(&readings)
        return own.reader.outcome(readings)
    }

    private init(reader: consuming MemberReader) { self.reader = reader }

    private mutating func object(_ table: PropertyTable, depth: Int, into readings: inout [DecodedReading]) throws(JSONError) {
        guard depth < JSONScanner.depthMax else { throw reader.scanner.failure(.tooDeep) }
        reader.scanner.open()
        var first = true
        while let key = try reader.scanner.nextKey(&first) {
            if equals(key, "StatusSNS") || equals(key, "StatusSTS"), depth == 0, try reader.scanner.peek() == .object {
                try object(table, depth: depth + 1, into: &readings)
            } else if let governed = Governed.allCases.first(where: { equals(key, $0.key) }), try reader.scanner.peek() == .string {
                let text = try reader.scanner.string()
                units[governed] = text.bytes.count <= Self.unitBytesMax ? text.string : "?"
            } else {
                let from = readings.count
                let place = reader.scanner
                try reader.member(key, table, channel: "", depth: depth, into: &readings)
                guard readings.count > from else { continue }
                // Where an object has several of a quantity, its name with their numbers tells them apart.
                let name = readings[from].channel
                if !name.isEmpty, readings[from...].allSatisfy({ $0.channel == name }), let address = Self.address(place) {
                    for index in from..<readings.count { readings[index].channel = address }
                }
            }
        }
    }

    private func equals(_ key: JSONText, _ word: StaticString) -> Bool {
        key.bytes.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    /// The `Id` of the sensor whose object the scanner stands before.
    private static func address(_ place: JSONScanner) -> String? {
        var scanner = place
        do throws(JSONError) {
            guard try scanner.peek() == .object else { return nil }
            scanner.open()
            var first = true
            while let key = try scanner.nextKey(&first) {
                guard key.bytes.elementsEqual("Id".utf8), try scanner.peek() == .string else {
                    try scanner.skip(depth: 1)
                    continue
                }
                let id = try scanner.string()
                func isPlain(_ c: UInt8) -> Bool { c >= 0x30 && c <= 0x39 || c | 0x20 >= 0x61 && c | 0x20 <= 0x7A }
                guard !id.bytes.isEmpty, id.bytes.count <= addressBytesMax, id.bytes.allSatisfy(isPlain) else { return nil }
                return id.string
            }
        } catch {}
        return nil
    }

    /// What was read so far is in the unit sent.
    private mutating func convert(_ readings: inout [DecodedReading]) {
        var index = reader.start
        while index < readings.count {
            let quantity = readings[index].quantity
            guard case .number(let sent) = readings[index].value, let governed = Governed(rawValue: quantity.unit) else {
                index += 1
                continue
            }
            guard let conversion = Conversion(from: units[governed] ?? governed.usual, to: quantity) else {
                reader.note("\u{201C}\(governed.key)\u{201D} is a unit that is not known.")
                readings.remove(at: index)
                continue
            }
            readings[index].value = .number(conversion(sent))
            index += 1
        }
    }
}
