import Care

/// [Tasmota](https://tasmota.github.io/docs/MQTT/), firmware for plugs, relays and whatever sensors are soldered to them.
///
/// Topics hold a prefix (`tele`, `stat`, `cmnd`), the device's own topic and, last, what the message is:
/// `tele/kettle/SENSOR`. People may order the first two otherwise (`FullTopic`), so the prefix is looked for at any level,
/// and the device is what remains: `tasmota/kettle`.
///
/// A device may have several sensors of one quantity, and a sensor that fails is missing from the message. So the channel
/// depends on nothing but the sensor itself: what stands in the profile under the name of its object (`ENERGY`, `ANALOG`,
/// `ESP32`, of which there is one) has none, or the number that Tasmota gives it (`POWER2`, `Temperature1`, the phases of a
/// list); every other sensor has its object's name (`DHT11`, `MJ_HT_V1-1a2b3c`). One that tells its address in `Id` has that,
/// because Tasmota numbers `DS18B20-1` and `DS18B20-2` anew when one is taken away.
struct Tasmota: Convention {
    static let name = "tasmota"
    static let usualTopic = "tele/a device/SENSOR"

    private let profiles: DeviceProfiles
    private var telemetry = "tele"
    private var status = "stat"
    private var command = "cmnd"
    var samples: [Sample] { profiles.samples }

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        let nodes = files.flatMap(\.items)
        profiles = try DeviceProfiles(nodes, alsoKnown: ["prefixes"]) { property, node throws(ProfileError) in
            try TasmotaReader.leaveUnitToMessage(&property, node)
        }
        for node in nodes {
            let all = try node.fields("A profile", known: Profile.keys + DeviceProfiles.keys + ["prefixes"])
            guard let prefixes = all["prefixes"] else { continue }
            let named = try prefixes.fields("prefixes", known: ["telemetry", "status", "command"])
            telemetry = try named["telemetry"]?.text("telemetry") ?? telemetry
            status = try named["status"]?.text("status") ?? status
            command = try named["command"]?.text("command") ?? command
        }
    }

    /// What the last level of a topic says, kept in the route's `profileIndex` beside the index of the profile.
    private enum Body: Int {
        /// An object of the device's sensors or outputs.
        case object
        /// The state of one output, alone; its number is added.
        case power
    }
    private static let bodies = 1_000

    func route(topicBelowHome topic: String) -> Route? {
        let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
        guard levels.count >= 2, !levels.contains("") else { return nil }
        if levels[0] == "tasmota", levels[1] == "discovery" {
            return Route(convention: Self.name, device: "tasmota/discovery", expected: nil, role: .ignored)
        }
        guard levels.count >= 3, let place = levels.dropLast().firstIndex(where: { $0 == telemetry || $0 == status || $0 == command })
        else { return nil }
        // Commands end in anything; everything else in capitals that no other convention writes.
        let isCommand = levels[place] == command
        let last = levels[levels.count - 1]
        guard isCommand || last.utf8.allSatisfy({ $0 >= 0x41 && $0 <= 0x5A || $0 >= 0x30 && $0 <= 0x39 || $0 == UInt8(ascii: "_") })
        else { return nil }
        let named = levels.indices.dropLast().filter { $0 != place }.map { levels[$0] }
        let device = "tasmota/" + named.joined(separator: "/")
        let index = profiles.index(device: device)
        var role = Route.Role.readings
        var body = Body.object.rawValue
        switch last {
        case _ where isCommand: role = .ignored
        case "LWT": role = profiles.entries[index].sleeps ? .ignored : .availability
        case "SENSOR", "STATE", "RESULT", "STATUS8", "STATUS10", "STATUS11": break
        case _ where last.hasPrefix("POWER") && levels[place] == status:
            let digits = last.dropFirst(5)
            guard digits.utf8.count <= 2, let number = digits.isEmpty ? 0 : Int(digits) else { return nil }
            body = Body.power.rawValue + number
        default: role = .ignored
        }
        return Route(
            convention: Self.name, device: device, expected: profiles.entries[index].expected, role: role,
            profileIndex: index * Self.bodies + body)
    }

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]
    ) -> Outcome {
        switch route.role {
        case .availability: return availability(payload, yes: "online", no: "offline")
        case .readings: break
        case .bridge, .announcement, .shared, .ignored: return .nothing
        }
        guard let entry = profiles.entry(route.profileIndex / Self.bodies) else { return .undecodable(reason: Route.strangeReason) }
        if payload.isEmpty { return .nothing }
        let body = route.profileIndex % Self.bodies
        guard body >= Body.power.rawValue else { return TasmotaReader.read(payload, entry.table, into: &readings) }
        guard let index = Self.power.withUnsafeBytes({ entry.table.find($0) }), case .property(var property) = entry.table.target(index)
        else { return .nothing }
        if body > Body.power.rawValue { property.channel = "\(body - Body.power.rawValue)" }
        return MessageReader.readValue(payload, property, into: &readings)
    }

    private static let power = Array("POWER".utf8)
}
