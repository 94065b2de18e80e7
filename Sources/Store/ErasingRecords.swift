import Care
import GRDB

/// What a citizen's chain records is erased along the chain itself: each row in the same turn as its entry's contents.
extension StoreTurn {
    /// What the rest of the gateway has to know of a step.
    public struct ErasedRecords: Sendable {
        public var consents: [ConsentID] = []
        /// Whose clients may still show something of it.
        public var cards: [(person: PersonID, alert: AlertID)] = []
    }

    /// Erases a part of alerts, disclosures and consent records that are over.
    ///
    /// What has still to be sent stays until it is: the erasure says that it waits, and begins anew at the chain's beginning.
    ///
    /// - Parameters:
    ///   - words: that citizens have still to be told; what they are about waits for them.
    ///   - rowsMax: so many entries are looked at.
    public func eraseRecords(_ erasure: inout Erasure, words: [CitizenWord] = [], rowsMax: Int, at: Instant) throws -> ErasedRecords {
        var erased = ErasedRecords()
        if erasure.place == 0, !erasure.isWaiting {
            // Only now is what was there before the chains in them. What came after the wish is told by its time.
            erasure.upToEntry = try StoreReader(db: db).pseudonym(erasure.citizen).flatMap { try StoreReader(db: db).chainHead($0)?.n } ?? 0
        }
        let toldAlerts = Set(words.compactMap { $0.alert?.number })
        let toldConsents = Set(words.compactMap { $0.consent?.number })
        let isWaiting = erasure.isWaiting && erasure.place > 0
        let citizen = try pseudonym(erasure.citizen)
        let entries = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT n, kind, row FROM chain WHERE citizen = ? AND n > ? AND n <= ? AND body IS NOT NULL ORDER BY n LIMIT ?"),
            arguments: [citizen, erasure.place, erasure.upToEntry, rowsMax])
        guard let last = entries.last else {
            erasure.isWaiting = isWaiting
            if isWaiting { erasure.place = 0 } else { erasure.go(to: .decisions) }
            return erased
        }
        erasure.isWaiting = isWaiting
        var emptied: [Int64] = []
        for entry in entries {
            guard let row = entry[2] as Int64?, let kind = ChainKind(rawValue: entry[1]) else { continue }
            switch kind {
            case .alert where toldAlerts.contains(row), .consent where toldConsents.contains(row): erasure.isWaiting = true
            case .alert: try eraseAlert(row, citizen, &erasure, &emptied, &erased)
            case .disclosure: try eraseDisclosure(row, entry[0], &erasure, &emptied)
            case .consent: try eraseConsent(row, &erasure, &emptied, &erased, at: at)
            case .delegate: if try eraseDelegateEntry(row, &erasure) { emptied.append(entry[0]) }
            case .keeping:
                if try eraseKeeping(row, erasure.citizen, before: erasure.end, isOver: erasure.isGone == true) {
                    emptied.append(entry[0])
                    erasure.rows += 1
                }
            case .erased, .restored: break
            }
        }
        try eraseChainBodies(of: citizen, entries: emptied, because: .citizen, at: at)
        erasure.place = last[0]
        return erased
    }

    private func eraseAlert(_ id: Int64, _ citizen: Int64, _ erasure: inout Erasure, _ emptied: inout [Int64], _ erased: inout ErasedRecords) throws {
        let body = try String.fetchOne(db.cachedStatement(sql: "SELECT body FROM alert WHERE id = ?"), arguments: [id])
        // Whom one is about that cannot be read nobody knows: it stays, and holds up nothing.
        guard let alert = body.flatMap({ try? Body.decode(Alert.self, $0) }), let ending = alert.ending, ending.at < erasure.end,
            // What is also about others is theirs, too.
            alert.citizens == [erasure.citizen]
        else { return }
        if try Bool.fetchOne(
            db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM notice WHERE alert = ? AND state IN ('queued', 'attempted'))"), arguments: [id]) ?? false
        {
            erasure.isWaiting = true
            return
        }
        for row in try Row.fetchAll(db, sql: "SELECT raisedEntries, endedEntries FROM alert WHERE id = ?", arguments: [id]) {
            for place in "\(row[0] as String? ?? "") \(row[1] as String? ?? "")".split(separator: " ") {
                let parts = place.split(separator: ":").compactMap { Int64($0) }
                if parts.count == 2, parts[0] == citizen { emptied.append(parts[1]) }
            }
        }
        for person in Set(try StoreReader(db: db).notices(of: alert.id).filter { $0.channel == .mqtt }.compactMap(\.person)).sorted() {
            erased.cards.append((person, alert.id))
        }
        if let last = try Int64.fetchOne(db, sql: "SELECT max(n) FROM history WHERE alert = ?", arguments: [id]) { try noteErased("history", upTo: last) }
        for sql in ["DELETE FROM history WHERE alert = ?", "DELETE FROM notice WHERE alert = ?", "DELETE FROM alert WHERE id = ?"] {
            try run(sql, [id])
            erasure.rows += db.changesCount
        }
    }

    private func eraseDisclosure(_ n: Int64, _ entry: Int64, _ erasure: inout Erasure, _ emptied: inout [Int64]) throws {
        let pending = try Bool.fetchOne(
            db.cachedStatement(sql: """
                SELECT EXISTS (SELECT 1 FROM disclosure AS d JOIN notice ON notice.id = d.notice WHERE d.n = ? AND notice.state IN ('queued', 'attempted'))
                """), arguments: [n]) ?? false
        if pending {
            erasure.isWaiting = true
            return
        }
        try run("DELETE FROM disclosure WHERE n = ? AND citizen = ? AND at < ?", [n, erasure.citizen.name, erasure.end.milliseconds])
        guard db.changesCount > 0 else { return }
        erasure.rows += 1
        emptied.append(entry)
        try noteErased("disclosure", upTo: n)
    }

    /// A record that is over goes with all its versions; of one in force only the newest version stays.
    private func eraseConsent(_ id: Int64, _ erasure: inout Erasure, _ emptied: inout [Int64], _ erased: inout ErasedRecords, at: Instant) throws {
        let versions = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT version, state, at, entry FROM consentVersion WHERE id = ? ORDER BY version"), arguments: [id])
        guard let newest = versions.last, (newest[2] as Int64) < erasure.end.milliseconds else { return }
        let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT body, withdrawnAt FROM consent WHERE id = ? AND citizen = ?"), arguments: [id, erasure.citizen.name])
        var isOver = true
        if erasure.isGone == true {
            // Nothing of somebody who is not there any more is in force.
        } else if let row {
            // What cannot be read still forbids.
            let until = (try? Body.decode(ConsentRecord.self, row[0]))?.until
            isOver = (row[1] as Int64?) != nil || until.map { $0 <= at } ?? false
        } else if newest[1] == ConsentState.requested.rawValue || newest[1] == ConsentState.deferred.rawValue {
            return
        }
        for version in isOver ? versions[...] : versions.dropLast() {
            if let entry = version[3] as Int64? { emptied.append(entry) }
            try run("DELETE FROM consentVersion WHERE id = ? AND version = ?", [id, version[0] as Int64])
            erasure.rows += 1
        }
        guard isOver else { return }
        try run("DELETE FROM consent WHERE id = ?", [id])
        erasure.rows += db.changesCount
        erased.consents.append(ConsentID(id))
    }
}
