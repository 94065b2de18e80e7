import Care
import Foundation
import Logging
import Store

extension Engine {
    /// Once a minute: the heartbeat that a later start begins from, and what has outlived its time.
    public func keepHouse() throws {
        let now = self.now
        let keep = Span.days(Int64(configuration.limits.undecodableKeptDays))
        if isCatchingUp, let connectedAt = line.connectedAt, now - connectedAt > Line.markerWaitMax {
            log.error("The gateway's own marker has not come back from the broker; check its access list.")
            try caughtUp()
        }
        if usersPending { _ = applyUsers() }
        try store.turn { tx in
            try tx.setMeta("heartbeat", String(now.milliseconds))
            if let contact = contactNow { try tx.setMeta("contact", String(contact.milliseconds)) }
            try tx.dropUndecodable(before: now - keep)
        }
        if world.pauses.values.contains(where: { $0.contains { $0.end < now - Pause.kept } }) { try turn { tx in try forgetPauses(tx) } }
    }

    // MARK: What has been kept for long enough

    /// Rows of one step: some milliseconds, so that nobody waits for it.
    static var sweepRowsMax: Int { 2_000 }
    static var sweepEvery: Span { .hours(1) }

    /// Removes a little of what has been kept for long enough; the rest in the next steps. Call it between turns.
    ///
    /// - Returns: whether there is more to remove.
    public func sweep() throws -> Bool {
        if try enterLater() { return true }
        if try signOn() { return true }
        if try eraseStep() { return true }
        return try retentionStep()
    }

    /// The last instant that an earlier run wrote down; nil in a new data folder.
    public static func lastHeartbeat(_ store: Store) throws -> Instant? {
        try store.read { try $0.meta("heartbeat") }.flatMap { Int64($0) }.map(Instant.init(milliseconds:))
    }
}

/// The system's clocks.
public struct SystemClock: Clock {
    public init() {}

    public func wall() -> Instant { Instant(milliseconds: Self.nanoseconds(CLOCK_REALTIME) / 1_000_000) }

    /// Goes on while the machine sleeps: a helper's two minutes are over then, too.
    public func monotonic() -> Int64 { Self.nanoseconds(CLOCK_BOOTTIME) }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// The lock on a data folder: one gateway at a time. Held until the process ends, however it ends.
public final class FolderLock {
    private let descriptor: Int32

    /// - Throws: `StoreError` with a sentence when another process holds it.
    public init(folder: String) throws {
        let path = folder + "/lock"
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw StoreError("The data folder \(folder) cannot be made; check the path and its permissions.", detail: "\(error)")
        }
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError("The data folder \(folder) cannot be written to; check its permissions.", detail: "open: \(errno)")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw StoreError(
                "Another gateway is running on the data folder \(folder). Stop it first, or choose another folder with --data.",
                detail: "flock: \(errno)")
        }
    }

    deinit { close(descriptor) }
}

/// Mosquitto's users, kept from the logins on disk.
final class MosquittoUsers: BrokerUsers {
    private let access: BrokerAccess
    private let gatewayHash: String

    init(access: BrokerAccess, gatewayHash: String) {
        self.access = access
        self.gatewayHash = gatewayHash
    }

    func apply(homes: [(name: String, hash: String)], helpers: [(name: String, hash: String)], services: [(name: String, hash: String)]) throws -> Bool {
        try access.write(homes: homes, helpers: helpers, services: services, gatewayHash: gatewayHash)
        return access.reload()
    }
    func newPassword() -> String { BrokerAccess.newPassword() }
    func hash(_ password: String) throws -> String { try BrokerAccess.hash(password) }

    /// The gateway's own password: configured, or made on the first start and kept in `file` (mode 0600).
    static func ownPassword(configured: String?, file: String) throws -> String {
        if let configured { return configured }
        if let kept = try? String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines), !kept.isEmpty {
            return kept
        }
        let made = BrokerAccess.newPassword()
        guard FileManager.default.createFile(atPath: file, contents: Data((made + "\n").utf8), attributes: [.posixPermissions: 0o600]) else {
            throw StoreError("The gateway's login cannot be written to \(file); check the folder's permissions and the disk.", detail: "")
        }
        return made
    }
}
