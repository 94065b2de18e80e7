import Care

/// Bluetooth sensors heard by [Theengs Gateway](https://gateway.theengs.io) or [OpenMQTTGateway](https://docs.openmqttgateway.com).
///
/// `<base>/<gateway>/BTtoMQTT/<MAC address>` has what was heard of one device, decoded where the gateway knows its kind. The
/// device is `theengs/<MAC>`, whichever gateway hears it. Phones, trackers and beacons are heard, too, and change their
/// addresses every few minutes: what is not a known kind of sensor under an address of its own is passed over, so that a
/// street full of passers-by makes no devices.
struct Theengs: Convention {
    static let name = "theengs"
    static let otherNames = ["openmqttgateway", "omg", "btmqtt"]
    static let usualTopic = "home/a gateway/BTtoMQTT/FFFFFFFFFFFF"

    private let profiles: DeviceProfiles
    private let bases: [String]
    var samples: [Sample] { profiles.samples }

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        let nodes = files.flatMap(\.items)
        profiles = try DeviceProfiles(nodes)
        var bases: [String] = []
        for node in nodes {
            guard let prefix = try Profile(node, alsoKnown: DeviceProfiles.keys).topic.prefix, !prefix.isEmpty, !prefix.contains("+")
            else { throw node.error("A topic here is the gateways' base topic and #, such as home/#.") }
            if !bases.contains(prefix) { bases.append(prefix) }
        }
        self.bases = bases.isEmpty ? ["home"] : bases
    }

    func route(topicBelowHome topic: String) -> Route? {
        for base in bases where topic.hasPrefix(base + "/") {
            let levels = topic.dropFirst(base.utf8.count + 1).split(separator: "/", omittingEmptySubsequences: false)
            guard levels.count >= 2, !levels.contains("") else { continue }
            // Where somebody's phone is, as gateways tell one another: not for here.
            if levels[0] == "presence", TheengsSighting.address(String(levels[1])) != nil { return Route(convention: Self.name, device: "\(base)/presence", expected: nil, role: .ignored) }
            let bridge = "\(base)/\(levels[0])"
            if levels[1] == "BTtoMQTT", levels.count <= 3 {
                // The address is kept beside the bridge: the payload alone may not say it.
                var route = Route(convention: Self.name, device: bridge, expected: nil, role: .shared, bridge: bridge)
                if levels.count == 3 { route?.identity = String(levels[2]) }
                return route
            }
            if levels[1] == "LWT", levels.count == 2 {
                return Route(convention: Self.name, device: bridge, expected: nil, role: .bridge)
            }
            // 433toMQTT, SYStoMQTT, IRtoMQTT and their like: bare codes, and the gateway itself.
            if levels[1].hasSuffix("toMQTT") || levels[1] == "commands" && levels.count > 2 && levels[2].hasPrefix("MQTTto") {
                return Route(convention: Self.name, device: bridge, expected: nil, role: .ignored)
            }
        }
        return nil
    }

    func route(_ shared: Route, payload: UnsafeRawBufferPointer) -> Route? {
        guard let bridge = shared.bridge else { return nil }
        let ignored = Route(convention: Self.name, device: bridge, expected: nil, role: .ignored)
        // An empty payload clears a retained message.
        if payload.isEmpty { return ignored }
        let told = shared.identity.flatMap(TheengsSighting.address)
        let own = profiles.index(device: "\(Self.name)/\(told ?? "")")
        guard let heard = TheengsSighting(payload, table: profiles.entries[own].table), let address = told ?? heard.address
        else { return nil }
        return heard.isDevice(heard.address ?? address) ? route(address, bridge) : ignored
    }

    private func route(_ address: String, _ bridge: String) -> Route? {
        let device = "\(Self.name)/\(address)"
        let index = profiles.index(device: device)
        var route = Route(
            convention: Self.name, device: device, expected: profiles.entries[index].expected, role: .readings,
            profileIndex: index, bridge: bridge)
        route?.repeatsWithin = profiles.entries[index].repeatsWithin
        return route
    }

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]
    ) -> Outcome {
        switch route.role {
        case .bridge, .availability: return availability(payload, yes: "online", no: "offline")
        case .readings: break
        case .announcement, .shared, .ignored: return .nothing
        }
        guard let entry = profiles.entry(route.profileIndex) else { return .undecodable(reason: Route.strangeReason) }
        if payload.isEmpty { return .nothing }
        let start = readings.count
        let outcome = MemberReader.readObject(payload, entry.table, into: &readings)
        return Self.weigh(payload, outcome, from: start, &readings)
    }

    /// A scale names its unit beside the weight, and says when a parcel stands on it. A weight without a unit stays unread:
    /// a stone is six kilograms.
    private static func weigh(
        _ payload: UnsafeRawBufferPointer, _ outcome: Outcome, from start: Int, _ readings: inout [DecodedReading]
    ) -> Outcome {
        guard let weight, let index = readings[start...].firstIndex(where: { $0.quantity == weight }) else { return outcome }
        let scale = TheengsScale(payload)
        if !scale.isObject, case .number(let sent) = readings[index].value, let unit = scale.unit,
            let conversion = Conversion(from: unit, to: weight)
        {
            readings[index].value = .number(conversion(sent))
            return outcome
        }
        readings.remove(at: index)
        if case .undecodable = outcome { return outcome }
        if scale.isObject { return readings.count > start ? .readings : .nothing }
        return .undecodable(reason: "\u{201C}unit\u{201D}, which the weight is in, is missing or not known.")
    }

    private static let weight = Quantity("body_weight")
}
