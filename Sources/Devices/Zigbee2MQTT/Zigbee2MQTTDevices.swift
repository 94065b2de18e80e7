import Care

/// Reads `<base>/bridge/devices`, the bridge's own list of all its devices with what each of their properties is, and
/// `<base>/bridge/groups`.
struct Zigbee2MQTTDevices {
    let base: Zigbee2MQTTProfile
    let bridge: String
    /// For devices that Zigbee2MQTT itself cannot describe.
    let guess: Zigbee2MQTTGuess
    /// The owner's file for one device, by its whole topic.
    let own: (String) -> (profile: Zigbee2MQTTProfile, guess: Zigbee2MQTTGuess)?

    /// One bridge's; a Zigbee network ends at some hundreds.
    static let devicesMax = 20_000
    /// Of a maker's and a model's name together.
    private static let modelCharactersMax = 80
    /// Bulky, and about the network.
    private static let skipped = ["endpoints", "scenes", "options", "ota", "presets"]

    // MARK: Devices

    func devices(_ payload: UnsafeRawBufferPointer) -> AnnouncementOutcome {
        let tree: JSONTree
        do throws(JSONTree.Failure) {
            tree = try JSONTree(payload, skipping: Self.skipped)
        } catch {
            return .refused(reason: error.reason)
        }
        guard let entries = tree.elements else { return .refused(reason: "The list of devices is not a JSON list.") }
        guard entries.count <= Self.devicesMax else {
            return .refused(reason: "The list names more than \(Self.devicesMax) devices.")
        }
        var parts: [AnnouncedPart] = []
        parts.reserveCapacity(entries.count)
        var (names, identities): (Set<String>, Set<String>) = ([], [])
        for entry in entries {
            guard let identity = Self.identity(entry["ieee_address"]) else {
                parts.append(fault("An entry of the list has no ieee_address of a device."))
                continue
            }
            guard entry["type"]?.text != "Coordinator" else { continue }
            guard identities.insert(identity).inserted else {
                parts.append(fault("The list names an ieee_address twice."))
                continue
            }
            // Without a name of its own a device is heard under its IEEE address.
            let name = entry["friendly_name"]?.text.flatMap { $0.isEmpty ? nil : $0 } ?? entry["ieee_address"]?.text ?? identity
            let isFirst = names.insert(name).inserted
            parts += self.parts(entry, identity: identity, name: name, isFirst: isFirst)
        }
        return .parts(parts)
    }

    /// `0x` and up to 16 hexadecimal digits, in lower case. Nil for anything else.
    private static func identity(_ value: JSONTree?) -> String? {
        guard let text = value?.text?.lowercased(), text.hasPrefix("0x"), (3...18).contains(text.utf8.count),
            text.utf8.dropFirst(2).allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        return text
    }

    /// Something wrong with the list itself: said of the bridge, which is no device.
    private func fault(_ reason: String) -> AnnouncedPart {
        var part = AnnouncedPart(device: AnnouncedDevice(convention: Zigbee2MQTT.name, address: bridge))
        part.isDevice = false
        part.name = "bridge/devices"
        part.notUnderstood = reason
        return part
    }

    private func parts(_ entry: JSONTree, identity: String, name: String, isFirst: Bool) -> [AnnouncedPart] {
        let topic = "\(base.base)/\(name)"
        let isUsable = Zigbee2MQTT.isUsable(name: name) && topic.utf8.count <= Route.deviceBytesMax
        let definition = entry["definition"].flatMap { $0.members == nil ? nil : $0 }
        let file = own(topic)
        let profile = file?.profile
        var part = AnnouncedPart(
            device: AnnouncedDevice(
                convention: Zigbee2MQTT.name, address: isUsable ? topic : "\(base.base)/\(identity)", identity: identity,
                model: Self.model(entry, definition), bridge: bridge, repeatsWithin: profile?.repeats ?? base.repeats))
        part.expected = profile?.expected ?? base.expected
        part.name = "bridge/devices"
        guard isUsable, isFirst else {
            part.notUnderstood =
                isUsable ? "Another device of the list has the same name." : "Its name is one of the bridge's own topics, or too long."
            return [part]
        }
        part.listens.append(("\(topic)/availability", .availability(Zigbee2MQTTAvailability(), .latest)))
        guard let definition else {
            let isAsked = entry["interview_completed"]?.flag ?? (entry["interview_state"]?.text == "SUCCESSFUL")
            part.notUnderstood =
                isAsked
                ? "Zigbee2MQTT does not know this device, so what it sends is read by its names alone."
                : "Zigbee2MQTT has not finished asking this device what it is."
            part.listens.append((topic, .other(file?.guess ?? guess)))
            return [part]
        }
        var exposes = Zigbee2MQTTExposes(base: base, own: profile?.members)
        exposes.read(definition)
        for (path, property) in exposes.properties { part.listens.append((topic, .member(path: path, property))) }
        if let time = profile?.members.time ?? base.members.time {
            part.listens.append((topic, .time(path: time.split(separator: ".").map { String($0) })))
        }
        part.declares = exposes.declares
        return [part]
            + exposes.notUnderstood.map { name, reason in
                var other = AnnouncedPart(device: part.device)
                other.name = name
                other.notUnderstood = reason
                return other
            }
    }

    private static func model(_ entry: JSONTree, _ definition: JSONTree?) -> String? {
        let words =
            [definition?["vendor"]?.text ?? entry["manufacturer"]?.text, definition?["model"]?.text ?? entry["model_id"]?.text]
            .compactMap { $0 }.filter { !$0.isEmpty }
        return words.isEmpty ? nil : safeText(words.joined(separator: " "), charactersMax: modelCharactersMax)
    }

    // MARK: Groups

    /// A group's messages repeat what its members say, so its topics are known and silent.
    func groups(_ payload: UnsafeRawBufferPointer) -> AnnouncementOutcome {
        let tree: JSONTree
        do throws(JSONTree.Failure) {
            tree = try JSONTree(payload, skipping: ["scenes", "members"])
        } catch {
            return .refused(reason: error.reason)
        }
        guard let entries = tree.elements else { return .refused(reason: "The list of groups is not a JSON list.") }
        guard entries.count <= Self.devicesMax else { return .refused(reason: "The list names more than \(Self.devicesMax) groups.") }
        return .parts(
            entries.compactMap { entry in
                guard let name = entry["friendly_name"]?.text, Zigbee2MQTT.isUsable(name: name) else { return nil }
                let topic = "\(base.base)/\(name)"
                var part = AnnouncedPart(device: AnnouncedDevice(convention: Zigbee2MQTT.name, address: topic, bridge: bridge))
                part.isDevice = false
                part.listens = [(topic, .other(Silence())), ("\(topic)/availability", .other(Silence()))]
                return part
            })
    }

    private struct Silence: PayloadReader {
        func read(_ payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]) -> Outcome { .nothing }
    }
}
