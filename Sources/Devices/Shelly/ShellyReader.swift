import Care

/// Reads what Shellies of the second and later generations report: their components' states, whole or only what changed,
/// and events.
struct ShellyReader: ~Copyable {
    private var reader: MemberReader
    private let table: PropertyTable
    private var time: Instant?
    /// Readings of events that told their own time.
    private var timed: [Int] = []

    /// A clock that was not set counts from 0: earlier times (2001-09-09) are none.
    private static let secondsMin = 1e9
    /// More in one notification are refused.
    private static let eventsMax = 64

    private init(_ payload: UnsafeRawBufferPointer, _ table: PropertyTable, count: Int) {
        reader = MemberReader(payload, count: count, numbering: .colon)
        self.table = table
    }

    /// `{"src": …, "method": "NotifyStatus", "params": {"ts": …, "switch:0": {…}}}`, or the components alone.
    static func readNotification(
        _ payload: UnsafeRawBufferPointer, _ table: PropertyTable, into readings: inout [DecodedReading]
    ) -> Outcome {
        var own = ShellyReader(payload, table, count: readings.count)
        do throws(JSONError) {
            guard try own.reader.scanner.peek() == .object else { return .undecodable(reason: MemberReader.notAnObject) }
            try own.components(depth: 0, into: &readings)
            try own.reader.scanner.end()
        } catch {
            readings.removeSubrange(own.reader.start...)
            return .undecodable(reason: error.reason)
        }
        if let time = own.time {
            for index in own.reader.start..<readings.count where !own.timed.contains(index) { readings[index].deviceTime = time }
        }
        return own.reader.outcome(readings)
    }

    /// The state of one component, as it stands on a topic of its own.
    static func readComponent(
        _ payload: UnsafeRawBufferPointer, _ table: PropertyTable, channel: String, into readings: inout [DecodedReading]
    ) -> Outcome {
        var own = ShellyReader(payload, table, count: readings.count)
        do throws(JSONError) {
            guard try own.reader.scanner.peek() == .object else { return .undecodable(reason: MemberReader.notAnObject) }
            try own.component(channel: channel, depth: 0, into: &readings) { (own, readings) throws(JSONError) in
                try own.reader.object(own.table, channel: channel, depth: 0, into: &readings)
            }
            try own.reader.scanner.end()
        } catch {
            readings.removeSubrange(own.reader.start...)
            return .undecodable(reason: error.reason)
        }
        return own.reader.outcome(readings)
    }

    private mutating func components(depth: Int, into readings: inout [DecodedReading]) throws(JSONError) {
        reader.scanner.open()
        var first = true
        while let key = try reader.scanner.nextKey(&first) {
            let name = key.bytes
            let kind = try reader.scanner.peek()
            if depth == 0, kind == .object, name.elementsEqual("params".utf8) || name.elementsEqual("result".utf8) {
                try components(depth: 1, into: &readings)
            } else if name.elementsEqual("ts".utf8), kind == .number {
                time = Self.time(try reader.scanner.number())
            } else if name.elementsEqual("events".utf8), kind == .array {
                try events(depth: depth + 1, into: &readings)
            } else {
                try component(channel: "", depth: depth, into: &readings) { (own, readings) throws(JSONError) in
                    try own.reader.member(key, own.table, channel: "", depth: depth, into: &readings)
                }
            }
        }
    }

    /// A device on mains reports its empty battery holder as a battery at 0 %: that is nobody's worry.
    private mutating func component(
        channel: String, depth: Int, into readings: inout [DecodedReading],
        _ read: (inout ShellyReader, inout [DecodedReading]) throws(JSONError) -> Void
    ) throws(JSONError) {
        let from = readings.count
        let place = reader.scanner
        try read(&self, &readings)
        guard readings.count > from, readings[from...].contains(where: { $0.quantity == Self.battery }), Self.isOnMains(place)
        else { return }
        for index in (from..<readings.count).reversed() where readings[index].quantity == Self.battery { readings.remove(at: index) }
    }

    private static let battery = Quantity("battery")

    /// Whether the object that the scanner stands before holds `"external": {"present": true}`.
    private static func isOnMains(_ place: JSONScanner) -> Bool {
        var scanner = place
        do throws(JSONError) {
            guard try scanner.peek() == .object else { return false }
            scanner.open()
            var first = true
            while let key = try scanner.nextKey(&first) {
                guard key.bytes.elementsEqual("external".utf8), try scanner.peek() == .object else {
                    try scanner.skip(depth: 1)
                    continue
                }
                scanner.open()
                var isFirst = true
                while let key = try scanner.nextKey(&isFirst) {
                    let kind = try scanner.peek()
                    if key.bytes.elementsEqual("present".utf8) { return kind == .yes }
                    try scanner.skip(depth: 2)
                }
            }
        } catch {}
        return false
    }

    private static func time(_ seconds: Double) -> Instant? { seconds >= secondsMin ? deviceTime(number: seconds) : nil }

    // MARK: Events

    private mutating func events(depth: Int, into readings: inout [DecodedReading]) throws(JSONError) {
        reader.scanner.open()
        var first = true
        var count = 0
        while try reader.scanner.nextElement(&first) {
            count += 1
            if count <= Self.eventsMax, try reader.scanner.peek() == .object {
                try event(depth: depth + 1, into: &readings)
            } else {
                try reader.scanner.skip(depth: depth + 1)
            }
        }
    }

    /// `{"component": "input:0", "event": "single_push", "ts": …}`: what the component's `event` means.
    private mutating func event(depth: Int, into readings: inout [DecodedReading]) throws(JSONError) {
        reader.scanner.open()
        var (component, event): (JSONText?, JSONText?)
        var at: Instant?
        var first = true
        while let key = try reader.scanner.nextKey(&first) {
            let kind = try reader.scanner.peek()
            if key.bytes.elementsEqual("component".utf8), kind == .string {
                component = try reader.scanner.string()
            } else if key.bytes.elementsEqual("event".utf8), kind == .string {
                event = try reader.scanner.string()
            } else if key.bytes.elementsEqual("ts".utf8), kind == .number {
                at = Self.time(try reader.scanner.number())
            } else {
                try reader.scanner.skip(depth: depth)
            }
        }
        guard let component, let event, let (property, channel) = property(of: component.bytes) else { return }
        let from = readings.count
        reader.take(event.withBytes { property.meaning(ofText: $0) }, property, channel: channel, into: &readings)
        if let at, readings.count > from {
            readings[from].deviceTime = at
            timed.append(from)
        }
    }

    private func property(of component: UnsafeRawBufferPointer) -> (Property, String)? {
        let (base, channel) = MemberReader.split(component, .colon)
        let found = table.find(component) ?? table.find(UnsafeRawBufferPointer(rebasing: component[..<base]))
        guard let found, case .object(let members) = table.target(found),
            let event = Self.event.withUnsafeBytes({ members.find($0) }), case .property(let property) = members.target(event)
        else { return nil }
        return (property, channel)
    }

    private static let event = Array("event".utf8)
}
