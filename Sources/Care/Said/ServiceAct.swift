/// What is said of a service, and what a service asks.
public enum ServiceAct: Codable, Hashable, Sendable {
    /// A new token, by which it may fetch over HTTP; `end`: none any more.
    case token(service: String, end: Bool)
    /// A new login at the broker.
    case login(service: String)
    /// Whether summaries are of hours instead of days.
    case hourly(service: String, on: Bool)
    /// The service itself asks, known by its token and nothing else.
    case fetch(FeedQuery)
    /// For which of the purposes that are about many it is given figures.
    case counting(service: String, purpose: String)
    case figures(FiguresQuery)

    /// For the log of what operators did.
    public var name: String {
        switch self {
        case .token(_, let end): end ? "service token --end" : "service token"
        case .login: "service login"
        case .hourly(_, let on): on ? "service summary hourly" : "service summary daily"
        case .fetch: "service fetch"
        case .counting: "service figures"
        case .figures: "figures"
        }
    }
}

/// What a service wants to be given of one quantity of one citizen.
public struct FeedQuery: Codable, Hashable, Sendable {
    /// At once.
    public static let rowsMax = 1_000

    public var service: String
    public var citizen: String
    public var quantity: String
    /// Observed from this instant on (RFC 3339).
    public var since: String?
    /// The number of the last one that it has.
    public var after: String?
    public var limit: String?
    /// 64 hexadecimal digits.
    public var token: String

    public init(service: String, citizen: String, quantity: String, since: String? = nil, after: String? = nil, limit: String? = nil, token: String) {
        self.service = service
        self.citizen = citizen
        self.quantity = quantity
        self.since = since
        self.after = after
        self.limit = limit
        self.token = token
    }
}

/// Which figures over many citizens a service wants to be given.
public struct FiguresQuery: Codable, Hashable, Sendable {
    /// At once.
    public static let figuresMax = 400

    /// Nil: the caller.
    public var service: String?
    /// Nil: all.
    public var quantity: String?
    /// Each circle by itself as well.
    public var byCircle: Bool
    /// From this day on; nil: the last 30.
    public var since: String?
    /// Nil: the caller is known to the gateway as the service's user.
    public var token: String?

    public init(service: String? = nil, quantity: String? = nil, byCircle: Bool = false, since: String? = nil, token: String? = nil) {
        self.service = service
        self.quantity = quantity
        self.byCircle = byCircle
        self.since = since
        self.token = token
    }
}
