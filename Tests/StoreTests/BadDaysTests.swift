import Care
import Store
import Testing

@Suite struct BadDaysTests {
    @Test func `a database of the first version gets what is new and keeps what it has`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { _ = try $0.append(number(1, start)) }
        try store.close()
        try folder.run(
            """
            DROP TABLE backlog; DROP TABLE quarantine; DROP TABLE early; DROP TABLE thinned; DROP INDEX decisionAt;
            DROP INDEX disclosureAt; DROP INDEX disclosureOfDecision; DROP INDEX operatorLogAt; DROP INDEX alertEnded;
            DELETE FROM grdb_migrations WHERE identifier = '2 bad days'
            """)
        let again = try folder.open()
        #expect(try again.values() == [1])
        try again.turn { try $0.noteEarly(packetID: 1, hash: 2) }
        #expect(try folder.numbers("SELECT count(*) FROM sqlite_master WHERE name = 'decisionAt'") == [1])
        try again.close()
    }

    @Test func `a backlog is written down, changed, and found while it is not long over`() throws {
        let folder = Folder()
        let store = try folder.open()
        try store.turn { tx in
            try tx.saveBacklog(connectedAt: start + .hours(2), lastContactAt: start, caughtUpAt: nil)
            try tx.saveBacklog(connectedAt: start, lastContactAt: start - .hours(1), caughtUpAt: start + .minutes(1))
            try tx.saveBacklog(connectedAt: start + .hours(4), lastContactAt: start + .hours(3), caughtUpAt: nil)
            try tx.saveBacklog(connectedAt: start + .hours(4), lastContactAt: start + .hours(3), caughtUpAt: start + .hours(5))
        }
        let all = try store.read { try $0.backlogs(since: start + .minutes(1)) }
        #expect(all.map(\.connectedAt) == [start, start + .hours(2), start + .hours(4)])
        #expect(all.map(\.lastContactAt) == [start - .hours(1), start, start + .hours(3)])
        #expect(all.map(\.caughtUpAt) == [start + .minutes(1), nil, start + .hours(5)])
        // One that nobody has caught up with is never over.
        #expect(try store.read { try $0.backlogs(since: start + .days(9)) }.map(\.connectedAt) == [start + .hours(2)])
        try store.close()
    }

    @Test func `what the broker has forgotten leaves the ledger, and a row that it only touches keeps the rest`() throws {
        let folder = Folder()
        var store = try folder.open()
        try store.turn { tx in
            try tx.appendAcknowledged(upTo: 3, entries: [1, 2, 3], keep: 100)
            try tx.appendAcknowledged(upTo: 5, entries: [4, 5], keep: 100)
            try tx.appendAcknowledged(upTo: 8, entries: [6, 7, 8], keep: 100)
        }
        try store.turn { try $0.cutAcknowledged(to: 8, entryBytes: 1) }
        #expect(try store.read { try $0.acknowledged() }.entries == [[1, 2, 3], [4, 5], [6, 7, 8]])
        try store.turn { try $0.cutAcknowledged(to: 4, entryBytes: 1) }
        #expect(try store.read { try $0.acknowledged() }.entries == [[1, 2, 3], [4]])
        try store.turn { tx in
            try tx.cutAcknowledged(to: 3, entryBytes: 1)
            try tx.appendAcknowledged(upTo: 4, entries: [9], keep: 100)
        }
        try store.close()
        store = try folder.open()
        let (upTo, rows) = try store.read { try $0.acknowledged() }
        #expect(upTo == 4)
        #expect(rows == [[1, 2, 3], [9]])
        try store.turn { try $0.cutAcknowledged(to: 0, entryBytes: 1) }
        #expect(try store.read { try $0.acknowledged() }.entries == [])
        try store.close()
    }

    @Test func `only so many backlogs are remembered, and the newest stay`() throws {
        let folder = Folder()
        let store = try folder.open()
        try store.turn { tx in
            for n in 0..<StoreTurn.backlogsMax + 5 {
                try tx.saveBacklog(connectedAt: start + .minutes(Int64(n)), lastContactAt: start, caughtUpAt: nil)
            }
        }
        let all = try store.read { try $0.backlogs(since: .distantPast) }
        #expect(all.count == StoreTurn.backlogsMax)
        #expect(all.first?.connectedAt == start + .minutes(5))
        try store.close()
    }

    @Test func `a message in quarantine is there as it came, newest first, and the oldest make room`() throws {
        let folder = Folder()
        let store = try folder.open()
        func message(_ n: Int) -> Quarantined {
            Quarantined(
                at: start + .seconds(Int64(n)), home: n.isMultiple(of: 2) ? "elm-3" : nil, topic: "homes/elm-3/x/\(n)",
                payload: [0, 255, UInt8(n)], hash: UInt64.max - UInt64(n), reason: "It ends the turn.")
        }
        for n in 0..<5 { try store.turn { try $0.quarantine(message(n), keptMax: 3) } }
        #expect(try store.read { try $0.quarantined(limit: 10) } == [message(4), message(3), message(2)])
        #expect(try store.read { try $0.quarantined(limit: 1) } == [message(4)])
        try store.close()
    }

    @Test func `what took effect early is known in order, until it is forgotten`() throws {
        let folder = Folder()
        let store = try folder.open()
        try store.turn { tx in
            for id: UInt16 in [7, 65_535, 3] { try tx.noteEarly(packetID: id, hash: .max - UInt64(id)) }
            try tx.noteEarly(packetID: 7, hash: 1)
        }
        try store.turn { try $0.forgetEarly(packetID: 7, hash: .max - 7) }
        let left = try store.read { try $0.early() }
        #expect(left.map(\.packetID) == [65_535, 3, 7])
        #expect(left.map(\.hash) == [.max - 65_535, .max - 3, 1])
        try store.turn { try $0.forgetEarly() }
        #expect(try store.read { try $0.early() }.isEmpty)
        try store.close()
    }

    @Test func `thinned readings are counted by home`() throws {
        let folder = Folder()
        let store = try folder.open()
        try store.turn { tx in
            try tx.countThinned("oak-9", readings: 5, at: start + .minutes(1))
            try tx.countThinned("elm-3", readings: 2, at: start + .minutes(2))
        }
        try store.turn { try $0.countThinned("oak-9", readings: 1, at: start + .minutes(3)) }
        let all = try store.read { try $0.thinned() }
        #expect(all.map(\.home) == ["elm-3", "oak-9"])
        #expect(all.map(\.readings) == [2, 6])
        #expect(all.map(\.firstAt) == [start + .minutes(2), start + .minutes(1)])
        #expect(all.map(\.lastAt) == [start + .minutes(2), start + .minutes(3)])
        try store.close()
    }
}
