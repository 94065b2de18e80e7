/// Who is asked, in which order, and how long each is given. A named entry of `config/rules.yaml`.
public struct Plan: Hashable, Sendable {
    public var name: String
    /// At least one; the last one asks the coordinators and is repeated until a person answers.
    public var steps: [Step]
    /// From acceptance until the helper has to be there.
    public var arriveWithin: Span
    /// From arrival until the alert has to be resolved.
    public var resolveWithin: Span

    public init(name: String, steps: [Step], arriveWithin: Span, resolveWithin: Span) {
        self.name = name
        self.steps = steps
        self.arriveWithin = arriveWithin
        self.resolveWithin = resolveWithin
    }

    /// The plan of a gateway without a configuration: the street, two at a time; then everyone whom the
    /// citizen permits; then the coordinators, until one answers.
    public static let standard = Plan(
        name: "standard",
        steps: [
            Step(who: .ownCircle, onDutyOnly: true, atOnce: 2, wait: .minutes(2)),
            Step(who: .everyonePermitted, onDutyOnly: false, atOnce: 4, wait: .minutes(3)),
            Step(who: .coordinators, onDutyOnly: false, atOnce: 8, wait: .minutes(5)),
        ],
        arriveWithin: .minutes(30), resolveWithin: .hours(2))
}

public struct Step: Hashable, Sendable {
    public enum Who: String, CaseIterable, Codable, Sendable {
        case ownCircle = "own-circle"
        case everyonePermitted = "everyone-permitted"
        case coordinators
    }
    public var who: Who
    public var onDutyOnly: Bool
    /// How many people are asked at the same time.
    public var atOnce: Int
    /// How long they have to answer before the next ones are asked.
    public var wait: Span

    public init(who: Who, onDutyOnly: Bool, atOnce: Int, wait: Span) {
        self.who = who
        self.onDutyOnly = onDutyOnly
        self.atOnce = atOnce
        self.wait = wait
    }
}

/// Where something is, in degrees (WGS 84).
public struct Position: Hashable, Codable, Sendable {
    public var latitude: Double
    public var longitude: Double

    /// Nil outside of -90 … 90 and -180 … 180.
    public init?(latitude: Double, longitude: Double) {
        guard (-90...90).contains(latitude), (-180...180).contains(longitude) else { return nil }
        self.latitude = latitude
        self.longitude = longitude
    }

    /// Metres, by the equirectangular approximation (R. W. Sinnott, "Virtues of the Haversine", 1984, gives
    /// the exact form): within 1 % for a neighbourhood, which is what ranking helpers needs.
    public func metres(to other: Position) -> Double {
        let radian = Double.pi / 180
        let middle = (latitude + other.latitude) / 2 * radian
        var east = (other.longitude - longitude) * radian
        if east > .pi { east -= 2 * .pi } else if east < -.pi { east += 2 * .pi }
        let x = east * cosine(middle)
        let y = (other.latitude - latitude) * radian
        return 6_371_000 * (x * x + y * y).squareRoot()
    }
}

/// Cosine for |x| ≤ π/2 by its Taylor series to x¹², off by less than 1e-7: the domain imports nothing.
private func cosine(_ x: Double) -> Double {
    let s = x * x
    return 1 - s / 2 * (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90 * (1 - s / 132)))))
}
