import Care
import Foundation
import GRDB

/// What flows to services, read.
extension StoreReader {
    private static let columns = "n, service, citizen, quantity, detail, sources, others, at, observedAt, value, summary, purpose, record, told, state"

    /// Of a quantity that this version does not know nothing is told.
    private static func group(_ row: Row, at i: Int) -> FeedGroup? {
        guard let quantity = Quantity(row[i + 2] as String) else { return nil }
        return FeedGroup(
            service: PersonID(row[i] as String), citizen: PersonID(row[i + 1] as String), quantity: quantity, detail: Detail(row[i + 3] as String) ?? .readings,
            sources: (row[i + 4] as String).split(separator: " ").compactMap { Int32($0).map { SeriesID($0) } },
            others: (row[i + 5] as String).split(separator: " ").map { PersonID(String($0)) })
    }

    private func feed(_ clause: String, _ arguments: StatementArguments) throws -> [FeedRow] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT \(Self.columns) FROM feed WHERE \(clause)"), arguments: arguments).compactMap { row in
            guard let group = Self.group(row, at: 1), let purpose = Purpose(rawValue: row[11]) else { return nil }
            return FeedRow(
                n: row[0], of: group, at: Instant(milliseconds: row[7]), observedAt: Instant(milliseconds: row[8]), value: row[9],
                summary: try (row[10] as String?).map { try Body.decode(FeedSummary.self, $0) }, purpose: purpose,
                record: (row[12] as Int64?).map { ConsentID($0) }, told: row[13], state: FeedRow.State(rawValue: row[14]) ?? .held)
        }
    }

    /// In order.
    public func waitingFeed(after n: Int64, limit: Int) throws -> [FeedRow] { try feed("state = 0 AND n > ? ORDER BY n LIMIT ?", [n, limit]) }

    /// In order.
    public func feed(_ stream: FeedStream, _ quantity: Quantity, after n: Int64, since: Instant, limit: Int) throws -> [FeedRow] {
        try feed(
            "citizen = ? AND service = ? AND quantity = ? AND n > ? AND observedAt >= ? ORDER BY n LIMIT ?",
            [stream.citizen.name, stream.service.name, quantity.name, n, since.milliseconds, limit])
    }

    /// What is decided in one go, in order.
    public func feedGroups(of citizen: PersonID) throws -> [FeedGroup] {
        try Row.fetchAll(
            db.cachedStatement(sql: """
                SELECT DISTINCT service, citizen, quantity, detail, sources, others FROM feed WHERE citizen = ? ORDER BY service, quantity, detail, sources, others
                """), arguments: [citizen.name]
        ).compactMap { Self.group($0, at: 0) }
    }

    public func feedPeriods(of citizen: PersonID) throws -> [(stream: FeedStream, quantity: Quantity)] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT DISTINCT service, quantity FROM feedPeriod WHERE citizen = ? ORDER BY service, quantity"), arguments: [citizen.name])
            .compactMap { row in Quantity(row[1] as String).map { (FeedStream(service: PersonID(row[0] as String), citizen: citizen), $0) } }
    }

    /// The soonest due first.
    public func feedsDue(by now: Instant, limit: Int) throws -> [FeedDue] {
        try Row.fetchAll(
            db.cachedStatement(sql: """
                SELECT service, citizen, quantity, fromAt, toAt, version, summary FROM feedPeriod WHERE due <= ? ORDER BY due, citizen, service, quantity LIMIT ?
                """), arguments: [now.milliseconds, limit]
        ).compactMap { row in
            guard let quantity = Quantity(row[2] as String) else { return nil }
            return FeedDue(
                stream: FeedStream(service: PersonID(row[0] as String), citizen: PersonID(row[1] as String)), quantity: quantity,
                period: FeedPeriod(from: Instant(milliseconds: row[3]), to: Instant(milliseconds: row[4])), version: row[5],
                summary: try (row[6] as String?).map { try Body.decode(FeedSummary.self, $0) })
        }
    }
    public func nextFeedDue() throws -> Instant? {
        try Int64.fetchOne(db.cachedStatement(sql: "SELECT min(due) FROM feedPeriod WHERE due IS NOT NULL")).map(Instant.init(milliseconds:))
    }

    /// Of whom anything is kept for services; in order.
    public func feedCitizens() throws -> [PersonID] {
        try String.fetchAll(db.cachedStatement(sql: "SELECT citizen FROM feed UNION SELECT citizen FROM feedPeriod ORDER BY citizen")).map { PersonID($0) }
    }

    /// The citizen of whom most is kept for this service.
    public func mostFeedRows(of service: PersonID) throws -> (citizen: PersonID, rows: Int)? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT citizen, count(*) AS held FROM feed WHERE service = ? GROUP BY citizen ORDER BY held DESC, citizen LIMIT 1"), arguments: [service.name]
        ).map { (PersonID($0[0] as String), $0[1]) }
    }

    // MARK: Everything that a start needs

    public func feedRowCounts() throws -> [(service: PersonID, rows: Int)] {
        try Row.fetchAll(db, sql: "SELECT service, count(*) FROM feed GROUP BY service ORDER BY service").map { (PersonID($0[0] as String), $0[1]) }
    }
    public func feedWaitingCount() throws -> Int { try Int.fetchOne(db, sql: "SELECT count(*) FROM feed WHERE state = 0") ?? 0 }
    public func feedStreams() throws -> [(stream: FeedStream, endedAt: Instant?)] {
        try Row.fetchAll(db, sql: "SELECT service, citizen, endedAt FROM feedStream ORDER BY service, citizen").map {
            (FeedStream(service: PersonID($0[0] as String), citizen: PersonID($0[1] as String)), ($0[2] as Int64?).map(Instant.init(milliseconds:)))
        }
    }
    public func hasFeedGaps() throws -> Bool { try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM feedGap)") ?? false }
    public func hourlyServices() throws -> [PersonID] {
        try String.fetchAll(db, sql: "SELECT service FROM serviceAccess WHERE hourly ORDER BY service").map { PersonID($0) }
    }

    // MARK: What is asked

    public func tokenHash(_ service: PersonID) throws -> [UInt8]? {
        try Data.fetchOne(db.cachedStatement(sql: "SELECT tokenHash FROM serviceAccess WHERE service = ?"), arguments: [service.name]).map { Array($0) }
    }

    public func feedGap(_ stream: FeedStream, _ quantity: Quantity) throws -> FeedGap? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT droppedRows, upTo, unsentUpTo, observedFrom, observedUntil FROM feedGap WHERE service = ? AND citizen = ? AND quantity = ?"),
            arguments: [stream.service.name, stream.citizen.name, quantity.name]
        ).map { FeedGap(rows: $0[0], upTo: $0[1], unsentUpTo: $0[2], observedFrom: Instant(milliseconds: $0[3]), observedUntil: Instant(milliseconds: $0[4])) }
    }
    /// Because there was no more room.
    public func feedRowsDropped() throws -> [(service: PersonID, rows: Int)] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT service, sum(overLimit) FROM feedGap GROUP BY service ORDER BY service")).map { (PersonID($0[0] as String), $0[1]) }
    }

    func feedDay(_ id: Int64) throws -> FeedDay? { try feedDays("id = ?", [id]).first }

    /// What services were told of this citizen day by day, oldest first.
    public func feedDays(about citizen: PersonID, since: Instant, limit: Int) throws -> [FeedDay] {
        try feedDays("citizen = ? AND lastAt >= ? ORDER BY id DESC LIMIT ?", [citizen.name, since.milliseconds, limit]).reversed()
    }

    private func feedDays(_ clause: String, _ arguments: StatementArguments) throws -> [FeedDay] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT * FROM feedDay WHERE \(clause)"), arguments: arguments).compactMap { row in
            guard let quantity = Quantity(row["quantity"] as String), let day = Day(iso: row["day"] as String) else { return nil }
            let record: Int64 = row["record"]
            return FeedDay(
                id: row["id"], service: PersonID(row["service"] as String), citizen: PersonID(row["citizen"] as String), quantity: quantity, day: day,
                detail: Detail(row["detail"] as String) ?? .readings, record: record > 0 ? ConsentID(record) : nil, inFigure: row["inFigure"], decision: DecisionID(row["decision"]),
                queued: row["queued"], sent: row["sent"], fetched: row["fetched"], given: row["given"], firstAt: Instant(milliseconds: row["firstAt"]), lastAt: Instant(milliseconds: row["lastAt"]))
        }
    }
}
