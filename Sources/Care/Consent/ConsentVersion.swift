/// What became of a consent record, after the consent statuses of the W3C Data Privacy Vocabulary.
public enum ConsentState: String, CaseIterable, Codable, Sendable {
    /// Somebody asks for it; nothing is permitted.
    case requested
    /// The citizen has put the answer off; nothing is permitted.
    case deferred
    case given
    /// A refusal in force, or a request that was denied.
    case refused
    case expired
    /// By the citizen.
    case withdrawn
    /// By somebody entitled to, and not by the citizen.
    case revoked
    /// Goes on for longer than it was given for.
    case renewed
}

/// A record as it was after one act. Versions are appended and never changed.
public struct ConsentVersion: Hashable, Sendable {
    public var id: ConsentID
    /// From 1 on.
    public var version: Int
    public var state: ConsentState
    public var at: Instant
    /// Who, in words: "ada", "operator 1000 for ada".
    public var by: String
    public var reason: String?
    /// Nil: it cannot be read.
    public var record: ConsentRecord?

    public init(
        id: ConsentID, version: Int, state: ConsentState, at: Instant, by: String, reason: String?, record: ConsentRecord?
    ) {
        self.id = id
        self.version = version
        self.state = state
        self.at = at
        self.by = by
        self.reason = reason
        self.record = record
    }
}

/// Somebody asks a citizen for a permit. It permits nothing, and stands nowhere that a decision looks.
public struct AskedConsent: Hashable, Sendable {
    /// What would be permitted if it were given as it is asked for.
    public var record: ConsentRecord
    public var asker: PersonID
    /// In the asker's own words.
    public var reason: String
    public var askedAt: Instant
    public var isDeferred: Bool

    public init(record: ConsentRecord, asker: PersonID, reason: String, askedAt: Instant, isDeferred: Bool) {
        self.record = record
        self.asker = asker
        self.reason = reason
        self.askedAt = askedAt
        self.isDeferred = isDeferred
    }
}

/// What happened to a record, and what it says since then.
public func sentence(_ version: ConsentVersion, names: ConsentNames, zone: Zone) -> String {
    let when = zone.local(version.at)?.inWords ?? version.at.iso
    let what: String
    switch version.state {
    case .requested: what = "\(version.by) asked for it"
    case .deferred: what = "\(version.by) put the answer off"
    case .given: what = "\(version.by) gave it"
    case .refused: what = version.record?.effect == .refuse ? "\(version.by) refused it" : "\(version.by) denied the request"
    case .expired: what = "it ended, as had been said"
    case .withdrawn: what = "\(version.by) withdrew it"
    case .revoked: what = "\(version.by) revoked it; you did not withdraw it yourself"
    case .renewed: what = "\(version.by) renewed it"
    }
    let reason = version.reason.map { " (\u{201C}\($0)\u{201D})" } ?? ""
    let says: String
    switch version.state {
    case .requested: says = version.record.map { " If given: \(sentence($0, names: names, zone: zone))" } ?? ""
    case .given, .renewed: says = version.record.map { " \(sentence($0, names: names, zone: zone))" } ?? " What it says cannot be read."
    case .refused where version.record?.effect == .refuse: says = version.record.map { " \(sentence($0, names: names, zone: zone))" } ?? ""
    case .refused, .deferred, .expired, .withdrawn, .revoked: says = ""
    }
    return "Version \(version.version), \(when): \(what)\(reason).\(says)"
}
