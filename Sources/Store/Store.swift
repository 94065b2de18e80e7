import Care
import Foundation
import GRDB

/// The database of one data folder: SQLite in WAL mode, every commit flushed to disk, one writer.
///
/// Not `Sendable`: it belongs to the thread that runs the turns.
public final class Store {
    let pool: DatabasePool
    public let path: String
    /// Newest key of each series, to number readings of the same millisecond; by series number.
    /// Only a cache: emptied whenever a turn fails, filled again from the table.
    var newestKeys: [Int64] = []
    static let unknownKey = Int64.min
    /// A series that has no reading.
    static let noKey: Int64 = -1
    /// Readings of the present turn that are not in the table yet; see `insertPending`.
    var pending: [PendingReading] = []
    /// Where in `pending` a thinned series keeps its newest reading, so that the next takes its place at once.
    var thinnedPlaces: [Int32: Int] = [:]
    var statements = HotStatements()
    var chains = ChainCache()
    /// Salts and blindings of the chains. Nothing that the gateway does depends on what comes out of it.
    public var randomBytes: (_ count: Int) -> Data = { count in
        // Eight bytes at once: each number is a call of the system's.
        var source = SystemRandomNumberGenerator()
        var bytes = Data(capacity: count + 8)
        while bytes.count < count { withUnsafeBytes(of: source.next()) { bytes.append(contentsOf: $0) } }
        return bytes.prefix(count)
    }
    /// What the last commit took, flushing to disk included. For the metrics.
    public private(set) var lastCommitNanoseconds: Int64 = 0

    /// Opens or makes `caring.sqlite` in `folder`, brings its schema up to date and checks that commits are
    /// really flushed.
    ///
    /// - Parameter isDurable: false for a folder that can be made again, such as a replay's: commits are then
    ///   not flushed to disk.
    /// - Throws: `StoreError` with a sentence for the user.
    public init(folder: String, isDurable: Bool = true) throws {
        path = folder + "/caring.sqlite"
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            // Made before SQLite does, so that the file is never readable by others, not even for a moment.
            if !FileManager.default.fileExists(atPath: path) {
                _ = FileManager.default.createFile(
                    atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
            }
            var configuration = Configuration()
            configuration.label = "caring"
            configuration.busyMode = .timeout(5)
            // Two exports, two answers beside the turns, a backup, and the turns themselves, which must never wait for the others.
            configuration.maximumReaderCount = 8
            configuration.prepareDatabase { db in
                // 24 MiB for the writer; readers go through the tables once.
                try db.execute(sql: "PRAGMA cache_size = \(db.configuration.readonly ? -4096 : -24576)")
            }
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { db in
                // GRDB sets NORMAL while it turns WAL on, after `prepareDatabase`; a commit has to be on disk
                // before a message is acknowledged, so it is set here and looked at.
                try db.execute(sql: isDurable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF")
                // 64 MiB of log between checkpoints: a drain copies each leaf page into the table once, not many times.
                try db.execute(sql: "PRAGMA wal_autocheckpoint = 16384")
                try db.execute(sql: "PRAGMA journal_size_limit = 67108864")
                let level = try Int.fetchOne(db, sql: "PRAGMA synchronous")
                let foreign = try Int.fetchOne(db, sql: "PRAGMA foreign_keys")
                let journal = try String.fetchOne(db, sql: "PRAGMA journal_mode")
                guard level == (isDurable ? 2 : 0), foreign == 1, journal == "wal" else {
                    throw StoreError(
                        "The database at \(path) cannot be used safely here; put the data folder on a local disk.",
                        detail: "synchronous \(level ?? -1), foreign_keys \(foreign ?? -1), journal \(journal ?? "?")")
                }
            }
            try Schema.migrator.migrate(pool)
        } catch let error as StoreError {
            throw error
        } catch {
            let error = Self.knowingFullDisk(error, path)
            throw StoreError(
                "The database at \(path) cannot be opened; check that the folder can be written to and the disk is not full.",
                detail: "\(error)", problem: StoreProblem(error))
        }
    }

    /// Called before each commit; what it throws undoes the turn. It is how tests make a disk fail.
    public var beforeCommit: (() throws -> Void)?
    /// The same before the database is written anew.
    public var beforeRewrite: (() throws -> Void)?

    /// The newest instant of any reading that was written since the start, as far as it is at hand; nil: none.
    public var newestKnown: Instant? { newestKeys.max().flatMap { $0 > 0 ? ReadingKey(raw: $0).at : nil } }

    private var isInTurn = false

    /// One transaction of the one writer. When `body` throws or the commit fails, nothing of it is kept.
    ///
    /// A turn within a turn ends the process: what it wrote would be kept or undone with the other's, and memory with neither.
    public func turn<T>(_ body: (StoreTurn) throws -> T) throws -> T {
        guard !isInTurn else {
            // Not a precondition: those say nothing in a program that is built for release.
            fatalError("A turn was begun while another one is open. Hand the open turn's `tx` on to what is called, or call it when that turn has ended.")
        }
        isInTurn = true
        defer { isInTurn = false }
        do {
            return try pool.writeWithoutTransaction { db in
                var result: T?
                var commitBegan = ContinuousClock.now
                try db.inTransaction(.immediate) {
                    result = try body(StoreTurn(db: db, store: self))
                    try insertPending(db)
                    try beforeCommit?()
                    commitBegan = .now
                    return .commit
                }
                lastCommitNanoseconds = Int64((ContinuousClock.now - commitBegan) / .nanoseconds(1))
                guard let result else { throw StoreError("The turn ended without a result.", detail: "") }
                return result
            }
        } catch {
            forgetUncommitted()
            throw Self.knowingFullDisk(error, path)
        }
    }

    /// SQLite says FULL where writing finds no room, but only "I/O error" where flushing does, or the log's index. It
    /// keeps no error number of the system's for those (measured), so the disk itself is asked.
    private static func knowingFullDisk(_ error: any Error, _ path: String) -> any Error {
        guard let failed = error as? DatabaseError, failed.resultCode == .SQLITE_IOERR,
            let free = Reserve.freeBytes(folder: URL(fileURLWithPath: path).deletingLastPathComponent().path), free < 65_536
        else { return error }
        return StoreError(StoreProblem.diskFull.sentence, detail: "\(error), free \(free)", problem: .diskFull)
    }

    /// What memory holds of rows that are not kept: nothing of it may be believed any more.
    func forgetUncommitted() {
        newestKeys.removeAll(keepingCapacity: true)
        pending.removeAll(keepingCapacity: true)
        thinnedPlaces.removeAll(keepingCapacity: true)
        chains.removeAll()
    }

    /// Inserts what a turn has appended, in the order of the table instead of that of the messages: neighbours
    /// then meet a page that is at hand, which takes half the time.
    func insertPending(_ db: Database) throws {
        if pending.isEmpty { return }
        // SQLite ends a transaction by itself after some errors; a row written then would be kept without its turn.
        guard db.isInsideTransaction else { throw Self.transactionIsGone }
        pending.sort { ($0.series, $0.key) < ($1.series, $1.key) }
        thinnedPlaces.removeAll(keepingCapacity: true)
        var inserted = 0
        defer {
            // What is in the table already must not be inserted again when somebody goes on after an error.
            if inserted == pending.count { pending.removeAll(keepingCapacity: true) } else { pending.removeFirst(inserted) }
        }
        for reading in pending {
            try statements.insert(db, reading)
            inserted += 1
        }
    }

    static var transactionIsGone: DatabaseError {
        DatabaseError(resultCode: .SQLITE_ABORT, message: "the transaction was ended by an earlier error")
    }

    /// Reads what was committed last.
    public func read<T>(_ body: (StoreReader) throws -> T) throws -> T {
        try pool.read { db in try body(StoreReader(db: db)) }
    }

    /// Values of the writer's settings, for tests and `status`.
    public func writerSettings() throws -> (synchronous: Int, journal: String, foreignKeys: Bool) {
        try pool.writeWithoutTransaction { db in
            (
                try Int.fetchOne(db, sql: "PRAGMA synchronous") ?? -1,
                try String.fetchOne(db, sql: "PRAGMA journal_mode") ?? "",
                try Bool.fetchOne(db, sql: "PRAGMA foreign_keys") ?? false
            )
        }
    }

    /// Moves the log into the database file, so that its size can be measured.
    public func checkpoint() throws {
        _ = try pool.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
    }

    public func close() throws {
        statements.finalize()
        try pool.close()
    }

    deinit { statements.finalize() }
}

/// Two descriptions: a sentence to show and what to look for in the log. Personal data in neither.
public struct StoreError: Error, CustomStringConvertible, Sendable {
    public var description: String
    public var detail: String
    /// Where the storage itself is at fault.
    public var problem: StoreProblem?

    public init(_ sentence: String, detail: String, problem: StoreProblem? = nil) {
        description = sentence
        self.detail = detail
        self.problem = problem
    }
}

/// JSON as it stands in the tables: sorted keys, so that the same value is the same bytes.
enum Body {
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    static func decode<T: Decodable>(_ type: T.Type, _ text: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }
}
