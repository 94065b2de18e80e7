import Care
import Foundation
import GRDB

/// Where a copy is made from. `Sendable`, so that the copy can be made on another thread while the writer goes on.
public struct BackupSource: Sendable {
    let pool: DatabasePool
}

extension Store {
    /// Good until the store is closed, which waits for a copy that is being made.
    public var backupSource: BackupSource { BackupSource(pool: pool) }
}

/// The copies of the database in `backups` of the data folder, for a day on which the database is damaged.
public struct Backups: Sendable {
    /// Where the copies are: `<data folder>/backups`, mode 0700.
    public let place: String
    public let keep: Int

    /// - Parameters:
    ///   - folder: the data folder.
    ///   - keep: so many copies stay, the newest; at least one.
    public init(folder: String, keep: Int) {
        place = folder + "/backups"
        self.keep = max(1, keep)
    }

    private static let prefix = "caring-"
    private static let suffix = ".sqlite"
    /// What a kill has left half made has this name.
    private var unfinished: String { place + "/unfinished.sqlite" }

    /// Copies the whole database as it is at one moment, on the calling thread, and looks whether the copy is sound.
    /// Turns go on meanwhile; the log beside the database grows until the copy is done.
    ///
    /// - Returns: the copy's path.
    /// - Throws: `StoreError` when there is less room than 1.2 times the database, when the copy cannot be written, or
    ///   when the database itself is damaged (`problem` says which). Copies made before stay as they are.
    @discardableResult
    public func make(_ source: BackupSource, at: Instant) throws -> String {
        try prepareFolder()
        try removeUnfinished()
        do {
            let bytes = try source.pool.unsafeRead { db in
                try (Int64.fetchOne(db, sql: "PRAGMA page_count") ?? 0) * (Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 0)
            }
            if let free = Reserve.freeBytes(folder: place), free < bytes / 5 * 6 {
                throw StoreError(
                    "There is no room for a backup: make room on the disk that holds the data folder.",
                    detail: "database \(bytes) bytes, free \(free)", problem: .diskFull)
            }
            // Made before SQLite does, so that the copy is never readable by others; it writes into an empty file.
            close(try Disk.create(unfinished))
            try source.pool.unsafeRead { try $0.execute(sql: "VACUUM INTO ?", arguments: [unfinished]) }
            if let damage = try Self.damage(unfinished) {
                throw StoreError("The backup that was just made is damaged; check the disk.", detail: damage, problem: .inputOutput)
            }
            try Disk.sync(unfinished)
            let path = "\(place)/\(Self.prefix)\(Disk.stamp(at))\(Self.suffix)"
            try Disk.rename(unfinished, path)
            try Disk.sync(place)
            for old in list().dropFirst(keep) { unlink(old.path) }
            return path
        } catch {
            try? removeUnfinished()
            if error is StoreError { throw error }
            let problem = StoreProblem(error) ?? .other
            throw StoreError("No backup could be made. \(problem.sentence)", detail: "\(error)", problem: problem)
        }
    }

    /// Whether anything that was copied before `since` is left: a copy, an unfinished one, or a damaged database that was set aside.
    public func holdsOlder(than since: Instant) -> Bool {
        list().contains { $0.at < since } || !DatabaseFiles(folder: folder).setAside.isEmpty
    }

    /// Removes what was copied before `since`. The caller has made a newer copy, or keeps none.
    public func removeOlder(than since: Instant) throws {
        for old in list() where old.at < since { try Disk.remove(old.path) }
        for path in DatabaseFiles(folder: folder).setAside { try Disk.remove(path) }
        if Disk.exists(place) { try Disk.sync(place) }
        try Disk.sync(folder)
    }

    private var folder: String { String(place.dropLast("/backups".count)) }

    /// Newest first, by the time in their names.
    public func list() -> [(path: String, at: Instant)] {
        Disk.names(place).reversed().compactMap { name in
            guard name.hasPrefix(Self.prefix), name.hasSuffix(Self.suffix) else { return nil }
            return Disk.instant(stamp: name.dropFirst(Self.prefix.count).dropLast(Self.suffix.count)).map { ("\(place)/\(name)", $0) }
        }
    }

    private func prepareFolder() throws {
        guard mkdir(place, 0o700) == 0 || errno == EEXIST, chmod(place, 0o700) == 0 else { throw Disk.error("making", place) }
    }

    private func removeUnfinished() throws {
        for path in [unfinished, unfinished + "-journal"] where unlink(path) != 0 && errno != ENOENT {
            throw Disk.error("removing", path)
        }
    }

    /// What is wrong with a database file, as SQLite says it; nil when it is a sound one of ours.
    static func damage(_ path: String) throws -> String? {
        var configuration = Configuration()
        configuration.readonly = true
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? queue.close() }
            return try queue.inDatabase { db in
                if let damage = try damage(db) { return damage }
                let ours = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master WHERE name IN ('reading', 'alert', 'consent')")
                return ours == 3 ? nil : "it is no database of a gateway"
            }
        } catch where StoreProblem(error) == .corrupt {
            return "\(error)"
        }
    }

    /// - Parameter isThorough: also compares indexes with their tables, which takes longer.
    static func damage(_ db: Database, isThorough: Bool = false) throws -> String? {
        let lines = try String.fetchAll(db, sql: isThorough ? "PRAGMA integrity_check(5)" : "PRAGMA quick_check(5)")
        return lines == ["ok"] ? nil : lines.joined(separator: "; ")
    }
}
