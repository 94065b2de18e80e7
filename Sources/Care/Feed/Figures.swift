/// Figures over many citizens, in which nobody can be seen: for planning services and for research.
public enum Figures {
    /// Citizens. No figure is over fewer; it is what citizens are promised when they permit it (README).
    public static let citizensMin = 10
    /// Citizens. How many there were is told in steps of so many.
    public static let citizensStep = 5
    /// Digits that count, so that one citizen more or less does not show in the last ones.
    public static let digits = 3
    /// For which purposes there are figures and nothing else.
    public static let purposes: [Purpose] = [.servicePlanning, .research]
}

/// What one citizen adds to a figure.
public struct FigureMember: Hashable, Sendable {
    public var citizen: PersonID
    /// The circle around their home; nil: none.
    public var circle: CircleID?
    /// Of their own day.
    public var mean: Double

    public init(citizen: PersonID, circle: CircleID?, mean: Double) {
        self.citizen = citizen
        self.circle = circle
        self.mean = mean
    }
}

/// A number of citizens, the mean of theirs, and how far they are spread. Never a least or greatest: those are one citizen's.
public struct FigureCell: Hashable, Codable, Sendable {
    /// The circle; empty: homes that are in none. Nil: all.
    public var circle: String?
    public var citizens: Int
    public var mean: Double
    public var deviation: Double
}

/// One quantity of one day, as one service is given it. Made once and kept: asked for again it is the same.
public struct Figure: Hashable, Codable, Sendable {
    public var cells: [FigureCell]
    /// Nil where it would tell, taken together with the cells, of fewer citizens than a figure may be over.
    public var all: FigureCell?
    public var isEmpty: Bool { cells.isEmpty && all == nil }

    /// - Returns: the figure, and who is counted in anything of it; in order.
    public static func over(_ members: [FigureMember]) -> (figure: Figure, counted: [PersonID]) {
        var byCircle: [String: [FigureMember]] = [:]
        for member in members { byCircle[member.circle?.name ?? "", default: []].append(member) }
        var cells: [FigureCell] = []
        var counted: Set<PersonID> = []
        var hidden: [Int] = []
        for (circle, those) in byCircle.sorted(by: { $0.key < $1.key }) {
            guard those.count >= Figures.citizensMin else {
                hidden.append(those.count)
                continue
            }
            cells.append(cell(circle, those))
            counted.formUnion(those.map(\.citizen))
        }
        var all: FigureCell?
        // All less the cells that are shown is what the hidden ones are together: that has to be nothing, or several circles' and enough citizens.
        if members.count >= Figures.citizensMin, hidden.isEmpty || hidden.count >= 2 && hidden.reduce(0, +) >= Figures.citizensMin {
            all = cell(nil, members)
            counted.formUnion(members.map(\.citizen))
        }
        return (Figure(cells: cells, all: all), counted.sorted())
    }

    private static func cell(_ circle: String?, _ members: [FigureMember]) -> FigureCell {
        // In order of the values, so that the order of citizens changes no digit.
        let values = members.map(\.mean).sorted()
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
        let step = Figures.citizensStep
        return FigureCell(
            circle: circle, citizens: max(Figures.citizensMin, (members.count + step / 2) / step * step), mean: rounded(mean),
            deviation: rounded((squares / Double(values.count)).squareRoot()))
    }

    /// To the digits that count.
    static func rounded(_ value: Double) -> Double {
        guard value != 0, value.isFinite else { return 0 }
        var scale = 1.0
        var size = abs(value)
        let top = (0..<Figures.digits).reduce(1.0) { power, _ in power * 10 }
        // A double has less than 310 places before and after the point.
        for _ in 0..<700 {
            if size >= top { (size, scale) = (size / 10, scale / 10) } else if size < top / 10 { (size, scale) = (size * 10, scale * 10) } else { break }
        }
        return (value * scale).rounded() / scale
    }
}

extension ConsentRecord {
    /// Whether it may permit that its citizen is counted in a service's figures.
    public func mayCount(for service: Recipient, _ purpose: Purpose, at now: Instant) -> Bool {
        effect == .permit && withdrawnAt == nil && until ?? .distantFuture > now && stage == nil && severity == nil && detail >= .summary
            && (purposes.isEmpty || purposes.contains(purpose)) && recipients.contains { $0.matches(service) }
    }
}
