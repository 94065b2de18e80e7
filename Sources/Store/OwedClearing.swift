import Care
import GRDB

/// A retained topic that has to be taken away at the broker: owed until the broker has taken the empty message, restarts or not.
public struct OwedClearing: Hashable, Sendable {
    /// From the counter of notices.
    public var id: NoticeID
    public var topic: String

    public init(id: NoticeID, topic: String) {
        self.id = id
        self.topic = topic
    }
}

enum ClearingSchema {
    static let table = """
        CREATE TABLE owedClearing (id INTEGER PRIMARY KEY, topic TEXT NOT NULL UNIQUE) STRICT;
        """
}

extension StoreTurn {
    /// - Returns: false where it is owed already.
    public func save(_ clearing: OwedClearing) throws -> Bool {
        try run("INSERT OR IGNORE INTO owedClearing (id, topic) VALUES (?, ?)", [clearing.id.number, clearing.topic])
        return db.changesCount > 0
    }
    public func removeClearing(_ id: NoticeID) throws { try run("DELETE FROM owedClearing WHERE id = ?", [id.number]) }
}

extension StoreReader {
    /// In order.
    public func owedClearings() throws -> [OwedClearing] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT id, topic FROM owedClearing ORDER BY id")).map { OwedClearing(id: NoticeID($0[0]), topic: $0[1]) }
    }
}
