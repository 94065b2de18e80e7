import Care

/// What the gateway would make of messages, without a gateway: one home, in which everything is claimed.
///
/// Announcements count for the messages that come after them.
public struct Trial: Sendable {
    /// What one message became.
    public struct Result: Sendable {
        /// Nil: no convention understands the topic.
        public var convention: String?
        public var readings: [(device: String, reading: DecodedReading)] = []
        public var announces: [(device: String, declared: Declared)] = []
        /// Whether a device, or a bridge, can be reached, where the message is about that.
        public var availability: Bool?
        public var availabilityOf: String?
        /// The devices that it may be about, whether or not anything of it was understood.
        public var about: [String] = []
        /// Why nothing, or not everything, was understood; or why it is rightly nothing. Nil when there is nothing to say.
        public var reason: String?
        /// False when the message could not be understood, wholly or in part.
        public var isUnderstood = true

        public init() {}

        /// Nothing could be understood, for this reason.
        public static func refused(_ reason: String) -> Result {
            var result = Result()
            result.reason = reason
            result.isUnderstood = false
            return result
        }
    }

    /// Homes that are kept apart.
    private static let homesMax = 1_000

    private let catalogue: Catalogue
    /// By home; under "" where topics name none.
    private var announcedBy: [String: Announced]
    /// Nil: topics are taken as if they stood below a home.
    private let home: HomeID?
    // Of the message that is being taken.
    private var place = ""
    private var announced: Announced {
        get { announcedBy[place] ?? Announced() }
        _modify { yield &announcedBy[place, default: Announced()] }
    }
    private var topics: HomeTopics { HomeTopics(home: place.isEmpty ? home : HomeID(place)) }

    /// - Parameters:
    ///   - announced: what is known already.
    ///   - home: nil: topics are taken as if they stood below one.
    public init(_ catalogue: Catalogue, announced: Announced = Announced(), home: HomeID? = nil) {
        self.catalogue = catalogue
        self.home = home
        announcedBy = [home?.name ?? "": announced]
    }

    /// - Parameters:
    ///   - topic: with or without `homes/<home>/` before it. Nil: the convention's usual one.
    ///   - convention: asked when there is no topic, or none that says which convention it is.
    ///   - arrivedAt: for times that a device gives relative to now.
    public mutating func take(
        topic: String?, convention: String? = nil, payload: UnsafeRawBufferPointer, arrivedAt: Instant
    ) -> Result {
        place = home?.name ?? ""
        if home == nil, let topic, topic.hasPrefix("homes/") { place = topic.split(separator: "/", maxSplits: 2).dropFirst().first.map(String.init) ?? "" }
        if announcedBy.count > Self.homesMax { announcedBy.removeAll() }
        if let topic {
            guard let below = topics.below(topic) else { return .refused("This topic is no home's: homes/<home>/…") }
            let routes = catalogue.routes(topicBelowHome: below, announced)
            if !routes.isEmpty { return take(routes, below, payload, arrivedAt) }
        }
        guard let convention else {
            return .refused(topic == nil ? "Without a topic the convention has to be named." : "No convention understands this topic.")
        }
        guard let usual = catalogue.usualTopic(ofConvention: convention) else {
            return .refused("There is no convention of this name. Known: \(Catalogue.conventionNames.joined(separator: ", ")).")
        }
        return take(catalogue.routes(topicBelowHome: usual, announced), usual, payload, arrivedAt)
    }

    private mutating func take(
        _ routes: [Route], _ topic: String, _ payload: UnsafeRawBufferPointer, _ arrivedAt: Instant
    ) -> Result {
        var result = Result()
        for route in routes {
            result.convention = result.convention ?? route.convention
            take(route, topic, payload, arrivedAt, &result)
        }
        return result
    }

    private mutating func take(
        _ route: Route, _ topic: String, _ payload: UnsafeRawBufferPointer, _ arrivedAt: Instant, _ result: inout Result
    ) {
        var route = route
        switch route.role {
        case .ignored:
            result.reason = result.reason ?? "Known, and nothing to be stored: a command, or something about the network."
            return
        case .announcement: return announce(route, topic, payload, &result)
        case .shared:
            guard let own = catalogue.route(route, payload: payload) else {
                result.isUnderstood = false
                result.reason = "The message does not say which device it is about."
                return
            }
            route = own
        case .readings, .availability, .bridge: break
        }
        result.about.append(route.device)
        var readings: [DecodedReading] = []
        let outcome = catalogue.decode(route, payload: payload, arrivedAt: arrivedAt, into: &readings)
        result.readings += readings.map { (route.device, $0) }
        switch outcome {
        case .readings: break
        case .announcement: announce(route, topic, payload, &result)
        case .availability(let isOnline):
            result.availability = isOnline
            result.availabilityOf = route.device
        case .nothing: result.reason = result.reason ?? "Understood, and no reading."
        case .undecodable(let reason):
            result.isUnderstood = false
            result.reason = reason
        }
    }

    private mutating func announce(_ route: Route, _ topic: String, _ payload: UnsafeRawBufferPointer, _ result: inout Result) {
        let news = announced.take(route, topic: topic, payload: payload, catalogue, topics: topics)
        result.announces += news.declares.map { ($0.device.address, $0.declared) }
        if let reason = news.reason {
            result.isUnderstood = false
            result.reason = reason
        } else if let first = news.notUnderstood.first {
            result.isUnderstood = !news.declares.isEmpty
            result.reason = first.reason
        } else if news.declares.isEmpty {
            result.reason = result.reason ?? "An announcement of nothing that is measured."
        }
    }
}
