/// What a citizen tries before deciding: one more record, some withdrawn, or nothing at all, which asks what today's mean.
public struct ConsentChange: Codable, Hashable, Sendable {
    public var draft: ConsentDraft?
    /// The draft refuses.
    public var isRefusal: Bool
    /// As if the helpers of these circles might be told in an emergency although nothing else permits it; empty: the home's own circle.
    public var emergency: [String]?
    /// `c5`: as if these were withdrawn.
    public var without: [String]
    /// An instant, a day, or a length of time back; nil: 30 days.
    public var since: String?
    /// Nil: the caller.
    public var citizen: String?

    public init(
        draft: ConsentDraft? = nil, isRefusal: Bool = false, emergency: [String]? = nil, without: [String] = [], since: String? = nil, citizen: String? = nil
    ) {
        self.emergency = emergency
        self.draft = draft
        self.isRefusal = isRefusal
        self.without = without
        self.since = since
        self.citizen = citizen
    }
}
