import Care
import GRDB

/// What is left of somebody who was removed from the scheme, once their own rows are erased: their name in what is about others, too,
/// and at last they themselves.
extension StoreTurn {
    /// What stands for somebody whose name was erased, where a row has to say who it was. No name can be written like this.
    public static func nameless(_ number: Int64) -> PersonID { PersonID("\(Self.namelessPrefix)\(number)") }
    static var namelessPrefix: String { "erased:" }

    /// In this order; each is gone through by its row numbers.
    private enum Place: Int64, CaseIterable { case alerts, history, notices, decisions, operators, claims, chain }
    private static var placeBits: Int64 { 48 }

    /// One step.
    ///
    /// - Returns: whether nothing is left but what `forget` takes.
    public func eraseNames(_ erasure: inout Erasure, rowsMax: Int, at: Instant) throws -> Bool {
        if erasure.place == 0 { erasure.place = 1 << Self.placeBits }
        guard let place = Place(rawValue: erasure.place >> Self.placeBits - 1) else { return true }
        let number = try pseudonym(erasure.citizen)
        if place == .chain {
            let kinds = ChainKind.allCases.filter { $0 != .erased && $0 != .restored }
            let emptied = try eraseChainBodies(of: number, upTo: .max, kinds: kinds, because: .citizen, at: at, entriesMax: rowsMax)
            if emptied < rowsMax { try goOn(&erasure) }
            return false
        }
        let after = erasure.place & (1 << Self.placeBits - 1)
        let rows = try Row.fetchAll(db.cachedStatement(sql: Self.rows(place)), arguments: [after, rowsMax])
        for row in rows { try eraseName(place, row, erasure.citizen, Self.nameless(number), &erasure) }
        if let last = rows.last, rows.count == rowsMax { erasure.place = (place.rawValue + 1) << Self.placeBits | last[0] } else { try goOn(&erasure) }
        return false
    }

    private func goOn(_ erasure: inout Erasure) throws { erasure.place = (erasure.place >> Self.placeBits + 1) << Self.placeBits }

    private static func rows(_ place: Place) -> String {
        let (columns, table) =
            switch place {
            case .alerts: ("id, body", "alert")
            case .history: ("n, body", "history")
            case .notices: ("id, body", "notice")
            case .decisions: ("id, citizens", "decision")
            case .operators: ("n, actingFor", "operatorLog")
            case .claims, .chain: ("n, by", "claim")
            }
        let key = columns.split(separator: ",")[0]
        return "SELECT \(columns) FROM \(table) WHERE \(key) > ? ORDER BY \(key) LIMIT ?"
    }

    private func eraseName(_ place: Place, _ row: Row, _ citizen: PersonID, _ nameless: PersonID, _ erasure: inout Erasure) throws {
        guard let id = row[0] as Int64?, let text = row[1] as String?, text.contains(citizen.name) else { return }
        switch place {
        case .alerts:
            guard var alert = try? Body.decode(Alert.self, text) else { return }
            let wasAbout = alert.citizens.contains(citizen)
            alert.citizens.removeAll { $0 == citizen }
            if alert.ending?.by == citizen { alert.ending?.by = nameless }
            if wasAbout, alert.citizens.isEmpty {
                // About nobody else: what its chain does not lead to is found here.
                if let last = try Int64.fetchOne(db, sql: "SELECT max(n) FROM history WHERE alert = ?", arguments: [id]) { try noteErased("history", upTo: last) }
                for sql in ["DELETE FROM history WHERE alert = ?", "DELETE FROM notice WHERE alert = ?", "DELETE FROM alert WHERE id = ?"] { try run(sql, [id]) }
            } else {
                try run("UPDATE alert SET body = ? WHERE id = ?", [try Body.encode(alert), id])
            }
        case .history:
            guard var entry = try? Body.decode(HistoryEntry.self, text), entry.person == citizen else { return }
            entry.person = nameless
            try run("UPDATE history SET body = ? WHERE n = ?", [try Body.encode(entry), id])
        case .notices:
            // What was said to them in an alert that is also about others.
            guard let notice = try? Body.decode(Notice.self, text), case .citizen(_, citizen) = notice.about else { return }
            try run("DELETE FROM notice WHERE id = ?", [id])
        case .decisions:
            guard var citizens = try? Body.decode([PersonID].self, text), citizens.contains(citizen) else { return }
            citizens.removeAll { $0 == citizen }
            if citizens.isEmpty {
                try run("DELETE FROM decision WHERE id = ?", [id])
            } else {
                try run("UPDATE decision SET citizens = ? WHERE id = ?", [try Body.encode(citizens), id])
            }
        case .operators:
            // That an operator acted for somebody stays: an erasure must not be a way to hide it.
            guard text == citizen.name else { return }
            try run("UPDATE operatorLog SET actingFor = ? WHERE n = ?", [nameless.name, id])
        case .claims:
            let words = text.split(separator: " ", omittingEmptySubsequences: false).map { $0 == citizen.name ? nameless.name : String($0) }
            try run("UPDATE claim SET by = ? WHERE n = ?", [words.joined(separator: " "), id])
        case .chain: return
        }
        erasure.rows += db.changesCount
    }

    // MARK: The person

    /// All that still names them by a row of its own, and they themselves; the erasure goes on without their name.
    ///
    /// What they did as somebody else's delegate is in that one's chain and stays as long as the scheme keeps it, and with it what their
    /// number stands for.
    public func forget(_ erasure: inout Erasure) throws {
        let (citizen, number) = (erasure.citizen, try pseudonym(erasure.citizen))
        try run("DELETE FROM consentVersion WHERE id IN (SELECT id FROM consent WHERE citizen = ?1) OR json_valid(body) AND json_extract(body, '$.citizen') = ?1", [citizen.name])
        for table in [
            "consent", "pause", "claim", "keeping", "feed", "feedStream", "feedPeriod", "feedGap", "feedDay", "disclosure", "importedEntry", "importedDevice",
            "importedTally", "delegateEntry", "delegateAct", "mandate", "erasure",
        ] {
            if table == "disclosure", let last = try Int64.fetchOne(db, sql: "SELECT max(n) FROM disclosure WHERE citizen = ?", arguments: [citizen.name]) {
                try noteErased("disclosure", upTo: last)
            }
            try run("DELETE FROM \(table) WHERE citizen = ?", [citizen.name])
            erasure.rows += db.changesCount
        }
        for table in ["login", "person"] { try run("DELETE FROM \(table) WHERE name = ?", [citizen.name]) }
        if let home = erasure.home { try forgetPlace(home) }
        erasure.citizen = Self.nameless(number)
        if try isNamed(citizen) {
            try setMeta(Self.goneKey, "\(try StoreReader(db: db).meta(Self.goneKey) ?? "") \(number)")
        } else {
            try erasePseudonym(number)
        }
        erasure.go(to: .pages)
    }

    /// Where a home is that is gone and where nobody who is known lived.
    public func forgetPlace(_ home: HomeID) throws {
        try run(
            """
            UPDATE home SET body = json_remove(body, '$.address', '$.position') WHERE name = ?1 AND removedAt IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM person WHERE json_extract(person.body, '$.home') = ?1)
            """, [home.name])
    }

    private static var goneKey: String { "goneDelegates" }

    private func isNamed(_ person: PersonID) throws -> Bool {
        try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM mandate WHERE delegate = ?1) OR EXISTS (SELECT 1 FROM disclosure WHERE recipient = ?1)", arguments: [person.name]) ?? false
    }

    /// What the numbers of those stand for who are gone and whom no row names any more.
    func forgetDelegates() throws {
        guard let kept = try StoreReader(db: db).meta(Self.goneKey) else { return }
        var left: [String] = []
        for text in kept.split(separator: " ") {
            guard let number = Int64(text), let person = try StoreReader(db: db).person(number) else { continue }
            if try isNamed(person) { left.append(String(text)) } else { try erasePseudonym(number) }
        }
        if left.isEmpty { try deleteMeta(Self.goneKey) } else { try setMeta(Self.goneKey, left.joined(separator: " ")) }
    }
}

extension StoreReader {
    /// The number that a nameless one is written with.
    static func number(ofNameless person: PersonID) -> Int64? {
        guard person.name.hasPrefix(StoreTurn.namelessPrefix) else { return nil }
        return Int64(person.name.dropFirst(StoreTurn.namelessPrefix.count))
    }

    /// Somebody who was removed and is not erased.
    public func removedPerson(_ id: PersonID) throws -> Person? {
        try String.fetchOne(db.cachedStatement(sql: "SELECT body FROM person WHERE name = ? AND removedAt IS NOT NULL"), arguments: [id.name])
            .map { try Body.decode(Person.self, $0) }
    }

    /// What still has to be said to somebody names them: who reads it is waited for.
    public func isStillToBeTold(_ person: PersonID, called name: String) throws -> Bool {
        if try pendingWords().contains(where: { $0.say.contains(name) }) { return true }
        if try owedClearings().contains(where: { $0.topic.split(separator: "/").contains(Substring(person.name)) }) { return true }
        return try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (SELECT 1 FROM feedStream WHERE citizen = ?1)
                    OR EXISTS (SELECT 1 FROM notice WHERE state IN ('queued', 'attempted') AND instr(body, '"' || ?1 || '"') > 0)
                """, arguments: [person.name]) ?? false
    }
}
