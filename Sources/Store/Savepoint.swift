import GRDB

extension StoreTurn {
    /// A part of the turn that is kept whole or not at all, within the turn's one transaction; may be nested.
    ///
    /// What `body` appended is in the table before this returns, so an error of its readings is its own and not that
    /// of a later part. When it throws, nothing of it is kept, and what was written before goes on being part of the turn.
    ///
    /// - Throws: what `body` throws. After some errors (`StoreProblem`) SQLite has given up the whole transaction by
    ///   itself: nothing of the turn is left then, and everything that is tried in it afterwards throws.
    public func savepoint<T>(_ body: () throws -> T) throws -> T {
        // What waits belongs to the part before. Without this it would go, or stay, with the wrong one.
        try store.insertPending(db)
        var result: T?
        do {
            // Where SQLite has given up the transaction, GRDB begins nothing new and throws the error that did it.
            try db.inSavepoint {
                result = try body()
                try store.insertPending(db)
                return .commit
            }
        } catch {
            store.forgetUncommitted()
            throw error
        }
        guard let result else { throw StoreError("A part of the turn ended without a result.", detail: "") }
        return result
    }
}
