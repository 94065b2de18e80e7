/// What a person may say to the gateway, whichever way it comes: the command line, HTTP, later a page.
///
/// On the wire (`POST /v1/commands`) `{"command": {"homeAdd": {"home": "elm-3", …}}, "as": "ada"}`; with `"by": "anna"` it is a
/// delegate who acts for her.
/// Texts stay as they were typed; the gateway reads them and answers in plain sentences what is wrong.
public enum Command: Codable, Hashable, Sendable {
    // The scheme: operators.
    case circleAdd(circle: String, title: String)
    case circleList
    /// `zone`: IANA name. `position`: latitude and longitude in degrees, both or neither.
    case homeAdd(home: String, circle: String?, zone: String?, address: String?, latitude: Double?, longitude: Double?)
    case homeList
    case homeRemove(home: String)
    /// `uid`: the Unix user who may speak for them on this machine.
    case citizenAdd(citizen: String, home: String, name: String, uid: UInt32?)
    case citizenList
    /// `erase`: true: and everything about them goes.
    case citizenRemove(citizen: String, erase: Bool? = nil)
    /// Everything about somebody who was removed goes.
    case citizenErase(citizen: String)
    /// `hours` as in consents: `mon-fri 08:00-18:00`. `ntfy`: an http(s) address to POST to.
    case helperAdd(
        helper: String, name: String, circles: [String], uid: UInt32?, latitude: Double?, longitude: Double?,
        hours: [String], ntfy: String?)
    case helperList
    case helperRemove(helper: String)
    case helperDuty(helper: String?, on: Bool)
    case coordinatorAdd(coordinator: String, name: String, uid: UInt32?, ntfy: String?)
    case coordinatorRemove(coordinator: String)
    case serviceAdd(service: String, name: String, uid: UInt32?)
    case serviceRemove(service: String)

    // Devices.
    /// `home` nil: the caller's own home, or all for an operator.
    /// `unclaimed`: only what nobody has claimed.
    case deviceList(home: String?, unclaimed: Bool = false)
    /// `device` as `device list` shows it, e.g. `zigbee2mqtt/kitchen motion`. `citizens`: whose it is;
    /// empty: the caller's. `expected`: how often it should be heard from, e.g. `1h`, instead of the profile's.
    /// `title`: what its people call it.
    case deviceClaim(home: String?, device: String, citizens: [String], expected: String?, title: String? = nil)
    case deviceRelease(home: String?, device: String)
    /// From now on another citizen's; its past stays with the one it was about.
    case deviceMove(home: String?, device: String, to: String)
    /// Out of use: not shown any more, its past stays.
    case deviceRetire(home: String?, device: String)
    /// Whether what announces itself in the caller's home is the caller's without more ado.
    case deviceClaimAnnounced(on: Bool)
    /// The last messages of a home and what became of them, after number `after`; negative: from now on.
    case deviceWatch(home: String?, after: Int64)
    /// What could not be decoded: convention, reason, count.
    case deviceProblems(home: String?)

    // Consent.
    case consentGrant(ConsentDraft)
    case consentRefuse(ConsentDraft)
    /// `id`: `c5`.
    case consentWithdraw(id: String)
    case consentList(citizen: String?, all: Bool)
    /// Whether, at severity extreme, helpers of these circles may be told although nothing else permits it. `circles`
    /// empty: the home's own.
    case consentEmergency(on: Bool, circles: [String])
    case consentOffers
    /// `who`: `oak-street` or `circle:oak-street`; empty where the offer is for the home's own circle.
    case consentAccept(offer: String, who: [String], until: String?)
    /// The sentence that a permit would be, changing nothing.
    case consentSay(ConsentDraft)
    /// Who would have learned what with these changes, changing nothing.
    case consentPreview(ConsentChange)
    /// The caller asks the draft's citizen; `to` and `from` are not theirs to say.
    case consentRequest(ConsentDraft, reason: String)
    /// A citizen: what they are asked for. Others: what became of what they asked for.
    case consentRequests
    case consentGive(id: String, less: ConsentNarrowing)
    case consentDefer(id: String)
    case consentDeny(id: String)
    /// `until`: a day, an instant, or a length of time from now.
    case consentRenew(id: String, until: String)
    case consentRevoke(id: String, reason: String)
    case consentHistory(id: String)

    /// Nothing is recorded and nothing inferred for a while.
    case pause(PauseDraft)
    /// Those that hold.
    case pauseList(citizen: String?)
    /// `id`: `p1`; nil: the only one. `at`: only in the journal of acts: when it was.
    case pauseEnd(id: String?, at: String? = nil)

    // Alerts. `alert`: `a17`.
    case alertList(all: Bool)
    case alertShow(alert: String)
    case alertAnswer(alert: String, answer: Answer, note: String?)
    case alertCancel(alert: String, note: String?)
    /// Raises a test alert in a home, marked as one in every sentence.
    case alertTest(home: String, rule: String?)
    /// What happened after entry `after` of the history, as far as the caller may know it; waits up to
    /// `waitSeconds` (30 at most) for something to happen. The reply's `next` goes into the next call.
    case alertWatch(after: Int64, waitSeconds: Int)

    // Asking.
    /// `since`: an instant (RFC 3339), a day, or a length of time back (`7d`). `limit`: 1 to 10 000.
    case readingList(citizen: String?, home: String?, quantity: String?, since: String?, limit: Int, purpose: String?)
    case whoSaw(citizen: String?, since: String?)
    /// An alert `a17`, a notice `n4`, a decision `d9` or a consent record `c5`.
    case why(id: String)
    /// Who would be asked if something happened, by hour of the week. `circle`: counts for whoever runs the scheme; nil: the
    /// caller's own home. `all`: all rules, not only those of emergencies.
    case coverage(circle: String?, all: Bool)
    /// What one's own days have been like. `since`: as above; nil: a week.
    case insights(since: String?)
    /// Asks whether the caller may take these data along; the data themselves come from `POST /v1/export`.
    case dataExport(citizen: String?)
    /// A piece of an export for the caller, or for `citizen`. `isCheck`: only says what it would do.
    case dataImport(part: ImportPart, citizen: String?, home: String?, isCheck: Bool)
    /// What was taken in from another gateway: `kind` as in `ImportPart.entries`.
    case dataPast(citizen: String?, kind: String?)
    /// Erases the caller's own data, or says what would go.
    case dataErase(ErasureDraft)
    /// How far what was to be erased is.
    case dataErasing(citizen: String?)
    /// Decides how long the caller's own readings are kept, or says what would go.
    case dataKeep(KeepDraft)
    /// How long readings are kept, and who decided it; `history`: all that was ever decided.
    case dataKeeping(citizen: String?, history: Bool)
    case audit(AuditQuery)
    case service(ServiceAct)
    case status
    /// Those who act for a citizen.
    case delegate(DelegateCommand)
}

/// A consent record as a person types it. The gateway gives it its id, and its beginning if there is none.
public struct ConsentDraft: Codable, Hashable, Sendable {
    /// Nil: the caller.
    public var citizen: String?
    /// `helper:maria`, `circle:oak-street`, `coordinator:*`, `service:clinic`, `anyone`.
    public var to: [String]
    /// `emergency-response` …; empty: every purpose.
    public var purposes: [String]
    /// `safety`, `heart_rate`, `device:<home's device address>`, `identity`, `everything`.
    public var data: [String]
    /// `wellbeing`, `alert`, `summary`, `readings`; nil: `alert` for a grant, `wellbeing` for a refusal.
    public var detail: String?
    /// `asked`, `accepted`, `attending`.
    public var stage: String?
    /// `minor`, `moderate`, `severe`, `extreme`: only while an alert of at least that severity is open.
    public var severity: String?
    /// `mon-fri 08:00-18:00`.
    public var hours: [String]
    /// A day (from its beginning at the home) or an instant.
    public var from: String?
    /// A day (until its end at the home), an instant, or a length of time from now.
    public var until: String?

    public init(
        citizen: String?, to: [String], purposes: [String], data: [String], detail: String?, stage: String?,
        severity: String? = nil, hours: [String], from: String?, until: String?
    ) {
        self.citizen = citizen
        self.to = to
        self.purposes = purposes
        self.data = data
        self.detail = detail
        self.stage = stage
        self.severity = severity
        self.hours = hours
        self.from = from
        self.until = until
    }
}

/// What of a request a citizen gives less of; what is nil or empty stays as it was asked for.
public struct ConsentNarrowing: Codable, Hashable, Sendable {
    public var detail: String?
    public var until: String?
    public var hours: [String]
    public var data: [String]

    public init(detail: String? = nil, until: String? = nil, hours: [String] = [], data: [String] = []) {
        self.detail = detail
        self.until = until
        self.hours = hours
        self.data = data
    }
}

/// A pause as a person types it.
public struct PauseDraft: Codable, Hashable, Sendable {
    /// `2h`: whole minutes, to 30 days. Either this or `until`.
    public var length: String?
    /// `18:00` at the home, a day (until its end) or an instant.
    public var until: String?
    /// `security` …; with no devices either: everything.
    public var categories: [String]
    /// As `device list` shows them.
    public var devices: [String]
    /// Smoke, gas, falls and the like are taken all the same.
    public var exceptSafety: Bool
    /// Not even a call button works. Only of devices by name.
    public var evenSOS: Bool
    /// Only in the journal of acts: when it began.
    public var from: String?

    public init(
        length: String? = nil, until: String? = nil, categories: [String] = [], devices: [String] = [], exceptSafety: Bool = false, evenSOS: Bool = false
    ) {
        self.length = length
        self.until = until
        self.categories = categories
        self.devices = devices
        self.exceptSafety = exceptSafety
        self.evenSOS = evenSOS
    }
}

/// What a citizen wants to be erased, as they type it.
public struct ErasureDraft: Codable, Hashable, Sendable {
    /// Readings observed before this day, instant or length of time back; nil: before now.
    public var before: String?
    /// Readings of these categories.
    public var categories: [String]
    /// Readings of these devices, as `device list` shows them.
    public var devices: [String]
    /// Everything that is not in force: readings, alerts, disclosures, decisions, consent records, imports.
    public var all: Bool
    /// Only says what would go.
    public var isCheck: Bool
    /// Only in the journal of acts: what is from this instant on stays.
    public var end: String?

    public init(before: String? = nil, categories: [String] = [], devices: [String] = [], all: Bool = false, isCheck: Bool = false) {
        self.before = before
        self.categories = categories
        self.devices = devices
        self.all = all
        self.isCheck = isCheck
    }
}

/// What the gateway answers: sentences for people, one object a line for programs.
public struct Reply: Codable, Hashable, Sendable {
    public enum Outcome: String, Codable, Sendable {
        case done
        /// The caller may not, or consent does not allow it.
        case refused
        /// It could not be done; the sentence says what to do.
        case failed
    }
    public var outcome: Outcome
    public var say: [String]
    /// Objects with stable keys.
    public var items: [JSON]
    /// Only of `alertWatch`: what to ask for next.
    public var next: Int64?

    public init(_ outcome: Outcome = .done, say: [String] = [], items: [JSON] = [], next: Int64? = nil) {
        self.outcome = outcome
        self.say = say
        self.items = items
        self.next = next
    }

    public static func refused(_ sentence: String) -> Reply { Reply(.refused, say: [sentence]) }
    public static func failed(_ sentence: String) -> Reply { Reply(.failed, say: [sentence]) }
}

/// Who calls: known by the Unix socket's peer credentials, never by what they say of themselves.
public struct Caller: Codable, Hashable, Sendable {
    /// The peer's user id on this machine.
    public var uid: UInt32
    /// What they typed after `--as`. Only operators may, and it is logged as "operator … for …".
    public var actingAs: PersonID?
    /// What they typed after `--by`: who acts for that person, by a mandate. A delegate's own user need not say it.
    public var delegate: PersonID?

    public init(uid: UInt32, actingAs: PersonID? = nil, delegate: PersonID? = nil) {
        self.uid = uid
        self.actingAs = actingAs
        self.delegate = delegate
    }
}
