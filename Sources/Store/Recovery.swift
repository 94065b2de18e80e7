import Care
import Foundation
import GRDB

/// A damaged database was set aside, and a backup has taken its place.
public struct Recovered: Sendable, Hashable, Codable {
    /// When the backup was made: what was written after that is only in the broken file.
    public var backupAt: Instant
    /// Where the damaged database is now; empty where there was none.
    public var brokenFile: String
    /// For the log.
    public var detail: String
}

extension Store {
    /// Sets of broken files that are kept; each may be as large as the database.
    static var brokenKeptMax: Int { 3 }
    /// Added to the counters of what people are told for each restore that there ever was, so that no number that was given
    /// out after the backup is given again, also after a second restore from the same one. Not to those of devices and
    /// series, which nobody is told, and by whose numbers memory is laid out.
    static var countersAhead: Int64 { 10_000 }
    /// The same for what an alert, or an answer, makes many of.
    static var countersFarAhead: Int64 { 1_000_000 }
    static var countersOfMany: [String] { ["notice", "decision", "offer"] }
    /// Rows that are numbered by their table, and by the greatest that was ever erased.
    static var numberedTables: [String] { ["disclosure", "history"] }
    /// Where a counter without a row begins; see `StoreTurn.next`.
    static var countersBegin: String { "begin" }
    private static var recoveredKey: String { "recovered" }

    /// Leaves word for the next start that this run met corruption, so that it looks at the whole database.
    public static func markBroken(folder: String) {
        guard let descriptor = try? Disk.create(folder + "/broken") else { return }
        fsync(descriptor)
        Foundation.close(descriptor)
        try? Disk.sync(folder)
    }

    /// Opens the database of a data folder. A damaged one is set aside and the newest good backup takes its place.
    ///
    /// Never silently empty: a folder whose database is missing, while backups or broken files are there, is recovered or
    /// refused like one whose database is damaged.
    ///
    /// - Parameters:
    ///   - check: loads what the caller needs; run on the store that is returned, also after a recovery. Corruption that it
    ///     meets counts.
    /// - Returns: the store, and what was recovered: at each start, until `StoreTurn.forgetRecovered` says that it was
    ///   dealt with. A kill between the two must not lose that acts since the backup have to be done again.
    /// - Throws: `StoreError` with a sentence; with nothing changed on disk where there is no good backup.
    public static func openRecovering(
        folder: String, backups: Backups, now: Instant, check: (Store) throws -> Void
    ) throws -> (store: Store, recovered: Recovered?) {
        let files = DatabaseFiles(folder: folder)
        files.removeUnfinished()
        if files.isEmpty, let trace = files.traceOfAnother(backups) {
            try files.replace(from: backups, now: now, because: trace)
        }
        do {
            return try openChecked(files, check)
        } catch where StoreProblem(error) == .corrupt {
            try files.replace(from: backups, now: now, because: (error as? StoreError)?.detail ?? "\(error)")
            return try openChecked(files, check)
        }
    }

    private static func openChecked(
        _ files: DatabaseFiles, _ check: (Store) throws -> Void
    ) throws -> (store: Store, recovered: Recovered?) {
        let store = try Store(folder: files.folder)
        do {
            if files.isMarkedBroken {
                if let damage = try store.pool.read({ try Backups.damage($0, isThorough: true) }) {
                    throw StoreError(StoreProblem.corrupt.sentence, detail: damage, problem: .corrupt)
                }
                files.removeMark()
            }
            try check(store)
            let recovered = try store.read { try $0.meta(recoveredKey) }.map { try Body.decode(Recovered.self, $0) }
            return (store, recovered)
        } catch {
            try? store.close()
            throw error
        }
    }

    /// Makes a copy of a backup ready to take the database's place.
    ///
    /// - Parameter restores: how many there were, this one included.
    static func prepareRestored(_ path: String, _ recovered: Recovered, restores: Int64) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { db in
            // What the broker delivers now has nothing to do with what was acknowledged before the backup: compared
            // with that, a message that was never kept could pass for one that was.
            for table in ["acknowledged", "early"] where try db.tableExists(table) { try db.execute(sql: "DELETE FROM \(table)") }
            let (ahead, far) = (countersAhead * restores, countersFarAhead * restores)
            // What has no row yet may have had one since.
            for name in countersOfMany + [countersBegin] {
                try db.execute(sql: "INSERT OR IGNORE INTO counter (name, value) VALUES (?, 0)", arguments: [name])
            }
            try db.execute(
                sql: "UPDATE counter SET value = value + CASE WHEN name IN (\(countersOfMany.map { "'\($0)'" }.joined(separator: ","))) THEN ? ELSE ? END WHERE name NOT IN ('device', 'series')",
                arguments: [far, ahead])
            for table in numberedTables where try db.tableExists(table) {
                let greatest = try Int64.fetchOne(db, sql: "SELECT max(n) FROM \(table)") ?? 0
                let erased = try StoreReader(db: db).erasedUpTo(table)
                try db.execute(
                    sql: "INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    arguments: [StoreReader.erasedCounter(table), max(greatest, erased) + far])
            }
            try db.execute(
                sql: "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                arguments: [recoveredKey, try Body.encode(recovered)])
        }
        try queue.close()
    }
}

extension StoreTurn {
    /// What followed from the recovery is done: it is not returned at the next start any more.
    public func forgetRecovered() throws { try run("DELETE FROM meta WHERE key = 'recovered'", []) }
}

/// The database's files in a data folder, and what stands beside them on a bad day.
struct DatabaseFiles {
    let folder: String
    private var main: String { folder + "/caring.sqlite" }
    private var unfinished: String { main + ".restoring" }
    private var mark: String { folder + "/broken" }
    /// What belongs to one database: the file itself, its log, and the log's index.
    private static let parts = ["", "-wal", "-shm"]

    /// There is no database, or a file of no bytes, which is what a start leaves that was killed at once.
    var isEmpty: Bool { Disk.bytes(main) == 0 }
    var isMarkedBroken: Bool { Disk.exists(mark) }

    func removeMark() { unlink(mark) }
    func removeUnfinished() { for part in Self.parts + ["-journal"] { unlink(unfinished + part) } }

    /// Databases that were set aside, newest first; without their logs.
    private var broken: [String] {
        Disk.names(folder).reversed().filter { $0.hasPrefix("caring.sqlite.broken-") && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") }
            .map { "\(folder)/\($0)" }
    }

    /// The same with their logs: all files that hold data of databases that were set aside.
    var setAside: [String] { broken.flatMap { file in Self.parts.map { file + $0 } }.filter(Disk.exists) }

    /// What shows that this folder is not new, although it has no database.
    func traceOfAnother(_ backups: Backups) -> String? {
        if let file = broken.first { return "there is no database, but \(file)" }
        if let backup = backups.list().first { return "there is no database, but \(backup.path)" }
        return Disk.bytes(main + "-wal") > 0 ? "there is no database, but its log" : nil
    }

    /// Puts the newest good backup in the database's place and sets aside what is there, in steps after each of which a
    /// new start goes on: while the database is missing, the broken one shows that the folder is not new.
    func replace(from backups: Backups, now: Instant, because detail: String) throws {
        // One that cannot be looked at is none to rely on.
        guard let backup = backups.list().first(where: { (try? Backups.damage($0.path)) == .some(nil) }) else {
            throw StoreError(
                "The database in \(folder) is damaged and there is no good backup of it; nothing was changed. Put a good copy of caring.sqlite in its place, or, to start empty, move caring.sqlite, all files whose names begin with it, and the folder backups away.",
                detail: detail, problem: .corrupt)
        }
        let aside = asideName(now)
        do {
            try Disk.copy(backup.path, to: unfinished)
            let restores = try countRestore()
            try Store.prepareRestored(
                unfinished, Recovered(backupAt: backup.at, brokenFile: isMissing ? broken.first ?? "" : aside, detail: detail), restores: restores)
            try Disk.sync(unfinished)
            // The file before its log: without its log it could pass for a sound database of an earlier moment. The log
            // is set aside as well: it would be read as the backup's own.
            for part in Self.parts where Disk.exists(main + part) { try Disk.rename(main + part, aside + part) }
            try Disk.sync(folder)
            try Disk.rename(unfinished, main)
            try Disk.sync(folder)
        } catch {
            removeUnfinished()
            throw StoreError(
                "The database in \(folder) is damaged, and its newest good backup cannot be put in its place. \((StoreProblem(error) ?? .other).sentence) Then start the gateway again.",
                detail: "\(detail); \(error)", problem: StoreProblem(error) ?? .other)
        }
        removeMark()
        for old in broken.dropFirst(Store.brokenKeptMax) { for part in Self.parts { unlink(old + part) } }
    }

    /// How often a backup has taken the database's place, this time included: in a file of its own, because every backup
    /// forgets it. One too many does no harm.
    private func countRestore() throws -> Int64 {
        let path = folder + "/restores"
        let text = (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
        let count = min(max(text.flatMap { Int64($0) } ?? 0, 0), Self.restoresMax - 1) + 1
        let file = try Disk.create(path + ".new")
        defer {
            close(file)
            unlink(path + ".new")
        }
        try Disk.write(Array("\(count)\n".utf8), file, path)
        guard fsync(file) == 0 else { throw Disk.error("flushing", path) }
        try Disk.rename(path + ".new", path)
        try Disk.sync(folder)
        return count
    }

    /// A number beyond that is none that the gateway wrote.
    private static let restoresMax: Int64 = 1_000_000

    private var isMissing: Bool { !Disk.exists(main) }

    /// A name that nothing has yet; where an earlier start was killed in between, the one that it began with.
    private func asideName(_ now: Instant) -> String {
        if isMissing, let begun = broken.first, !Self.parts.contains(where: { Disk.exists(main + $0) && Disk.exists(begun + $0) }) {
            return begun
        }
        let name = "\(main).broken-\(Disk.stamp(now))"
        var n = 1
        var free = name
        while Self.parts.contains(where: { Disk.exists(free + $0) }) {
            n += 1
            free = "\(name)-\(n)"
        }
        return free
    }
}
