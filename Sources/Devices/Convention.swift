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

    /// Nil when the topic is not of this convention. Called once per topic.
    func route(topicBelowHome: String) -> Route?

    /// Called for every message: must not crash on any bytes, and should not allocate.
    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant,
        into readings: inout [DecodedReading]
    ) -> Outcome
}
