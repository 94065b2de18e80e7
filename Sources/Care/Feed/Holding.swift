/// A time in which a device was the same people's: what it said then is about each of them, whoever has it now.
public struct Holding: Hashable, Sendable {
    public var from: Instant
    /// Not included.
    public var until: Instant
    /// In order; never empty.
    public var people: [PersonID]

    public init(from: Instant, until: Instant, people: [PersonID]) {
        self.from = from
        self.until = until
        self.people = people
    }

    /// The times in which it was anybody's, in order.
    public static func all(_ claims: [(citizen: PersonID, from: Instant, until: Instant)]) -> [Holding] {
        let claims = claims.filter { $0.from < $0.until }
        let edges = Set(claims.flatMap { [$0.from, $0.until] }).sorted()
        var holdings: [Holding] = []
        for (from, until) in zip(edges, edges.dropFirst()) {
            let people = Set(claims.filter { $0.from <= from && $0.until >= until }.map(\.citizen)).sorted()
            if people.isEmpty { continue }
            if let last = holdings.last, last.until == from, last.people == people {
                holdings[holdings.count - 1].until = until
            } else {
                holdings.append(Holding(from: from, until: until, people: people))
            }
        }
        return holdings
    }

    /// What of it lies in this time; nil: nothing.
    public func within(_ period: FeedPeriod) -> Holding? {
        let part = Holding(from: max(from, period.from), until: min(until, period.to), people: people)
        return part.from < part.until ? part : nil
    }
}
