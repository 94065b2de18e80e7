/// What a citizen may accept in one go: a sentence that reads like an offer, and the records that it comes to.
public struct ConsentOffer: Hashable, Sendable {
    /// Of whom it is to be said who they are.
    public enum Who: String, CaseIterable, Hashable, Sendable { case circle, helper, coordinator, service }

    public var name: String
    /// "My street may come when something happens".
    public var say: String
    public var who: Who
    /// The citizen has to say until when.
    public var asksUntil: Bool
    /// Permits; `to` and `until` are filled in when it is accepted.
    public var records: [ConsentDraft]

    public init(name: String, say: String, who: Who, asksUntil: Bool, records: [ConsentDraft]) {
        self.name = name
        self.say = say
        self.who = who
        self.asksUntil = asksUntil
        self.records = records
    }

    /// What to type for it.
    public var how: String {
        "caring consent accept \(name) --who \(who.rawValue.uppercased())\(asksUntil ? " --until DAY" : "")"
    }
}
