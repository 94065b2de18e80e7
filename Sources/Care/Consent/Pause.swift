/// A pause of one citizen: from `from` until its end nothing is recorded, and nothing is inferred, of what it names.
///
/// It says nothing about who may know what: that is consent. Where several hold, the one that withholds more decides.
public struct Pause: Hashable, Codable, Sendable {
    /// Pauses of one citizen that may hold at once.
    public static let activeMax = 20
    /// What is shorter is no pause.
    public static let shortest: Span = .minutes(1)
    public static let longest: Span = .days(30)
    /// So long a pause that is over is remembered: what waited at the broker or in a device may still tell of it.
    public static let kept: Span = .days(366)
    /// Pauses of one citizen that are remembered, those that are over included.
    public static let keptMax = 1_000

    public var id: PauseID
    public var citizen: PersonID
    public var home: HomeID
    /// With no devices either: everything.
    public var categories: [Category]
    public var devices: [DeviceID]
    /// Smoke, gas, falls and the like are taken all the same.
    public var exceptsSafety: Bool
    /// Not even somebody's own call is taken.
    public var evenSOS: Bool
    public var from: Instant
    /// As it was said.
    public var until: Instant
    /// Ended before by its citizen.
    public var endedAt: Instant?

    public init(
        id: PauseID, citizen: PersonID, home: HomeID, categories: [Category], devices: [DeviceID], exceptsSafety: Bool, evenSOS: Bool, from: Instant,
        until: Instant
    ) {
        self.id = id
        self.citizen = citizen
        self.home = home
        self.categories = categories
        self.devices = devices
        self.exceptsSafety = exceptsSafety
        self.evenSOS = evenSOS
        self.from = from
        self.until = until
    }

    /// The first instant at which it does not hold any more.
    public var end: Instant { min(endedAt ?? until, until) }
    public var isOfEverything: Bool { categories.isEmpty && devices.isEmpty }

    /// Whether it may have held at some time of what happened between two instants, both included.
    public func meets(_ from: Instant, _ until: Instant) -> Bool { from < end && until >= self.from }
    public func holds(at now: Instant) -> Bool { meets(now, now) }

    /// Whether it may be about this device at all.
    public func mayConcern(_ device: DeviceID, of citizens: [PersonID]) -> Bool {
        citizens.contains(citizen) && (devices.isEmpty || devices.contains(device))
    }

    // What follows is asked only of a device that it may concern.

    /// - Parameter measures: what the device is known to tell of.
    public func withholds(_ quantity: Quantity, measures: some Sequence<Quantity>) -> Bool {
        if quantity.isCall { return evenSOS }
        if exceptsSafety, quantity.isSafetyEvent { return false }
        if categories.isEmpty || categories.contains(quantity.category) { return true }
        // A battery is never told of but by the device that is paused.
        return quantity.isChore && touches(measures)
    }

    /// Whether something that the device tells of is withheld, so that its silence says nothing. A device of which nothing is
    /// known yet may be such a one.
    public func touches(_ measures: some Sequence<Quantity>) -> Bool {
        if categories.isEmpty { return true }
        var isKnown = false
        for quantity in measures where !quantity.isChore {
            if categories.contains(quantity.category) { return true }
            isKnown = true
        }
        return !isKnown
    }

    /// Whether readings of this quantity may be missing: for itself, or because they come in one message with what is withheld.
    public func mayWithhold(_ quantity: Quantity, measures: some Sequence<Quantity>) -> Bool {
        if quantity.isCall { return evenSOS }
        if exceptsSafety, quantity.isSafetyEvent { return false }
        return categories.isEmpty || categories.contains(quantity.category)
            || measures.contains { categories.contains($0.category) && $0.tellsByComing }
    }
}

public struct PauseID: CounterIdentifier {
    public static let prefix: Character = "p"
    public let number: Int64
    public init(_ number: Int64) { self.number = number }
}

extension Quantity {
    /// Somebody's own call for help. Nobody presses it by accident of a pause: it is their word, so it is taken.
    public var isCall: Bool { name == "sos" }
    /// What endangers whoever is there, told when it happens. A figure (a temperature, a level of carbon monoxide) is none:
    /// it would be a record of the day.
    public var isSafetyEvent: Bool {
        switch name {
        case "sos", "fall", "smoke", "carbon_monoxide", "gas", "moisture", "heat", "cold": true
        default: false
        }
    }
    /// What a device says of itself.
    public var isChore: Bool {
        switch name {
        case "battery", "battery_low", "device_temperature", "voltage": true
        default: false
        }
    }
    /// A message with it says by coming at all that something happened, whatever else is left of it.
    public var tellsByComing: Bool { kind != .number && !isChore }
}

/// Stretches of time, in order and apart from one another.
public struct Stretches: Hashable, Sendable {
    public private(set) var all: [Stretch] = []
    public struct Stretch: Hashable, Sendable {
        public var from: Instant
        public var until: Instant
    }

    public init(_ given: some Sequence<(from: Instant, until: Instant)>) {
        for one in given.sorted(by: { $0.from < $1.from }) where one.from < one.until {
            if let last = all.last, one.from <= last.until {
                all[all.count - 1].until = max(last.until, one.until)
            } else {
                all.append(Stretch(from: one.from, until: one.until))
            }
        }
    }

    /// How much of the time between two instants they take.
    public func length(from: Instant, until: Instant) -> Span {
        all.reduce(.zero) { $0 + max(.zero, min($1.until, until) - max($1.from, from)) }
    }
    /// When the one ends that holds at this instant.
    public func end(holdingAt now: Instant) -> Instant? { all.first { $0.from <= now && now < $0.until }?.until }
    /// When the last one ended that was over by then.
    public func lastEnd(by now: Instant) -> Instant? { all.last { $0.until <= now }?.until }
    public func meets(_ from: Instant, _ until: Instant) -> Bool { all.contains { from < $0.until && until >= $0.from } }
}
