import Care

/// A way of speaking that many devices share: which topics, and what a payload on them means.
///
/// A new one is a type that conforms, a line in `Catalogue.conventions` and a folder of profiles. A new
/// device that speaks a known convention is a profile only.
protocol Convention: Sendable {
    /// In `Route.convention`, and the name of its folder below `devices/`.
    static var name: String { get }

    /// - Parameter profiles: The files of its folder, in order of their names.
    init(profiles: [ProfileNode]) throws(ProfileError)

    /// The messages in its profiles and the readings they must give.
    var samples: [Sample] { get }

    /// What it is also called.
    static var otherNames: [String] { get }

    /// Where a message is taken to have come from that is shown without a topic (`caring device try`).
    static var usualTopic: String { get }

    /// Nil when the topic is not of this convention. Called once per topic.
    func route(topicBelowHome: String) -> Route?

    /// Called for every message: must not crash on any bytes, and should not allocate.
    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant,
        into readings: inout [DecodedReading]
    ) -> Outcome

    /// For routes of the role `shared`, called for every message: the route of the device that the payload names. Nil when
    /// it names none. Must not crash on any bytes.
    func route(_ shared: Route, payload: UnsafeRawBufferPointer) -> Route?

    /// Of two announcements of one topic the one of the lower rank counts. A convention's own list of devices has 0, what is
    /// written for another program 1.
    static var announcementRank: Int { get }

    /// For routes of the role `announcement`: what the payload says there is. An empty payload never comes here.
    ///
    /// - Parameter topics: how topics that stand in the payload are taken.
    func announcement(_ route: Route, payload: UnsafeRawBufferPointer, topics: HomeTopics) -> AnnouncementOutcome
}

extension Convention {
    static var otherNames: [String] { [] }
    static var usualTopic: String { "\(name)/a device" }
    static var announcementRank: Int { 0 }
    func route(_ shared: Route, payload: UnsafeRawBufferPointer) -> Route? { nil }
    func announcement(_ route: Route, payload: UnsafeRawBufferPointer, topics: HomeTopics) -> AnnouncementOutcome { .parts([]) }
}
