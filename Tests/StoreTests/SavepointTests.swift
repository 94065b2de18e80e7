import Care
import GRDB
import Store
import Testing

@Suite struct SavepointTests {
    /// A reading of 13 is one that the database itself refuses.
    private func poisoned(_ action: String = "ABORT") throws -> Folder {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.close()
        try folder.run(
            "CREATE TRIGGER poisoned BEFORE INSERT ON reading WHEN new.value = 13 BEGIN SELECT RAISE(\(action), 'poison'); END")
        return folder
    }
    private func second(_ n: Int64) -> Instant { start + .seconds(n) }

    @Test func `a part that fails leaves nothing, what is before and after it stays`() throws {
        let folder = try poisoned()
        let store = try folder.open()
        try store.turn { tx in
            try tx.append(number(1, second(1)))
            let error = thrown {
                try tx.savepoint {
                    try tx.append(number(2, second(2)))
                    try tx.setMeta("heartbeat", "1")
                    // Refused only when the part's readings are written, which must be within the part.
                    try tx.append(number(13, second(3)))
                }
            }
            #expect(error is DatabaseError)
            #expect(error.flatMap { StoreProblem($0) } == nil, "A constraint is the message's fault.")
            try tx.append(number(4, second(4)))
        }
        #expect(try store.values() == [1, 4])
        #expect(try store.read { try $0.meta("heartbeat") } == nil)
        // And the turn after it is sound.
        try store.turn { tx in
            let first = try tx.append(number(2, second(2), .device))
            #expect(first, "What the failed part had told was never kept.")
            let again = try tx.append(number(2, second(2), .device))
            #expect(!again)
        }
        #expect(try store.values() == [1, 2, 4])
        try store.close()
    }

    @Test func `a part that succeeds is part of the turn`() throws {
        struct Stop: Error {}
        let folder = try poisoned()
        let store = try folder.open()
        try store.turn { tx in
            try tx.append(number(1, second(1)))
            let isNew = try tx.savepoint { try tx.append(number(2, second(2))) }
            #expect(isNew)
            let nothing: Int? = try tx.savepoint { nil }
            #expect(nothing == nil)
        }
        #expect(try store.values() == [1, 2])
        let stopped = thrown {
            try store.turn { tx in
                try tx.savepoint { _ = try tx.append(number(3, second(3))) }
                throw Stop()
            }
        }
        #expect(stopped is Stop)
        #expect(try store.values() == [1, 2], "It is kept only with its turn.")
        try store.close()
    }

    @Test func `an inner part that fails takes nothing from the outer one`() throws {
        struct Stop: Error {}
        let folder = try poisoned()
        let store = try folder.open()
        try store.turn { tx in
            try tx.append(number(1, second(1)))
            try tx.savepoint {
                try tx.append(number(2, second(2)))
                #expect(thrown { try tx.savepoint { try tx.append(number(13, second(3))) } } is DatabaseError)
                try tx.append(number(4, second(4)))
                let stopped = thrown {
                    try tx.savepoint {
                        try tx.append(number(5, second(5)))
                        try tx.savepoint { _ = try tx.append(number(6, second(6))) }
                        throw Stop()
                    }
                }
                #expect(stopped is Stop)
                try tx.append(number(7, second(7)))
            }
            try tx.append(number(8, second(8)))
        }
        #expect(try store.values() == [1, 2, 4, 7, 8])
        try store.close()
    }

    /// As the gateway finds the one message that no turn can take.
    @Test func `halving a burst finds the one reading that is refused`() throws {
        let folder = try poisoned()
        let store = try folder.open()
        let burst = (0..<64).map { number(Double($0), second(Int64($0))) }
        var refused: [Double] = []
        try store.turn { tx in
            func take(_ part: ArraySlice<Reading>) throws {
                do {
                    try tx.savepoint { for one in part { try tx.append(one) } }
                } catch {
                    guard part.count > 1 else { return refused.append(contentsOf: part.map(\.value.asNumber)) }
                    let middle = part.startIndex + part.count / 2
                    try take(part[..<middle])
                    try take(part[middle...])
                }
            }
            try take(burst[...])
        }
        #expect(refused == [13])
        #expect(try store.values() == (0..<64).map(Double.init).filter { $0 != 13 })
        try store.close()
    }

    /// Some errors end the whole transaction. Whoever goes on then must not write rows that stay without their turn.
    @Test func `when SQLite has given up the turn, nothing more is written in it`() throws {
        let folder = try poisoned("ROLLBACK")
        let store = try folder.open()
        let error = thrown {
            try store.turn { tx in
                try tx.append(number(1, second(1)))
                let first = thrown { try tx.savepoint { try tx.append(number(13, second(2))) } } as? DatabaseError
                #expect(first?.message == "poison", "The error that did it, not one of clearing up.")
                #expect(thrown { try tx.savepoint { try tx.append(number(3, second(3))) } } is DatabaseError)
                try tx.append(number(4, second(4)))
            }
        }
        #expect(error.flatMap { StoreProblem($0) } == .other, "That is the storage's: nothing may be acknowledged.")
        #expect(try store.values().isEmpty)
        try folder.run("DROP TRIGGER poisoned")
        try store.turn { _ = try $0.append(number(5, second(5))) }
        #expect(try store.values() == [5])
        try store.close()
    }

    @Test func `a reading that waits is not written when its turn is gone`() throws {
        let folder = try poisoned()
        try folder.run("CREATE TRIGGER ending BEFORE INSERT ON meta BEGIN SELECT RAISE(ROLLBACK, 'poison'); END")
        let store = try folder.open()
        let error = thrown {
            try store.turn { tx in
                try tx.append(number(1, second(1)))
                // Somebody passes over the error that has ended the transaction.
                #expect(thrown { try tx.setMeta("heartbeat", "1") } is DatabaseError)
            }
        }
        #expect(error.flatMap { StoreProblem($0) } == .other)
        #expect(try store.values().isEmpty)
        try store.close()
    }

    @Test func `a reading refused before a part belongs to what was before`() throws {
        let folder = try poisoned()
        let store = try folder.open()
        let error = thrown {
            try store.turn { tx in
                try tx.append(number(1, second(1)))
                try tx.append(number(13, second(2)))
                try tx.append(number(3, second(3)))
                var ran = false
                #expect(thrown { try tx.savepoint { ran = true } } is DatabaseError)
                #expect(!ran)
                let again = thrown { try tx.reader } as? DatabaseError
                #expect(again?.message == "poison", "It goes on being refused, and as itself.")
            }
        }
        #expect(error is DatabaseError)
        #expect(try store.values().isEmpty)
        try store.close()
    }
}
