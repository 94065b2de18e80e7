import Care
import Notify
import Store

/// What a service is given of many, and how.
extension Engine {
    func counting(_ person: Person, _ name: String, _ tx: StoreTurn) throws -> Reply {
        guard let purpose = Purpose(rawValue: name), Figures.purposes.contains(purpose) else {
            throw CommandProblem.failed("Figures are for one of \(Figures.purposes.map(\.rawValue).joined(separator: ", ")).")
        }
        try tx.saveCounting(person.id, purpose)
        world.feeds.counting[person.id] = purpose
        // What is being made is made anew.
        figureJob = nil
        return Reply(say: ["\(person.name) (\(person.id)) is given figures for \(purpose.rawValue) from now on: over at least \(Figures.citizensMin) citizens who permit just that, never about one."])
    }

    func figures(_ query: FiguresQuery, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        guard let person = actor.person, person.kind == .service, query.service == nil || query.service == person.id.name else {
            throw CommandProblem.refused("Figures are given to services, each its own. An operator may ask for one with --as SERVICE.")
        }
        return try figures(query, of: person.id, tx)
    }

    func figures(_ query: FiguresQuery, of service: PersonID, _ tx: StoreTurn) throws -> Reply {
        var quantity: Quantity?
        if let name = query.quantity {
            quantity = Quantity(name)
            guard quantity != nil else { throw CommandProblem.failed("No quantity is called \u{201C}\(safeText(name))\u{201D}.") }
        }
        var since = Day(number: now.milliseconds / 86_400_000 - 30)
        if let text = query.since {
            guard let day = Day(iso: text) else { throw CommandProblem.failed("From which day on? Write it like 2026-11-21.") }
            since = day
        }
        let rows = try tx.reader.figures(service, quantity, since: since, limit: FiguresQuery.figuresMax)
        return Reply(
            say: rows.isEmpty ? ["There is no figure over at least \(Figures.citizensMin) citizens of that time."] : rows.flatMap { sentences($0, byCircle: query.byCircle) },
            items: rows.compactMap { query.byCircle || $0.figure.all != nil ? json($0, byCircle: query.byCircle) : nil })
    }

    private func sentences(_ row: FigureRow, byCircle: Bool) -> [String] {
        let quantity = row.quantity
        func words(_ cell: FigureCell, _ place: String) -> String {
            let mean = quantity.kind == .number ? "\(Care.words(cell.mean)) \(spoken(quantity.unit)) on average, spread by \(Care.words(cell.deviation))" : "true \(Care.words(cell.mean * 100)) % of the time"
            return "\(row.day.iso)  \(quantity.words), \(place): \(mean) (about \(cell.citizens) citizens)"
        }
        return (row.figure.all.map { [words($0, "all")] } ?? []) + (byCircle ? row.figure.cells.map { words($0, $0.circle.map { $0.isEmpty ? "in no circle" : world.circleTitle(CircleID($0)) } ?? "") } : [])
    }

    func json(_ row: FigureRow, byCircle: Bool) -> JSON {
        func cell(_ cell: FigureCell) -> JSON {
            let value: [JSON.Member] = [.init("citizens", .int(Int64(cell.citizens))), .init("mean", .double(cell.mean)), .init("deviation", .double(cell.deviation))]
            return .object((cell.circle.map { [JSON.Member("circle", .string($0))] } ?? []) + value)
        }
        var members: [JSON.Member] = [
            .init("quantity", .string(row.quantity.name)), .init("unit", .string(row.quantity.unit)), .init("by", "day"), .init("day", .string(row.day.iso)),
            .init("purpose", .string(row.purpose.rawValue)), .init("all", row.figure.all.map(cell) ?? .null),
        ]
        if byCircle { members.append(.init("circles", .array(row.figure.cells.map(cell)))) }
        return .object(members)
    }

    /// Nobody is in it by themselves, so nothing of it ends when a consent does.
    func publication(_ row: FigureRow) -> Publication {
        Publication(topic: "shared/\(row.service)/figures/\(row.quantity)", payload: json(row, byCircle: true).text, retain: false)
    }
}
