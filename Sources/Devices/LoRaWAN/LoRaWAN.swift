import Care

/// LoRaWAN devices, through [The Things Stack](https://www.thethingsindustries.com/docs/integrations/other-integrations/mqtt/) v3 or
/// [ChirpStack](https://www.chirpstack.io/docs/chirpstack/integrations/events.html) v4 and v3.
///
/// **One device has one address on all its topics**, and that comes from the topic alone, because not every message
/// carries the EUI. ChirpStack's topics have it: `lorawan/<EUI>`. The Things Stack's have a device id that can never be
/// changed or given again within its application: `lorawan/<application>/<device id>`. Ids that it makes of the EUI
/// itself, `eui-…`, give `lorawan/<EUI>`, the same as with ChirpStack.
struct LoRaWAN: Convention {
    static let name = "lorawan"
    static let otherNames = ["ttn", "ttn-v3", "the-things-stack", "chirpstack", "chirpstack-v3", "chirpstack-v4"]
    static let usualTopic = "v3/an-application/devices/a-device/up"

    private enum Server: Sendable { case theThingsStack, chirpStack }

    private let servers: [(prefix: String, server: Server)]
    private let expected: Span?
    private let general: PropertyTable
    private let normalized: PropertyTable
    private let models: LoRaWANModels
    let samples: [Sample]

    private let quantities = (
        battery: Quantity("battery"), latitude: Quantity("latitude"), longitude: Quantity("longitude"),
        accuracy: Quantity("location_accuracy")
    )

    private static let keys = [
        "topic", "model", "expected", "properties", "normalized", "endpoints", "ignore", "no_reading", "samples",
    ]

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var servers: [(prefix: String, server: Server)] = []
        var expected: Span?
        var general = Profile.Members()
        var common = Profile.Members()
        var models = LoRaWANModels()
        var samples: [Sample] = []
        for file in files {
            for node in file.items {
                let fields = try node.fields("A LoRaWAN profile", known: Self.keys)
                var members = Profile.Members()
                if fields["properties"] != nil, case .object(let named) = try Profile.body(node, fields) { members = named }
                if let model = fields["model"] {
                    for key in ["topic", "expected", "normalized"] {
                        if let misplaced = fields[key] { throw misplaced.error("\(key) is for all devices: it stands in a profile without a model.") }
                    }
                    try models.add(model, members)
                } else {
                    general = members.over(general)
                    if let list = fields["normalized"] { common = try Self.normalized(list).over(common) }
                    for item in fields["topic"]?.items ?? [] { servers.append(try Self.server(item)) }
                    if let span = fields["expected"] {
                        guard let length = Span(try span.text("expected")), length > .zero else {
                            throw span.error("expected is a length of time such as 90s, 30m, 1h or 7d.")
                        }
                        expected = length
                    }
                }
                guard let all = TopicPattern("#") else { continue }
                for item in fields["samples"]?.items ?? [] { samples.append(try Sample(item, topic: all)) }
            }
        }
        models.complete(with: general)
        self.servers = servers
        self.expected = expected
        self.general = general.table
        common.time = "time"
        normalized = common.table
        self.models = models
        self.samples = samples
    }

    private static func server(_ node: ProfileNode) throws(ProfileError) -> (prefix: String, server: Server) {
        let text = try node.text("topic")
        for (ending, server) in [("/+/devices/#", Server.theThingsStack), ("/+/device/#", Server.chirpStack)] where text.hasSuffix(ending) {
            let prefix = String(text.dropLast(ending.count))
            if !prefix.isEmpty, !prefix.contains("+"), !prefix.contains("#") { return (prefix, server) }
        }
        throw node.error("A topic is v3/+/devices/# for The Things Stack or application/+/device/# for ChirpStack, with what stands before them.")
    }

    private static func normalized(_ node: ProfileNode) throws(ProfileError) -> Profile.Members {
        var members = Profile.Members()
        for (_, name, value) in try node.pairs("normalized") {
            let own = try value.fields("A property", known: Property.keys)
            members.properties.append((name, try Property(own, label: name, inherited: nil)))
        }
        return members
    }

    // MARK: - Topics

    func route(topicBelowHome topic: String) -> Route? {
        for (prefix, server) in servers where topic.hasPrefix(prefix + "/") {
            let levels = topic.dropFirst(prefix.count + 1).split(separator: "/", omittingEmptySubsequences: false)
            let word = server == .theThingsStack ? "devices" : "device"
            guard levels.count >= 4, levels[1] == word, !levels[0].isEmpty, !levels[2].isEmpty else { continue }
            var what = levels[3...]
            if server == .chirpStack, what.first == "event" { what = what.dropFirst() }
            guard let kind = what.first, !kind.isEmpty else { continue }
            // What the network says of itself and to the device is for nobody here, and no sign of life.
            let isHeard =
                switch server {
                case .theThingsStack: kind == "up" || kind == "join" || kind == "location"
                case .chirpStack: what.count == 1 && (kind == "up" || kind == "rx" || kind == "join" || kind == "status" || kind == "location")
                }
            // The model, where the device's id says it; what the message says of it counts more.
            var id = String(levels[2])
            let model = id.withUTF8 { models.index(inName: UnsafeRawBufferPointer($0)) }
            return Route(
                convention: Self.name, device: Self.address(application: levels[0], device: levels[2], server),
                expected: expected, role: isHeard ? .readings : .ignored, profileIndex: model ?? -1)
        }
        return nil
    }

    private static func address(application: Substring, device: Substring, _ server: Server) -> String {
        let eui = server == .theThingsStack && device.hasPrefix("eui-") ? device.dropFirst(4) : device
        if server == .chirpStack || eui.count < device.count, eui.utf8.count == 16, eui.allSatisfy({ $0.isASCII && $0.isHexDigit }) {
            return "\(name)/\(eui.uppercased())"
        }
        return "\(name)/\(application.prefix { $0 != "@" })/\(device)"
    }

    // MARK: - Messages

    func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]
    ) -> Outcome {
        if payload.isEmpty || route.role == .ignored { return .nothing }
        let envelope: LoRaWANEnvelope
        do throws(JSONError) {
            envelope = try LoRaWANEnvelope(payload)
        } catch {
            return .undecodable(reason: error.reason)
        }
        // Not of the device, so no sign of its life either.
        if envelope.isSimulated { return .undecodable(reason: "The message is simulated: it is not of the device.") }
        let start = readings.count
        let table = models.table(models.index(for: envelope.model, envelope.profile, envelope.device) ?? route.profileIndex)
        var reason: String?
        func read(_ object: UnsafeRawBufferPointer, into readings: inout [DecodedReading]) {
            if case .undecodable(let fault) = MessageReader.readObject(object, table ?? general, into: &readings) { reason = fault }
        }
        if let decoded = envelope.decoded {
            read(decoded, into: &readings)
        } else if let text = envelope.decodedText, !text.bytes.isEmpty {
            text.withBytes { read($0, into: &readings) }
        } else if envelope.hasRawPayload, envelope.port != 0, envelope.normalized == nil {
            reason = "The network server passes on bytes; give it a payload formatter (codec) for this device."
        }
        addNormalized(envelope, from: start, into: &readings)
        addServersOwn(envelope, from: start, into: &readings)
        removeNoPlace(from: start, in: &readings)
        for index in start..<readings.count where readings[index].deviceTime == nil { readings[index].deviceTime = envelope.time }
        if let reason { return .undecodable(reason: reason) }
        return readings.count > start ? .readings : .nothing
    }

    /// More measurements of one message are not looked at.
    private static let measurementsMax = 64

    /// Of the common form what the device's own names did not say.
    private func addNormalized(_ envelope: LoRaWANEnvelope, from start: Int, into readings: inout [DecodedReading]) {
        guard let place = envelope.normalized else { return }
        let own = readings.count
        func read(_ object: UnsafeRawBufferPointer) { _ = MessageReader.readObject(object, normalized, into: &readings) }
        var scanner = JSONScanner(place)
        do throws(JSONError) {
            if try scanner.peek() == .object {
                read(place)
            } else {
                scanner.open()
                var first = true
                var count = 0
                while count < Self.measurementsMax, try scanner.nextElement(&first) {
                    if let object = try scanner.place(of: .object, depth: 1) { read(object) }
                    count += 1
                }
            }
        } catch {}
        for index in (own..<readings.count).reversed() where readings[start..<own].contains(where: { $0.quantity == readings[index].quantity }) {
            readings.remove(at: index)
        }
    }

    /// The battery that LoRaWAN itself asks for, and a place that the network worked out.
    private func addServersOwn(_ envelope: LoRaWANEnvelope, from start: Int, into readings: inout [DecodedReading]) {
        func has(_ quantity: Quantity?) -> Bool { readings[start...].contains { $0.quantity == quantity } }
        func add(_ quantity: Quantity?, _ value: Double, _ time: Instant?) {
            guard let quantity else { return }
            readings.append(DecodedReading(quantity: quantity, value: .number(value), deviceTime: time))
        }
        if let battery = envelope.battery, !envelope.hasNoBattery, battery >= 0, battery <= 100, !has(quantities.battery) {
            add(quantities.battery, battery, envelope.batteryTime)
        }
        if let latitude = envelope.latitude, let longitude = envelope.longitude, !has(quantities.latitude) {
            add(quantities.latitude, latitude, nil)
            add(quantities.longitude, longitude, nil)
            if let accuracy = envelope.accuracy, accuracy > 0 { add(quantities.accuracy, accuracy, nil) }
        }
    }

    /// Trackers send 0° N 0° E, or numbers that are on no map, until they have found out where they are.
    private func removeNoPlace(from start: Int, in readings: inout [DecodedReading]) {
        func value(_ quantity: Quantity?) -> Double? { readings[start...].first { $0.quantity == quantity }?.value.asNumber }
        let (latitude, longitude) = (value(quantities.latitude), value(quantities.longitude))
        if let latitude, let longitude, abs(latitude) <= 90, abs(longitude) <= 180, latitude != 0 || longitude != 0 { return }
        if latitude == nil, longitude == nil, value(quantities.accuracy) == nil { return }
        for index in (start..<readings.count).reversed() {
            let quantity = readings[index].quantity
            if quantity == quantities.latitude || quantity == quantities.longitude || quantity == quantities.accuracy { readings.remove(at: index) }
        }
    }
}
