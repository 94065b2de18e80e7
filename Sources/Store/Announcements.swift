import Care
import Foundation
import GRDB

/// What devices said of themselves, and which bridges are gone.
extension StoreTurn {
    public func saveAnnouncement(_ home: HomeID, topic: String, payload: [UInt8], at: Instant) throws {
        try run(
            """
            INSERT INTO announcement (home, topic, at, payload) VALUES (?, ?, ?, ?)
            ON CONFLICT (home, topic) DO UPDATE SET at = excluded.at, payload = excluded.payload
            """, [home.name, topic, at.milliseconds, Data(payload)])
    }
    public func removeAnnouncement(_ home: HomeID, topic: String) throws {
        try run("DELETE FROM announcement WHERE home = ? AND topic = ?", [home.name, topic])
    }
    public func removeAnnouncements(_ home: HomeID) throws {
        try run("DELETE FROM announcement WHERE home = ?", [home.name])
        try run("DELETE FROM bridge WHERE home = ?", [home.name])
    }

    /// - Parameter goneSince: nil: it is there.
    public func saveBridge(_ home: HomeID, _ address: String, goneSince: Instant?) throws {
        guard let goneSince else { return try run("DELETE FROM bridge WHERE home = ? AND address = ?", [home.name, address]) }
        try run(
            "INSERT INTO bridge (home, address, goneSince) VALUES (?, ?, ?) ON CONFLICT (home, address) DO NOTHING",
            [home.name, address, goneSince.milliseconds])
    }

    /// Gives devices other addresses, all at once: two of them may have changed places.
    public func readdress(_ devices: [Device]) throws {
        for device in devices {
            // No address holds a line feed: topics of devices are names.
            try run("UPDATE device SET address = ? WHERE id = ?", ["\n\(device.id.number)", device.id.number])
        }
        for device in devices {
            try run("UPDATE device SET address = ?, body = ? WHERE id = ?", [device.address, try Body.encode(device), device.id.number])
        }
    }
}

extension StoreReader {
    /// In the order of homes and topics.
    public func announcements() throws -> [(home: HomeID, topic: String, payload: [UInt8])] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT home, topic, payload FROM announcement ORDER BY home, topic")).map {
            (HomeID($0[0]), $0[1], [UInt8]($0[2] as Data))
        }
    }
    public func bridgesGone() throws -> [(home: HomeID, address: String, since: Instant)] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT home, address, goneSince FROM bridge ORDER BY home, address")).map {
            (HomeID($0[0]), $0[1], Instant(milliseconds: $0[2]))
        }
    }
}
