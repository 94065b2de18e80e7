import Care
import Foundation
import GRDB

/// Figures over many citizens, as they were made.
public struct FigureRow: Hashable, Sendable {
    public var id: Int64
    public var service: PersonID
    public var quantity: Quantity
    public var day: Day
    public var purpose: Purpose
    public var figure: Figure

    public init(id: Int64, service: PersonID, quantity: Quantity, day: Day, purpose: Purpose, figure: Figure) {
        self.id = id
        self.service = service
        self.quantity = quantity
        self.day = day
        self.purpose = purpose
        self.figure = figure
    }
}

extension StoreTurn {
    /// Once made a figure is not made again.
    public func append(_ row: FigureRow) throws {
        try run(
            "INSERT OR IGNORE INTO figure (id, service, quantity, day, purpose, body, state) VALUES (?, ?, ?, ?, ?, ?, 0)",
            [row.id, row.service.name, row.quantity.name, row.day.iso, row.purpose.rawValue, try Body.encode(row.figure)])
    }
    /// - Returns: whether it waited.
    public func noteFigureSent(_ id: Int64) throws -> Bool {
        try run("UPDATE figure SET state = 1 WHERE id = ? AND state = 0", [id])
        return db.changesCount > 0
    }
    public func saveCounting(_ service: PersonID, _ purpose: Purpose) throws {
        try run("INSERT INTO serviceAccess (service, purpose) VALUES (?, ?) ON CONFLICT DO UPDATE SET purpose = excluded.purpose", [service.name, purpose.rawValue])
    }
    /// They were not counted after all.
    public func noteNotCounted(_ day: Int64) throws { try run("UPDATE feedDay SET sent = 0 WHERE id = ?", [day]) }

    public func dropFigures(before day: Day, rowsMax: Int) throws -> Int {
        try run("DELETE FROM figure WHERE id IN (SELECT id FROM figure WHERE day < ? LIMIT ?)", [day.iso, rowsMax])
        return db.changesCount
    }
}

extension StoreReader {
    public func waitingFigures(limit: Int) throws -> [FigureRow] { try figures("state = 0 ORDER BY id LIMIT ?", [limit]) }
    public func figuresWaiting() throws -> Int { try Int.fetchOne(db, sql: "SELECT count(*) FROM figure WHERE state = 0") ?? 0 }

    /// In order of day.
    public func figures(_ service: PersonID, _ quantity: Quantity?, since: Day, limit: Int) throws -> [FigureRow] {
        try figures(
            "service = ?1 AND (?2 IS NULL OR quantity = ?2) AND day >= ?3 ORDER BY day, quantity LIMIT ?4", [service.name, quantity?.name, since.iso, limit])
    }

    public func countingPurposes() throws -> [(service: PersonID, purpose: Purpose)] {
        try Row.fetchAll(db, sql: "SELECT service, purpose FROM serviceAccess WHERE purpose IS NOT NULL ORDER BY service").compactMap { row in
            Purpose(rawValue: row[1]).map { (PersonID(row[0] as String), $0) }
        }
    }

    /// Whether this service has been given figures of that day.
    public func hasFigures(_ service: PersonID, _ day: Day) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM figure WHERE service = ? AND day = ?)"), arguments: [service.name, day.iso]) ?? false
    }
    /// Who is written down as counted in figures of that day.
    public func countedDays(_ service: PersonID, _ day: Day) throws -> [FeedDay] {
        try Int64.fetchAll(
            db.cachedStatement(sql: "SELECT id FROM feedDay WHERE day = ? AND service = ? AND inFigure AND sent > 0 ORDER BY id"), arguments: [day.iso, service.name]
        ).compactMap { try feedDay($0) }
    }

    /// Whether this citizen is written down as counted in a figure of that day.
    public func countedDay(_ service: PersonID, _ citizen: PersonID, _ quantity: Quantity, _ day: Day) throws -> FeedDay? {
        let id = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT id FROM feedDay WHERE citizen = ? AND service = ? AND quantity = ? AND day = ? AND inFigure LIMIT 1"),
            arguments: [citizen.name, service.name, quantity.name, day.iso])
        return try id.flatMap { try feedDay($0) }
    }

    private func figures(_ clause: String, _ arguments: StatementArguments) throws -> [FigureRow] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT id, service, quantity, day, purpose, body FROM figure WHERE \(clause)"), arguments: arguments).compactMap { row in
            guard let quantity = Quantity(row[2] as String), let day = Day(iso: row[3] as String), let purpose = Purpose(rawValue: row[4]) else { return nil }
            return FigureRow(id: row[0], service: PersonID(row[1] as String), quantity: quantity, day: day, purpose: purpose, figure: try Body.decode(Figure.self, row[5]))
        }
    }
}
