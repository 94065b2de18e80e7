import Care
import Devices
import Store

/// What a topic stands for, once it has been looked at.
enum TopicMeaning {
    /// A claimed device's.
    case device(DeviceTopic)
    /// Several devices are heard there.
    case several([TopicMeaning])
    /// Which device it is about stands in the payload.
    case shared(HomeID, Route)
    /// What devices say of themselves; the topic is below the home.
    case announcement(HomeID, Route, topic: String)
    /// Whether a bridge is there.
    case bridge(HomeID, Route)
    /// Nobody has claimed it, or nobody has added its home, or no convention knows it.
    case stranger(HomeID, address: String, convention: String)
    /// `helpers/<helper>/answers`
    case answers(PersonID)
    /// `homes/<home>/caring/answers`
    case citizenAnswers(HomeID)
    /// `helpers/<helper>/alerts/<alert>`: what lies retained there.
    case shown(PersonID, AlertID?)
    /// `gateway/marker`: what we said to ourselves after subscribing.
    case marker
    /// Ours, or nothing that is for us.
    case ignored
}

/// A topic, and when it was looked at. A reference, so that a message takes no copy of what it means.
final class KnownTopic {
    let meaning: TopicMeaning
    /// The home's number in `Thinning`, and its epoch then; negative: no home's.
    let homeNumber: Int32
    let epoch: Int32

    init(meaning: TopicMeaning, homeNumber: Int32 = -1, epoch: Int32 = 0) {
        self.meaning = meaning
        self.homeNumber = homeNumber
        self.epoch = epoch
    }
}

/// What a claimed device's topic needs for every message, so that nothing is looked up elsewhere.
///
/// Only a copy of what the world says: it goes with the topic table, which is emptied whenever a turn fails or
/// a command changes who has which device.
final class DeviceTopic {
    let device: DeviceID
    let route: Route
    /// The topic below the home.
    let name: String
    let home: HomeID
    /// The home's number in `Thinning`.
    let homeNumber: Int
    /// Those that have come on this topic. A handful: searched from the front.
    var slots: ContiguousArray<Slot> = []
    /// It has said something itself since so many devices were said to be gone; negative: not yet.
    var aliveSince = -1
    /// No other device is heard on this topic.
    var isAlone = true
    /// Those of its citizens' pauses that may be about it, and that are remembered; nearly always none.
    var pauses: [Pause] = []
    /// Services to which something of it may flow; nearly always none.
    var feeds: [Recipient] = []
    /// Until then, the sign of life on disk is new enough.
    var heardSavedUntil = Instant.distantPast

    struct Slot {
        var quantity: Quantity
        var channel: String
        var series: SeriesID
        /// What was heard last on this topic.
        var last: Value?
    }

    init(_ device: DeviceID, _ route: Route, name: String, home: HomeID, homeNumber: Int) {
        self.device = device
        self.route = route
        self.name = name
        self.home = home
        self.homeNumber = homeNumber
    }
}

/// Looking topics up.
extension Engine {
    func meaning(of topic: String) -> TopicMeaning {
        let levels = topic.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        if topic == Self.markerTopic { return .marker }
        guard levels.count == 3 else { return .ignored }
        let (owner, rest) = (String(levels[1]), String(levels[2]))
        switch levels[0] {
        case "homes":
            let home = HomeID(owner)
            if rest == "caring/answers" { return .citizenAnswers(home) }
            if rest.hasPrefix("caring/") { return .ignored }
            let routes = world.homes[home] == nil ? catalogue.route(topicBelowHome: rest).map { [$0] } ?? [] : catalogue.routes(topicBelowHome: rest, world.announced[home] ?? Announced())
            switch routes.count {
            case 0: return .stranger(home, address: rest, convention: "unknown")
            case 1: return meaning(of: routes[0], home, topic: rest)
            default:
                return .several(
                    routes.flatMap { route -> [TopicMeaning] in
                        let one = meaning(of: route, home, topic: rest)
                        if case .device(let topic) = one { topic.isAlone = false }
                        if case .several(let inner) = one { return inner }
                        return [one]
                    })
            }
        case "helpers":
            if rest == "answers" { return .answers(PersonID(owner)) }
            if rest.hasPrefix("alerts/") { return .shown(PersonID(owner), AlertID(text: rest.dropFirst(7))) }
            return .ignored
        default: return .ignored
        }
    }

    /// - Parameter topic: below the home.
    func meaning(of route: Route, _ home: HomeID, topic: String) -> TopicMeaning {
        switch route.role {
        case .ignored: return .ignored
        case .announcement: return .announcement(home, route, topic: topic)
        case .bridge: return .bridge(home, route)
        case .shared: return .shared(home, route)
        case .readings, .availability: break
        }
        var meaning = TopicMeaning.stranger(home, address: route.device, convention: route.convention)
        guard world.homes[home] != nil else { return meaning }
        if let state = world.device(home, route), !state.device.citizens.isEmpty {
            let own = DeviceTopic(state.device.id, route, name: topic, home: home, homeNumber: thinning.number(of: home))
            own.pauses = world.pauses[home]?.filter { $0.mayConcern(state.device.id, of: state.device.citizens) } ?? []
            own.feeds = world.feedTargets(state.device, at: now)
            meaning = .device(own)
        }
        // Other devices may be heard through this one, as the children of a Homie device are.
        if route.role == .availability, world.devices(of: home).contains(where: { $0.device.bridge == route.device }) {
            meaning = .several([meaning, .bridge(home, route)])
        }
        return meaning
    }

    /// What a topic means now.
    func lookUp(_ topic: String) -> KnownTopic {
        let meaning = meaning(of: topic)
        let levels = topic.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard levels.count == 3, levels[0] == "homes", world.homes[HomeID(String(levels[1]))] != nil else { return KnownTopic(meaning: meaning) }
        let number = homeNumber(HomeID(String(levels[1])))
        return KnownTopic(meaning: meaning, homeNumber: Int32(number), epoch: homeEpochs[number])
    }

    private func homeNumber(_ home: HomeID) -> Int {
        let number = thinning.number(of: home)
        while homeEpochs.count <= number { homeEpochs.append(0) }
        return number
    }

    /// That home's topics may mean something else from now on.
    func forgetTopics(of home: HomeID) {
        homeEpochs[homeNumber(home)] &+= 1
        sharedCount -= shared[home]?.count ?? 0
        shared[home] = nil
    }

    /// Whom a payload is about.
    func shared(_ home: HomeID, _ route: Route, _ payload: UnsafeRawBufferPointer) -> TopicMeaning {
        guard let own = catalogue.route(route, payload: payload) else { return .ignored }
        if let known = shared[home]?[own.device] { return known.meaning }
        let found = meaning(of: own, home, topic: own.device)
        if sharedCount >= Self.sharedMax {
            shared.removeAll()
            sharedCount = 0
        }
        shared[home, default: [:]][own.device] = (own, found)
        sharedCount += 1
        return found
    }

    /// Devices that are remembered from payloads, of all homes.
    static var sharedMax: Int { 100_000 }
}
