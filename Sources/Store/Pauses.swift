import Care
import GRDB

extension StoreTurn {
    /// A pause that begins.
    public func save(_ pause: Pause, givenBy: String) throws {
        try run("INSERT INTO pause (id, citizen, body, givenBy, endAt) VALUES (?, ?, ?, ?, ?)",
            [pause.id.number, pause.citizen.name, try Body.encode(pause), givenBy, pause.end.milliseconds])
    }
    /// A pause that was ended before its time.
    public func saveEnd(_ pause: Pause, by: String) throws {
        try run("UPDATE pause SET body = ?, endAt = ?, endedBy = ? WHERE id = ?",
            [try Body.encode(pause), pause.end.milliseconds, by, pause.id.number])
    }
    /// Those that were over before then.
    public func dropPauses(before: Instant) throws { try run("DELETE FROM pause WHERE endAt < ?", [before.milliseconds]) }
}

extension StoreReader {
    /// In order of id.
    public func pauses() throws -> [Pause] {
        try String.fetchAll(db.cachedStatement(sql: "SELECT body FROM pause ORDER BY id")).map { try Body.decode(Pause.self, $0) }
    }
}
