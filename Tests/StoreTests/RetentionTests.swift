import Care
import Store
import Testing

@Suite struct RetentionTests {
    private func minute(_ n: Int) -> Instant { start + .minutes(Int64(n)) }

    /// All of it, call by call.
    private func drop(_ store: Store, before: Instant, rowsMax: Int) throws -> (dropped: Int, calls: Int) {
        var from: Int32? = 0
        var dropped = 0
        var calls = 0
        while let next = from, calls < 10_000 {
            let done = try store.turn { try $0.dropReadings(before: before, fromSeries: next, rowsMax: rowsMax) }
            #expect(done.dropped <= rowsMax)
            dropped += done.dropped
            calls += 1
            from = done.next
        }
        return (dropped, calls)
    }

    @Test(arguments: [1, 7, 100, 100_000])
    func `old readings go, in steps of any size`(rowsMax: Int) throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { tx throws in
            for series: Int32 in [1, 2, 40] {
                for n in 0..<50 { try tx.append(number(Double(n), minute(n), series: series)) }
            }
        }
        let (dropped, calls) = try drop(store, before: minute(30), rowsMax: rowsMax)
        #expect(dropped == 90)
        #expect(calls >= 90 / rowsMax)
        for series: Int32 in [1, 2, 40] { #expect(try store.values(series) == (30..<50).map(Double.init)) }
        try store.close()
    }

    @Test func `the newest reading of a series stays, however old it is`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { tx throws in
            for n in 0..<5 { try tx.append(number(Double(n), minute(n))) }
            try tx.append(number(9, minute(0), series: 2))
            try tx.append(number(7, minute(100), series: 3))
        }
        #expect(try drop(store, before: minute(1_000), rowsMax: 3).dropped == 4)
        #expect(try store.values(1) == [4])
        #expect(try store.values(2) == [9])
        #expect(try store.values(3) == [7])
        // What the store remembers of its newest readings still holds.
        #expect(try store.turn { try !$0.appendThinned(number(10, minute(200))) })
        #expect(try store.values(1) == [4, 10])
        #expect(try drop(store, before: minute(1_000), rowsMax: 3).dropped == 1)
        #expect(try store.values(1) == [10])
        try store.close()
    }

    @Test func `readings that wait in the same turn are seen, and none of them is lost`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { tx throws in
            try tx.append(number(1, minute(1)))
            try tx.append(number(2, minute(2)))
            #expect(try tx.dropReadings(before: minute(9), fromSeries: 0, rowsMax: 10) == (nil, 1))
            try tx.append(number(3, minute(3)))
        }
        #expect(try store.values() == [2, 3])
        try store.close()
    }

    @Test func `where nothing is old, a call still ends after so many series`() throws {
        let folder = Folder()
        let store = try folder.open()
        try store.turn { tx in for series: Int32 in 1...100 { try tx.append(number(1, start, series: series)) } }
        let first = try store.turn { try $0.dropReadings(before: minute(1), fromSeries: 0, rowsMax: 30) }
        #expect(first == (31, 0))
        #expect(try store.turn { try $0.dropReadings(before: minute(1), fromSeries: 100, rowsMax: 30) } == (nil, 0))
        try store.close()
    }

    // MARK: What was written down

    private let day: Int64 = 86_400_000
    /// Alert 1 ended on day 1, 2 is open since day 0, 3 ended on day 1 with a notice still to be sent, 4 ended on day 9.
    private func records() throws -> (Folder, Store) {
        let folder = Folder()
        let store = try folder.open()
        let ended: [String] = ["\(day)", "NULL", "\(day)", "\(9 * day)"]
        for (n, at) in ended.enumerated() {
            let id = n + 1
            try folder.run(
                """
                INSERT INTO alert (id, home, rule, raisedAt, endedAt, body) VALUES (\(id), 'elm-3', 'sos', 0, \(at), '{}');
                INSERT INTO history (alert, at, body) VALUES (\(id), 0, '{}'), (\(id), 1, '{}');
                INSERT INTO notice (id, alert, state, body) VALUES (\(id), \(id), '\(id == 3 ? "attempted" : "sent")', '{}');
                INSERT INTO decision (id, at, citizens, request, outcome) VALUES (\(id), 0, '[]', '{}', '{}');
                INSERT INTO disclosure (at, citizen, recipient, alert, notice, decision, data, detail, state)
                    VALUES (0, 'ada', 'bob', \(id), \(id), \(id), 'safety', 'alert', 'sent');
                """)
        }
        // Decision 5 was named again yesterday; 6 named nobody's; 7 is new. A disclosure of no alert. Two acts.
        try folder.run(
            """
            INSERT INTO decision (id, at, citizens, request, outcome)
                VALUES (5, 0, '[]', '{}', '{}'), (6, 0, '[]', '{}', '{}'), (7, \(9 * day), '[]', '{}', '{}');
            INSERT INTO disclosure (at, citizen, recipient, decision, data, detail, state)
                VALUES (\(9 * day), 'ada', 'bob', 5, 'motion', 'readings', 'seen'), (0, 'ada', 'bob', NULL, 'motion', 'readings', 'seen');
            INSERT INTO operatorLog (at, uid, command, outcome) VALUES (0, 0, 'x', 'y'), (\(9 * day), 0, 'x', 'y');
            """)
        return (folder, store)
    }
    private let before = Instant(milliseconds: 5 * 86_400_000)

    @Test(arguments: [1, 2, 1_000])
    func `records go when they are old and nothing that is kept needs them`(rowsMax: Int) throws {
        let (folder, store) = try records()
        var calls = 0
        while try store.turn({ try $0.dropRecords(before: before, rowsMax: rowsMax) }) > 0, calls < 100 { calls += 1 }
        func ids(_ sql: String) throws -> [Int64] { try folder.numbers(sql) }
        #expect(try ids("SELECT id FROM alert ORDER BY id") == [2, 3, 4])
        #expect(try ids("SELECT DISTINCT alert FROM history ORDER BY alert") == [2, 3, 4])
        #expect(try ids("SELECT id FROM notice ORDER BY id") == [2, 3, 4])
        #expect(try ids("SELECT decision FROM disclosure ORDER BY decision") == [2, 3, 4, 5])
        #expect(try ids("SELECT id FROM decision ORDER BY id") == [2, 3, 4, 5, 7])
        #expect(try store.read { try $0.count("operatorLog") } == 1)
        // When the notice is sent, alert 3 goes as well.
        try folder.run("UPDATE notice SET state = 'sent'")
        while try store.turn({ try $0.dropRecords(before: before, rowsMax: rowsMax) }) > 0, calls < 200 { calls += 1 }
        #expect(try ids("SELECT id FROM alert ORDER BY id") == [2, 4])
        #expect(try ids("SELECT id FROM decision ORDER BY id") == [2, 4, 5, 7])
        #expect(try ids("PRAGMA foreign_key_check").isEmpty)
        try store.close()
    }

    @Test func `numbers of history go on, so that whoever watches misses nothing`() throws {
        let (folder, store) = try records()
        try folder.run("UPDATE notice SET state = 'sent'; UPDATE alert SET endedAt = 1")
        let last = try store.read { try $0.lastHistory() }
        while try store.turn({ try $0.dropRecords(before: before, rowsMax: 100) }) > 0 {}
        #expect(try store.read { try $0.count("alert") } == 1)
        try store.turn { try $0.append(HistoryEntry(at: start, what: .raised, person: nil, text: nil), to: AlertID(4)) }
        #expect(try store.read { try $0.history(after: last, limit: 9) }.count == 1)
        try store.close()
    }
}
