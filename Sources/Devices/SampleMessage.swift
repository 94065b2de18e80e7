import Care

/// A sample message of a profile, without what must come of it; see `Catalogue.sampleMessages`.
public struct SampleMessage: Sendable {
    /// The convention in whose folder it stands.
    public var convention: String
    /// What was said before it, such as announcements, oldest first.
    public var before: [(topic: String, payload: [UInt8])]
    /// Below `homes/<home>/`.
    public var topic: String
    public var payload: [UInt8]
    public var arrivedAt: Instant
}
