import Care
import Foundation
import GRDB

/// A message that no turn could take, kept as it came so that it stops nobody else's.
///
/// `topic` and `payload` can hold personal data: they are for the home's own people and never for the log.
public struct Quarantined: Sendable, Hashable {
    public var at: Instant
    /// Nil where the topic names no home that is known.
    public var home: HomeID?
    public var topic: String
    public var payload: [UInt8]
    /// Of topic and payload, as in the redelivery ledger.
    public var hash: UInt64
    public var reason: String

    public init(at: Instant, home: HomeID?, topic: String, payload: [UInt8], hash: UInt64, reason: String) {
        self.at = at
        self.home = home
        self.topic = topic
        self.payload = payload
        self.hash = hash
        self.reason = reason
    }
}

extension StoreTurn {
    /// Backlogs that are remembered; the oldest go.
    public static var backlogsMax: Int { 1_000 }
    /// Early effects that are remembered: as many as there are packet ids, so that none in flight is forgotten.
    public static var earlyMax: Int { 65_535 }

    /// Writes down a connection and what waited for it, or changes what is known of it.
    ///
    /// - Parameter caughtUpAt: when the gateway's own marker came back behind it; nil while it has not.
    public func saveBacklog(connectedAt: Instant, lastContactAt: Instant, caughtUpAt: Instant?) throws {
        try run(
            """
            INSERT INTO backlog (connectedAt, lastContactAt, caughtUpAt) VALUES (?, ?, ?)
            ON CONFLICT (connectedAt) DO UPDATE SET lastContactAt = excluded.lastContactAt, caughtUpAt = excluded.caughtUpAt
            """, [connectedAt.milliseconds, lastContactAt.milliseconds, caughtUpAt?.milliseconds])
        try run(
            "DELETE FROM backlog WHERE connectedAt <= (SELECT connectedAt FROM backlog ORDER BY connectedAt DESC LIMIT 1 OFFSET ?)",
            [Self.backlogsMax])
    }

    /// Keeps a message that could not be taken; of more than `keptMax` the oldest go.
    public func quarantine(_ message: Quarantined, keptMax: Int) throws {
        try run(
            "INSERT INTO quarantine (at, home, topic, payload, hash, reason) VALUES (?, ?, ?, ?, ?, ?)",
            [message.at.milliseconds, message.home?.name, message.topic, Data(message.payload),
                Int64(bitPattern: message.hash), message.reason])
        try run("DELETE FROM quarantine WHERE n <= (SELECT max(n) FROM quarantine) - ?", [keptMax])
    }

    /// This message took effect and is not acknowledged: when it comes again it has none.
    public func noteEarly(packetID: UInt16, hash: UInt64) throws {
        try run("INSERT INTO early (packetID, hash) VALUES (?, ?)", [Int64(packetID), Int64(bitPattern: hash)])
        try run("DELETE FROM early WHERE n <= (SELECT max(n) FROM early) - ?", [Self.earlyMax])
    }
    public func forgetEarly() throws { try run("DELETE FROM early", []) }
    /// Forgets this message however often it was noted: no two messages under way have the same packet id.
    public func forgetEarly(packetID: UInt16, hash: UInt64) throws {
        try run("DELETE FROM early WHERE packetID = ? AND hash = ?", [Int64(packetID), Int64(bitPattern: hash)])
    }

    /// Adds to the number of readings of this home that gave way to a newer one because it sent too many.
    public func countThinned(_ home: HomeID, readings: Int, at: Instant) throws {
        try run(
            """
            INSERT INTO thinned (home, readings, firstAt, lastAt) VALUES (?, ?, ?, ?)
            ON CONFLICT (home) DO UPDATE SET readings = readings + excluded.readings,
                firstAt = min(firstAt, excluded.firstAt), lastAt = max(lastAt, excluded.lastAt)
            """, [home.name, readings, at.milliseconds, at.milliseconds])
    }
}

extension StoreReader {
    /// Those that were not caught up with before `since`, in order.
    public func backlogs(since: Instant) throws -> [(connectedAt: Instant, lastContactAt: Instant, caughtUpAt: Instant?)] {
        try Row.fetchAll(
            db, sql: "SELECT connectedAt, lastContactAt, caughtUpAt FROM backlog WHERE caughtUpAt IS NULL OR caughtUpAt >= ? ORDER BY connectedAt",
            arguments: [since.milliseconds]
        ).map {
            (Instant(milliseconds: $0[0]), Instant(milliseconds: $0[1]), ($0[2] as Int64?).map(Instant.init(milliseconds:)))
        }
    }
    /// Newest first.
    public func quarantined(limit: Int) throws -> [Quarantined] {
        try Row.fetchAll(
            db, sql: "SELECT at, home, topic, payload, hash, reason FROM quarantine ORDER BY n DESC LIMIT ?", arguments: [limit]
        ).map {
            Quarantined(
                at: Instant(milliseconds: $0[0]), home: ($0[1] as String?).map { HomeID($0) }, topic: $0[2],
                payload: Array($0[3] as Data), hash: UInt64(bitPattern: $0[4]), reason: $0[5])
        }
    }
    /// What took effect before it was acknowledged, in the order in which it was noted.
    public func early() throws -> [(packetID: UInt16, hash: UInt64)] {
        try Row.fetchAll(db, sql: "SELECT packetID, hash FROM early ORDER BY n").map {
            (UInt16(truncatingIfNeeded: $0[0] as Int64), UInt64(bitPattern: $0[1]))
        }
    }
    /// By name.
    public func thinned() throws -> [(home: HomeID, readings: Int64, firstAt: Instant, lastAt: Instant)] {
        try Row.fetchAll(db, sql: "SELECT home, readings, firstAt, lastAt FROM thinned ORDER BY home").map {
            (HomeID($0[0] as String), $0[1], Instant(milliseconds: $0[2]), Instant(milliseconds: $0[3]))
        }
    }
}
