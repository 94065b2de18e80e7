import Care
import Foundation
import Logging
import Store
import Synchronization

/// What the gateway does about its disk: the reserve that alerts live on while it is full, copies of the database, and
/// the way back when it can be written to again.
///
/// Not `Sendable`: it belongs to the thread that runs the turns. Only a copy of the database is made on another.
final class DiskWatch {
    /// Between two looks whether the disk can be written to again.
    static let lookEvery: Span = .seconds(1)
    static let backupEvery: Span = .days(1)
    /// The first copy of a new folder: when there is something to lose, and its start is over.
    static let firstBackupAfter: Span = .minutes(10)
    /// Between two looks whether a copy is due, and after one that failed.
    static let backupLookEvery: Span = .minutes(10)

    /// Between two tries to replace copies that hold what was erased.
    static let renewalEvery: Span = .minutes(1)

    private let reserve: Reserve
    private let folder: String
    private let reserveBytes: Int64
    /// The reserve was given up: as much of what is free is its own.
    private var isReserveSpent = false
    private var nextBackupLook = Instant.distantPast
    private var nextRenewal = Instant.distantPast
    private let backups: Backups
    let journal: ActJournal
    private let keepsBackups: Bool
    private let log: Logger
    private let startedAt: Instant
    private var nextLook = Instant.distantPast
    private let copying = Copying()

    /// Whether a copy is being made; shared with the thread that makes it.
    private final class Copying: Sendable {
        let isUnderWay = Atomic(false)
    }

    init(folder: String, limits: Limits, backups: Backups, journal: ActJournal, now: Instant, log: Logger) {
        self.folder = folder
        reserveBytes = Int64(limits.reserveMebibytes) << 20
        reserve = Reserve(folder: folder, bytes: reserveBytes)
        self.backups = backups
        self.journal = journal
        keepsBackups = limits.backupsKeptMax > 0
        self.log = log
        startedAt = now
        if !reserve.hold() {
            log.warning("The disk has too little room for the reserve that alerts live on while it is full: make room.", metadata: ["mebibytes": "\(limits.reserveMebibytes)"])
        }
    }

    /// The storage said no.
    func failed(_ problem: StoreProblem, _ engine: Engine, _ store: Store) {
        engine.degrade(problem)
        if problem == .diskFull { spendReserve(store) }
        nextLook = engine.now + Self.lookEvery
    }

    /// Goes back to normal when that can be.
    func look(_ engine: Engine, _ store: Store) {
        guard let problem = engine.degraded?.problem, engine.now >= nextLook else { return }
        nextLook = engine.now + Self.lookEvery
        // While the disk is full the reserve is what alerts live on: the first room there is goes to it. Where there is never
        // room for another one, what is free beyond it has to do.
        if problem == .diskFull, !reserve.hold() {
            let own = isReserveSpent ? reserveBytes : 0
            guard let free = Reserve.freeBytes(folder: folder), free > own + reserveBytes / 4 else { return }
        }
        if engine.tryToRecover() { isReserveSpent = isReserveSpent && !reserve.isHeld } else if engine.degraded?.problem == .diskFull { spendReserve(store) }
    }

    private func spendReserve(_ store: Store) {
        guard reserve.isHeld else { return }
        isReserveSpent = true
        reserve.release()
        // The log would grow to twice the reserve before it is next moved into the database by itself.
        try? store.checkpoint()
    }

    /// Makes a copy of the database because the older ones hold what was erased since, and then removes those.
    ///
    /// - Returns: whether none of them is left, nor an older line in the journal of acts: each copy holds what they say.
    func renewCopies(_ store: Store, since: Instant, now: Instant) -> Bool {
        // Their names tell the time in whole seconds.
        let since = Instant(milliseconds: (since.milliseconds / 1_000 + 1) * 1_000)
        guard now >= max(since, nextRenewal), !copying.isUnderWay.load(ordering: .acquiring) else { return false }
        do {
            guard !keepsBackups || backups.list().contains(where: { $0.at >= since }) else {
                nextRenewal = now + Self.renewalEvery
                copy(store, now: now)
                return false
            }
            try backups.removeOlder(than: since)
            try journal.trim(before: since)
            return true
        } catch {
            nextRenewal = now + Self.renewalEvery
            log.error("Copies that hold what was erased could not be removed; it is tried again.", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Makes a copy of the database when one is due, on a thread of its own.
    func backUpIfDue(_ store: Store, now: Instant) {
        guard now >= nextBackupLook else { return }
        nextBackupLook = now + Self.backupLookEvery
        // There may be room for it since the start.
        if !reserve.isHeld, reserve.hold() { isReserveSpent = false }
        guard keepsBackups else { return }
        let newest = backups.list().first?.at
        let isDue = newest.map { now - $0 >= Self.backupEvery } ?? (now - startedAt >= Self.firstBackupAfter)
        guard isDue, copy(store, now: now) else { return }
        // What the oldest copy holds already need not be repeated after it was taken up again.
        if let oldest = backups.list().last?.at {
            do { try journal.trim(before: oldest) } catch {
                log.warning("The journal of acts could not be shortened.", metadata: ["error": "\(error)"])
            }
        }
    }

    /// - Returns: false while another copy is being made.
    @discardableResult
    private func copy(_ store: Store, now: Instant) -> Bool {
        guard !copying.isUnderWay.exchange(true, ordering: .acquiring) else { return false }
        let (source, backups, log, copying) = (store.backupSource, self.backups, self.log, self.copying)
        let thread = Thread {
            defer { copying.isUnderWay.store(false, ordering: .releasing) }
            do {
                _ = try backups.make(source, at: now)
                log.info("A copy of the database has been made.")
            } catch {
                log.error("No copy of the database could be made; it is tried again in ten minutes.", metadata: ["error": "\(error)"])
            }
        }
        thread.name = "backup"
        thread.start()
        return true
    }
}
