import Care

/// One message to be published.
public struct Publication: Hashable, Sendable {
    public var topic: String
    /// Empty and retained: takes away what is retained on the topic.
    public var payload: String
    public var retain: Bool
    /// After so many seconds the broker throws it away, undelivered copies too. Nil: never.
    public var expirySeconds: UInt32?
    public var qos: UInt8

    public init(topic: String, payload: String, retain: Bool, expirySeconds: UInt32? = nil, qos: UInt8 = 1) {
        self.topic = topic
        self.payload = payload
        self.retain = retain
        self.expirySeconds = expirySeconds
        self.qos = qos
    }

    /// Takes one retained message away.
    public static func cleared(topic: String) -> Publication { Publication(topic: topic, payload: "", retain: true) }

    /// Takes an alert away from what a helper's client shows.
    public static func cleared(person: PersonID, alert: AlertID) -> Publication {
        cleared(topic: AlertCard.topic(person, alert))
    }

    /// Tells a home what becomes of its alert. Not retained: it is news, and old news would mislead.
    public static func citizenNotice(home: HomeID, alert: AlertID, say: String, at: Instant) -> Publication {
        let object: JSON = .object([
            "alert": .string(alert.description), "say": .string(say), "at": .string(at.iso),
        ])
        return Publication(topic: "homes/\(home)/caring/notices", payload: object.text, retain: false)
    }

    /// Tells a home what is no part of an alert's asking. Not retained; QoS 1.
    public static func citizenWord(_ word: CitizenWord) -> Publication {
        var members = [JSON.Member("say", .string(word.say)), JSON.Member("at", .string(word.at.iso))]
        if let alert = word.alert { members.insert(JSON.Member("alert", .string(alert.description)), at: 0) }
        if let consent = word.consent { members.insert(JSON.Member("consent", .string(consent.description)), at: 0) }
        return Publication(topic: "homes/\(word.home)/caring/notices", payload: JSON.object(members).text, retain: false)
    }
}

/// What a helper's client shows of one alert: only what the decision of this moment permits them to know.
///
/// Whatever may not be told is nil and its key is left out; `alert`, `say` and `stage` are always there.
public struct AlertCard: Hashable, Sendable {
    public var alert: AlertID
    /// For people, in full.
    public var say: String
    public var severity: Severity?
    public var urgency: Urgency?
    public var category: Category?
    /// One or two words for what happened.
    public var kind: String?
    /// Address or rough area, `where` in JSON.
    public var place: String?
    /// When it happened.
    public var since: Instant?
    /// Until when an answer is awaited, or until when a helper has promised to have arrived or resolved it.
    public var answerBy: Instant?
    public var stage: Stage
    public var test: Bool
    /// The card replaces one with other words. Not in the JSON: a retained message that is read later is no news.
    public var news: Bool

    public init(
        alert: AlertID, say: String, severity: Severity? = nil, urgency: Urgency? = nil, category: Category? = nil,
        kind: String? = nil, place: String? = nil, since: Instant? = nil, answerBy: Instant? = nil, stage: Stage,
        test: Bool = false, news: Bool = false
    ) {
        self.alert = alert
        self.say = say
        self.severity = severity
        self.urgency = urgency
        self.category = category
        self.kind = kind
        self.place = place
        self.since = since
        self.answerBy = answerBy
        self.stage = stage
        self.test = test
        self.news = news
    }

    public static func topic(_ person: PersonID, _ alert: AlertID) -> String { "helpers/\(person)/alerts/\(alert)" }

    /// Retained, so that a telephone that was switched off still learns of it, and gone by itself when no
    /// answer is awaited any more, also where the gateway could not take it back.
    public func publication(to person: PersonID, now: Instant) -> Publication {
        let expiry = answerBy.map { UInt32(clamping: max(1, ($0 - now).secondsRoundedUp)) }
        return Publication(topic: Self.topic(person, alert), payload: json.text, retain: true, expirySeconds: expiry)
    }

    /// The keys in this order; times are RFC 3339 in UTC.
    var json: JSON {
        var members = [JSON.Member("alert", .string(alert.description)), JSON.Member("say", .string(say))]
        func add(_ key: String, _ text: String?) {
            if let text { members.append(JSON.Member(key, .string(text))) }
        }
        add("severity", severity?.rawValue)
        add("urgency", urgency?.rawValue)
        add("category", category?.rawValue)
        add("kind", kind)
        add("where", place)
        add("since", since?.iso)
        add("answerBy", answerBy?.iso)
        add("stage", stage.name)
        if test { members.append(JSON.Member("test", true)) }
        return .object(members)
    }
}
