/// That somebody acts for a citizen: within named categories and purposes, until a date, by an authority that is said.
///
/// It is no consent record: it lets its delegate decide and look in the citizen's place, and nothing more than it names.
public struct Mandate: Hashable, Codable, Sendable {
    /// Whose word stands behind it.
    public enum Giver: String, Codable, Sendable {
        case citizen
        /// Entered by an operator who has seen the order. The citizen sees it and cannot end it.
        case court
    }

    /// Mandates of one citizen that may hold at once, and who may be named in them.
    public static let holdingMax = 20
    public static let delegatesMax = 10
    public static let longest: Span = .days(3_660)
    public static let authorityCharactersMax = 200
    public static let authorityBytesMax = 600

    public var id: MandateID
    public var citizen: PersonID
    public var delegate: PersonID
    /// Sorted, without doubles, and not empty; so are the purposes.
    public var categories: [Category]
    public var purposes: [Purpose]
    /// Included.
    public var from: Instant
    /// Not included.
    public var until: Instant
    /// By which right, in plain words: "power of attorney of 2024-03-02".
    public var authority: String
    public var giver: Giver
    /// Acts that wait for a second person. Sorted.
    public var needsTwo: [DelegateAct.Kind]
    public var endedAt: Instant?

    public init(
        id: MandateID, citizen: PersonID, delegate: PersonID, categories: [Category], purposes: [Purpose], from: Instant, until: Instant,
        authority: String, giver: Giver, needsTwo: [DelegateAct.Kind]
    ) {
        self.id = id
        self.citizen = citizen
        self.delegate = delegate
        self.categories = categories
        self.purposes = purposes
        self.from = from
        self.until = until
        self.authority = authority
        self.giver = giver
        self.needsTwo = needsTwo
    }

    /// The first instant at which it does not hold any more.
    public var end: Instant { min(endedAt ?? until, until) }
    public func holds(at now: Instant) -> Bool { from <= now && now < end }
    public func covers(_ scope: DelegateScope) -> Bool {
        scope.categories.allSatisfy(categories.contains) && scope.purposes.allSatisfy(purposes.contains)
    }

    /// "health and safety, for daily-support".
    public var coverage: String {
        "\(Self.list(categories.map(\.rawValue))), for \(Self.list(purposes.map(\.rawValue)))"
    }
    private static func list(_ words: [String]) -> String {
        words.count > 1 ? words.dropLast().joined(separator: ", ") + " and " + (words.last ?? "") : words.first ?? ""
    }
}

/// What something touches that a delegate does.
public struct DelegateScope: Hashable, Codable, Sendable {
    public var categories: [Category]
    /// Empty where it is for nothing in particular, as a pause is.
    public var purposes: [Purpose]

    public init(categories: some Sequence<Category>, purposes: some Sequence<Purpose>) {
        self.categories = Set(categories).sorted()
        self.purposes = Set(purposes).sorted()
    }

    /// "health, for daily-support".
    public var words: String {
        categories.map(\.rawValue).joined(separator: ", ") + (purposes.isEmpty ? "" : ", for \(purposes.map(\.rawValue).joined(separator: ", "))")
    }
}

extension ConsentRecord {
    /// What a delegate touches who gives or ends this record; nil: name and address, or an emergency, which are in nobody's mandate.
    ///
    /// - Parameter categories: of what a device measures; empty: not known, so it may be anything.
    public func scope(_ categories: (DeviceID) -> [Category]) -> DelegateScope? {
        guard effect != .emergency else { return nil }
        var touched: [Category] = []
        for pattern in data {
            switch pattern {
            case .identity: return nil
            case .everything: touched += Category.allCases
            case .category(let category): touched.append(category)
            case .quantity(let quantity): touched.append(quantity.category)
            case .device(let device):
                let known = categories(device)
                touched += known.isEmpty ? Category.allCases : known
            }
        }
        return DelegateScope(categories: touched, purposes: purposes.isEmpty ? Purpose.allCases : purposes)
    }
}

/// One thing that a delegate did, or wants to do, for a citizen.
public struct DelegateAct: Hashable, Codable, Sendable {
    /// What may be set to need two.
    public enum Kind: String, CaseIterable, Codable, Sendable, Comparable {
        case consent, pause
        /// Never needs two: what is waited for is not seen.
        case look

        public static func < (a: Kind, b: Kind) -> Bool { a.rawValue < b.rawValue }
        public static var thatMayNeedTwo: [Kind] { [.consent, .pause] }
    }
    public enum State: String, Codable, Sendable {
        /// It needs two, and the second has not spoken.
        case proposed
        case done, undone, declined
        /// Nobody spoke in time.
        case lapsed
        /// Its mandate ended before.
        case cancelled
    }
    /// What has to be done to undo it.
    public enum Effect: String, Codable, Sendable { case gave, ended, denied, deferred, paused, looked }

    /// Proposed acts of one citizen.
    public static let proposedMax = 32
    public static let proposedFor: Span = .days(14)
    /// Acts of one citizen that are remembered; the oldest that are settled go.
    public static let keptMax = 10_000
    public static let whatCharactersMax = 1_000

    public var id: DelegateActID
    public var citizen: PersonID
    public var delegate: PersonID
    public var mandate: MandateID
    public var at: Instant
    public var kind: Kind
    public var scope: DelegateScope
    /// In plain words, to the citizen.
    public var what: String
    public var state: State
    public var effect: Effect
    /// `c5` or `p1`.
    public var made: String?
    /// What is done once a second person has confirmed it.
    public var command: Command?
    /// An operator who spoke for the delegate.
    public var operatorUID: UInt32?
    /// Who confirmed, declined or undid it, in words.
    public var settledBy: String?
    public var settledAt: Instant?

    public init(
        id: DelegateActID, citizen: PersonID, delegate: PersonID, mandate: MandateID, at: Instant, kind: Kind, scope: DelegateScope, what: String,
        state: State, effect: Effect, made: String? = nil, command: Command? = nil, operatorUID: UInt32? = nil
    ) {
        self.id = id
        self.citizen = citizen
        self.delegate = delegate
        self.mandate = mandate
        self.at = at
        self.kind = kind
        self.scope = scope
        self.what = what
        self.state = state
        self.effect = effect
        self.made = made
        self.command = command
        self.operatorUID = operatorUID
    }

    /// From then on nobody can confirm it.
    public var lapsesAt: Instant { at + Self.proposedFor }
}

public struct MandateID: CounterIdentifier {
    public static let prefix: Character = "m"
    public let number: Int64
    public init(_ number: Int64) { self.number = number }
}

public struct DelegateActID: CounterIdentifier {
    public static let prefix: Character = "x"
    public let number: Int64
    public init(_ number: Int64) { self.number = number }
}
