/// How long a citizen wants readings to be kept, as they type it.
public struct KeepDraft: Codable, Hashable, Sendable {
    /// `health` …; at least one.
    public var categories: [String]
    /// `30d`: whole days; nil: as it is.
    public var length: String?
    /// `erase` or `daily`; nil: as it is.
    public var then: String?
    /// As the scheme says.
    public var isDefault: Bool
    /// Only says what would go.
    public var isCheck: Bool

    public init(categories: [String], length: String? = nil, then: String? = nil, isDefault: Bool = false, isCheck: Bool = false) {
        self.categories = categories
        self.length = length
        self.then = then
        self.isDefault = isDefault
        self.isCheck = isCheck
    }
}
