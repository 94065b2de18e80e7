import Care
import Foundation
import GRDB
import Store
import Testing

/// What SQLite really says on bad days, and what it is taken for.
@Suite struct StoreProblemTests {
    /// The error of this SQL on a database of its own.
    private func error(_ sql: String...) throws -> any Error {
        let folder = Folder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let queue = try DatabaseQueue(path: folder.file)
        defer { try? queue.close() }
        try queue.writeWithoutTransaction { try $0.execute(sql: "CREATE TABLE t (x INTEGER UNIQUE, CHECK (x < 100)) STRICT") }
        return try #require(throws: (any Error).self) {
            try queue.writeWithoutTransaction { db in for one in sql { try db.execute(sql: one) } }
        }
    }

    @Test func `a limit on pages is a full disk`() throws {
        let full = try error(
            "PRAGMA max_page_count = 4", "CREATE TABLE blobs (b BLOB)", "INSERT INTO blobs VALUES (zeroblob(100000))")
        #expect((full as? DatabaseError)?.resultCode == .SQLITE_FULL)
        #expect(StoreProblem(full) == .diskFull)
    }

    @Test func `a database that may not be written to is read-only`() throws {
        let refused = try error("PRAGMA query_only = 1", "INSERT INTO t VALUES (1)")
        #expect((refused as? DatabaseError)?.resultCode == .SQLITE_READONLY)
        #expect(StoreProblem(refused) == .readOnly)
        #expect(StoreProblem(try #require(throws: (any Error).self) { try DatabaseQueue(path: "/nowhere/at/all") }) == .readOnly)
    }

    @Test(arguments: [
        "INSERT INTO t VALUES (1), (1)", "INSERT INTO t VALUES (100)", "INSERT INTO t VALUES ('a word')", "INSERT INTO u VALUES (1)",
        "no SQL", "INSERT INTO t VALUES (zeroblob(2000000000))", "INSERT INTO t (rowid, x) VALUES ('a word', 1)",
    ])
    func `what a message does wrong is not the storage's fault`(sql: String) throws {
        let wrong = try error(sql)
        #expect(wrong is DatabaseError)
        #expect(StoreProblem(wrong) == nil, "\(wrong)")
    }

    @Test func `errors from elsewhere are not the storage's`() {
        struct Stop: Error {}
        #expect(StoreProblem(Stop()) == nil)
        #expect(StoreProblem(EncodingError.invalidValue(1, .init(codingPath: [], debugDescription: ""))) == nil)
        #expect(StoreProblem(StoreError("The broker refuses everything.", detail: "")) == nil)
        #expect(StoreProblem(StoreError("x", detail: "", problem: .inputOutput)) == .inputOutput)
    }

    @Test(arguments: [
        (ResultCode.SQLITE_IOERR_WRITE, StoreProblem.inputOutput), (.SQLITE_IOERR_FSYNC, .inputOutput), (.SQLITE_IOERR_NOMEM, .other),
        (.SQLITE_BUSY_SNAPSHOT, .busy), (.SQLITE_LOCKED, .busy), (.SQLITE_CORRUPT_VTAB, .corrupt), (.SQLITE_NOTADB, .corrupt),
        (.SQLITE_READONLY_DBMOVED, .readOnly), (.SQLITE_CANTOPEN_ISDIR, .readOnly), (.SQLITE_PERM, .readOnly), (.SQLITE_NOMEM, .other),
        (.SQLITE_INTERRUPT, .other), (.SQLITE_ABORT_ROLLBACK, .other), (.SQLITE_FULL, .diskFull),
    ])
    func `each code has its meaning`(code: ResultCode, problem: StoreProblem) {
        #expect(StoreProblem(DatabaseError(resultCode: code)) == problem)
        #expect(problem.sentence.hasSuffix("."))
        #expect((2...4).contains(problem.words.split(separator: " ").count))
    }

    @Test func `a database that another holds is busy`() throws {
        let folder = Folder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let one = try DatabaseQueue(path: folder.file)
        let other = try DatabaseQueue(path: folder.file)
        try one.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN EXCLUSIVE")
            let busy = try #require(throws: (any Error).self) { try other.write { try $0.execute(sql: "CREATE TABLE t (x)") } }
            #expect(StoreProblem(busy) == .busy)
            try db.execute(sql: "ROLLBACK")
        }
    }

    @Test func `a damaged page is corruption`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { tx in for n in 0..<20_000 { try tx.append(number(Double(n), start + .seconds(Int64(n)))) } }
        try store.checkpoint()
        try store.close()
        try folder.damage()
        let again = try folder.open()
        let found = try #require(throws: (any Error).self) { try again.values() }
        #expect(StoreProblem(found) == .corrupt)
        try again.close()
    }

    @Test func `a file that is no database is corruption`() throws {
        let folder = Folder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        try Data(repeating: 120, count: 8_192).write(to: URL(fileURLWithPath: folder.file))
        #expect(StoreProblem(try #require(throws: (any Error).self) { try folder.open() }) == .corrupt)
    }

    /// A real disk that is really full: nothing of the turn is kept, and when there is room again all goes on.
    @Test func `a full disk is said, and over when there is room`() throws {
        guard let disk = SmallDisk(mebibytes: 2) else { return }
        let store = try Store(folder: disk.path)
        try settle(store)
        try store.turn { _ = try $0.append(number(1, start)) }
        disk.fill()
        var caught: [StoreProblem?] = []
        for n in 0..<3 {
            let error = #expect(throws: (any Error).self) {
                try store.turn { tx in
                    for i in 0..<20_000 { try tx.append(number(Double(i), start + .seconds(Int64(n * 20_000 + i + 1)))) }
                }
            }
            caught.append(error.flatMap { StoreProblem($0) })
        }
        #expect(caught == [.diskFull, .diskFull, .diskFull])
        // What is small may find room in a log that is there already; what is large must not take its chance with it.
        #expect(try store.values() == [1])
        disk.empty()
        try store.turn { _ = try $0.append(number(2, start + .days(9))) }
        #expect(try store.values() == [1, 2])
        try store.close()
    }

    @Test func `a start on a full disk says so, too`() throws {
        guard let disk = SmallDisk(mebibytes: 2) else { return }
        let store = try Store(folder: disk.path)
        try settle(store)
        try store.checkpoint()
        try store.close()
        for name in ["-wal", "-shm"] { unlink(disk.path + "/caring.sqlite" + name) }
        disk.fill()
        // SQLite calls a missing index of its log an I/O error, and a database that cannot be made a full disk.
        for folder in [disk.path, disk.path + "/new"] {
            let error = #expect(throws: StoreError.self) { try Store(folder: folder) }
            #expect(error?.problem == .diskFull, "\(error?.detail ?? "")")
        }
        disk.empty()
        let again = try Store(folder: disk.path)
        #expect(try again.read { try $0.people() }.count == 1)
        try again.close()
    }
}
