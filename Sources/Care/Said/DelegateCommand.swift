/// What may be said about those who act for a citizen.
public enum DelegateCommand: Codable, Hashable, Sendable {
    /// A person of the scheme who is nothing else. Anybody else who is known may be a delegate, too.
    case add(delegate: String, name: String, uid: UInt32?)
    case remove(delegate: String)
    case appoint(MandateDraft)
    /// A citizen's mandates, and for whom the caller acts. `all`: those that are over, too.
    case list(all: Bool)
    /// What delegates did for the caller, or for whom they act. `since`: as in `whoSaw`.
    case acts(since: String?)
    /// `act`: `x4`.
    case confirm(act: String)
    case decline(act: String)
    case undo(act: String)
    /// `mandate`: `m3`.
    case end(mandate: String)

    /// For the log of what operators did.
    public var name: String {
        switch self {
        case .add: "delegate add"
        case .remove: "delegate remove"
        case .appoint: "delegate appoint"
        case .list: "delegate list"
        case .acts: "delegate acts"
        case .confirm: "delegate confirm"
        case .decline: "delegate decline"
        case .undo: "delegate undo"
        case .end: "delegate end"
        }
    }
}

/// A mandate as a person types it.
public struct MandateDraft: Codable, Hashable, Sendable {
    public var delegate: String
    public var categories: [String]
    public var purposes: [String]
    /// A day (until its end at the home), an instant, or a length of time from now.
    public var until: String
    /// By which right, in plain words.
    public var authority: String
    /// A court said so; only an operator enters that.
    public var isCourt: Bool
    /// `consent`, `pause`: these wait for a second person.
    public var two: [String]
    /// Only in the journal of acts: when it began.
    public var from: String?

    public init(delegate: String, categories: [String], purposes: [String], until: String, authority: String, isCourt: Bool = false, two: [String] = []) {
        self.delegate = delegate
        self.categories = categories
        self.purposes = purposes
        self.until = until
        self.authority = authority
        self.isCourt = isCourt
        self.two = two
    }
}
