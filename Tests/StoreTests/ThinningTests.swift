import Care
import Store
import Testing

@Suite struct ThinningTests {
    @Test func `within a second only the newest stays`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { tx throws in
            #expect(try !tx.appendThinned(number(1, start)))
            #expect(try tx.appendThinned(number(2, start + .milliseconds(400))))
            #expect(try tx.appendThinned(number(3, start + .milliseconds(999))))
            #expect(try !tx.appendThinned(number(4, start + .milliseconds(1_000))))
        }
        #expect(try store.values() == [3, 4])
        // Also where the one that gives way was committed in another turn, or before a restart.
        #expect(try store.turn { try $0.appendThinned(number(5, start + .milliseconds(1_500))) })
        try store.close()
        let again = try folder.open()
        try again.turn { tx throws in
            #expect(try tx.appendThinned(number(6, start + .milliseconds(1_600))))
            #expect(try tx.reader.readings([temperature()], since: start, limit: 9).map(\.value.asNumber) == [6, 3])
            #expect(try tx.appendThinned(number(7, start + .milliseconds(1_700))))
        }
        #expect(try again.values() == [3, 7])
        #expect(try again.read { try $0.lastReadings([temperature()]) }.map(\.at) == [start + .milliseconds(1_700)])
        try again.close()
    }

    @Test func `a reading before the flood began gives way, those before it stay`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { tx throws in
            for n in 0..<3 { try tx.append(number(Double(n), start)) }
            #expect(try tx.appendThinned(number(3, start)), "In the same millisecond it takes the place itself.")
            #expect(try !tx.appendThinned(number(9, start, series: 2)), "Another series has a second of its own.")
            #expect(try tx.append(number(4, start)))
            #expect(try tx.appendThinned(number(5, start)))
        }
        #expect(try store.values() == [0, 1, 3, 5])
        #expect(try store.values(2) == [9])
        try store.close()
    }

    @Test func `a device's own time decides which of two is the newer`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { tx throws in
            #expect(try !tx.appendThinned(number(1, start + .milliseconds(800), .device)))
            #expect(try tx.appendThinned(number(2, start + .milliseconds(100), .device)), "It came later and is older.")
            #expect(try !tx.appendThinned(number(1, start + .milliseconds(800), .device)), "Told before.")
            #expect(try tx.keepThinned(number(1, start + .milliseconds(800), .device)) == .known)
        }
        #expect(try store.values() == [1])
        try store.turn { tx throws in
            #expect(try tx.appendThinned(number(3, start + .milliseconds(800), .device)), "Another value of the same instant.")
            #expect(try !tx.appendThinned(number(4, start - .hours(1), .device)), "Another second, long ago.")
            #expect(try tx.appendThinned(number(5, start - .hours(1))), "What the gateway dates never goes back.")
        }
        #expect(try store.values() == [4, 5])
        #expect(try store.read { try $0.lastReadings([temperature()]) }.map(\.at) == [start + .milliseconds(800)])
        // Nothing is in the way of the next one.
        #expect(try store.turn { try $0.append(number(6, start + .milliseconds(800))) })
        #expect(try store.values() == [4, 5, 6])
        try store.close()
    }

    /// Against a list that is as simple as the promise: turns, parts of turns that fail, restarts.
    @Test func `whatever the order of turns and parts, the same readings stay`() throws {
        struct Stop: Error {}
        let seed = UInt64.random(in: 1...1_000_000_000)
        print("ThinningTests: seed \(seed)")
        var state = seed
        func below(_ n: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % n
        }
        let folder = Folder()
        var store = try folder.open()
        try settle(store)
        var model: [[(second: Int64, value: Double)]] = Array(repeating: [], count: 3)
        var at = start
        var value = 0.0
        func one(_ tx: StoreTurn) throws {
            at = at + .milliseconds(Int64(below(300)))
            value += 1
            let series = below(3)
            let second = at.milliseconds / 1_000
            let reading = number(value, at, series: Int32(series + 1))
            if below(4) == 0 {
                #expect(try tx.append(reading), "seed \(seed)")
            } else {
                let replaces = model[series].last?.second == second
                #expect(try tx.appendThinned(reading) == replaces, "seed \(seed)")
                if replaces { model[series].removeLast() }
            }
            model[series].append((second, value))
        }
        func part(_ tx: StoreTurn, depth: Int) throws {
            for _ in 0..<below(6) {
                if depth < 3, below(4) == 0 {
                    let before = model
                    do {
                        try tx.savepoint {
                            try part(tx, depth: depth + 1)
                            if below(2) == 0 { throw Stop() }
                        }
                    } catch is Stop { model = before }
                } else {
                    try one(tx)
                }
            }
        }
        for _ in 0..<300 {
            let before = model
            do {
                try store.turn { tx throws in
                    try part(tx, depth: 0)
                    if below(5) == 0 { throw Stop() }
                }
            } catch is Stop { model = before }
            if below(20) == 0 {
                try store.close()
                store = try folder.open()
            }
            if below(10) == 0 {
                for series in 0..<3 { #expect(try store.values(Int32(series + 1)) == model[series].map(\.value), "seed \(seed)") }
            }
        }
        for series in 0..<3 { #expect(try store.values(Int32(series + 1)) == model[series].map(\.value), "seed \(seed)") }
        #expect(model.joined().count > 100, "seed \(seed)")
        try store.close()
    }
}
