import Care
import GRDB

/// Words to citizens that belong to no alert's asking: kept until the broker has them, so that a restart says them.
extension StoreTurn {
    public func save(_ word: CitizenWord) throws {
        try run("INSERT INTO citizenWord (id, body) VALUES (?, ?)", [word.id.number, try Body.encode(word)])
    }
    public func removeWord(_ id: NoticeID) throws { try run("DELETE FROM citizenWord WHERE id = ?", [id.number]) }
}

extension StoreReader {
    public func pendingWords() throws -> [CitizenWord] {
        try String.fetchAll(db.cachedStatement(sql: "SELECT body FROM citizenWord ORDER BY id")).map {
            try Body.decode(CitizenWord.self, $0)
        }
    }
}
