import Care
import Foundation
import Store
import Testing

@Suite struct ReadingTests {
    private func reading(_ at: Instant, _ source: TimeSource, _ value: Value = .boolean(true), series: Int32 = 1) -> Reading {
        Reading(series: SeriesID(series), at: at, source: source, value: value)
    }

    @Test func `what a device told is told once, however often it is delivered`() throws {
        let folder = Folder()
        let store = try folder.open()
        let told = [reading(start, .device), reading(start + .minutes(1), .device), reading(start + .minutes(2), .device, .boolean(false))]
        for one in told { #expect(try store.turn { try $0.append(one) }) }
        for one in told { #expect(try store.turn { try !$0.append(one) }, "within a run") }
        try store.close()
        // After a kill the broker delivers again what it had sent, and the store remembers nothing but its rows.
        let again = try folder.open()
        for one in told { #expect(try again.turn { try !$0.append(one) }, "after a restart") }
        #expect(try again.turn { try $0.append(reading(start, .device, .boolean(false))) }, "Another value is another reading.")
        #expect(try again.turn { try $0.append(reading(start, .device, series: 2)) }, "Another series is another reading.")
        #expect(try again.read { try $0.count("reading") } == 5)
        try again.close()
    }

    /// Where the device gives no time, nobody can tell a second press from a second delivery: both are kept.
    @Test func `two equal readings that arrive in the same millisecond are both kept`() throws {
        let folder = Folder()
        let store = try folder.open()
        for _ in 0..<2 { #expect(try store.turn { try $0.append(reading(start, .arrival)) }) }
        #expect(try store.turn { try $0.append(reading(start, .device)) }, "The device's own time is another source.")
        #expect(try store.turn { try !$0.append(reading(start, .device)) })
        #expect(try store.read { try $0.count("reading") } == 3)
        try store.close()
    }

    @Test func `more readings of one millisecond than a key has room for spill into the next`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        let series = Series(
            id: SeriesID(1), device: DeviceID(1), quantity: try #require(Quantity("temperature")), channel: "", addedAt: start)
        try store.turn { tx in
            for n in 0..<100 { _ = try tx.append(reading(start, .arrival, .number(Double(n)))) }
            _ = try tx.append(reading(start + .milliseconds(1), .arrival, .number(100)))
        }
        let kept = try store.read { try $0.readings([series], since: start, limit: 1_000) }
        #expect(kept.count == 101)
        #expect(Set(kept.map(\.value.asNumber)).count == 101, "None took another's place.")
        #expect(kept.allSatisfy { $0.at - start < .milliseconds(5) })
        try store.close()
    }

    @Test func `numbers come back as they were`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        let series = Series(
            id: SeriesID(1), device: DeviceID(1), quantity: try #require(Quantity("temperature")), channel: "", addedAt: start)
        let numbers: [Double] = [0, -0.5, 21.37, 1e15, 123_456_789_012_345, -3, 1e300, .leastNonzeroMagnitude, 0.1 + 0.2]
        try store.turn { tx in
            for (n, number) in numbers.enumerated() { _ = try tx.append(reading(start + .seconds(Int64(n)), .arrival, .number(number))) }
        }
        let kept = try store.read { try $0.readings([series], since: .distantPast, limit: 100) }
        #expect(kept.reversed().map(\.value) == numbers.map(Value.number))
        try store.close()
    }

    @Test func `a reading that comes late takes its place in time`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        let series = Series(
            id: SeriesID(1), device: DeviceID(1), quantity: try #require(Quantity("motion")), channel: "", addedAt: start)
        let at = [start, start + .hours(2), start + .hours(1), start - .hours(1)]
        try store.turn { tx in for one in at { _ = try tx.append(reading(one, .device)) } }
        #expect(try store.read { try $0.readings([series], since: start, limit: 2) }.map(\.at) == [start + .hours(2), start + .hours(1)])
        #expect(try store.read { try $0.lastReadings([series]) }.map(\.at) == [start + .hours(2)])
        #expect(try store.read { try $0.lastActivity(SeriesID(1)) } == start + .hours(2))
        try store.close()
    }

    @Test func `keys sort by time and hold source and place`() {
        let key = ReadingKey(at: start, source: .device, ordinal: 31)
        #expect(key.at == start)
        #expect(key.source == .device)
        #expect(key.ordinal == 31)
        #expect(key < ReadingKey(at: start + .milliseconds(1), source: .arrival))
        #expect(ReadingKey(at: Instant(milliseconds: -1), source: .arrival).at.milliseconds == -1)
    }
}

@Suite struct SizeTests {
    /// `CARING_LONG=1` measures a million; fewer readings say the same in less time, within a page a series.
    @Test func `a reading takes at most twenty-two bytes on disk`() throws {
        let isLong = ProcessInfo.processInfo.environment["CARING_LONG"] == "1"
        let count = isLong ? 1_000_000 : 200_000
        let folder = Folder()
        let store = try folder.open()
        try store.checkpoint()
        let empty = try folder.bytes()
        // A hundred homes with ten sensors each; turn by turn, as bursts would bring them.
        let series = 1_000
        var n = 0
        while n < count {
            try store.turn { tx in
                for _ in 0..<10_000 where n < count {
                    let number = n % series
                    let at = start + .milliseconds(Int64(n) * 977)
                    let value: Value = number.isMultiple(of: 2) ? .boolean(n / series % 2 == 0) : .number(Double(2_000 + n % 137) / 100 + 0.001)
                    try tx.append(Reading(series: SeriesID(Int32(number + 1)), at: at, source: .arrival, value: value))
                    n += 1
                }
            }
        }
        try store.checkpoint()
        #expect(try store.read { try $0.count("reading") } == Int64(count))
        let each = Double(try folder.bytes() - empty) / Double(count)
        print("SizeTests: \(count) readings, \((each * 100).rounded() / 100) bytes each")
        #expect(each <= 22)
        try store.close()
    }
}
