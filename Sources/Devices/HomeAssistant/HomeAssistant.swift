import Care

/// Things that announce themselves to Home Assistant
/// ([MQTT discovery](https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery)): ESPHome, Tasmota, gateways for
/// Bluetooth and radio sensors, and most of what is home-made.
///
/// `homeassistant/<component>/[<node>/]<object>/config` announces one entity, `homeassistant/device/[<node>/]<object>/config`
/// a device with all of its entities. Both say on which topics, anywhere in the home, the entity is heard and how its value
/// is had from a message there.
struct HomeAssistant: Convention {
    static let name = "homeassistant"
    static let otherNames = ["ha-discovery", "ha-state", "esphome"]
    static let usualTopic = "homeassistant/device/a_device/config"
    /// Bridges know more of their devices than they tell Home Assistant.
    static let announcementRank = 1

    private let prefixes: [String]
    private let profile: DiscoveryProfile
    let samples: [Sample]

    init(profiles files: [ProfileNode]) throws(ProfileError) {
        var (prefixes, profile, samples) = ([String](), DiscoveryProfile(), [Sample]())
        for file in files {
            for node in file.items {
                let fields = try node.fields("A profile", known: DiscoveryProfile.keys)
                let (topic, _) = try Profile.topicAndInterval(fields)
                guard let prefix = topic.prefix, !prefix.contains("+") else {
                    throw node.error("The topic is what announcements begin with, and all below it: homeassistant/#.")
                }
                if !prefixes.contains(prefix) { prefixes.append(prefix) }
                try profile.add(node, fields)
                for item in fields["samples"]?.items ?? [] { samples.append(try Sample(item, topic: topic)) }
            }
        }
        (self.prefixes, self.profile, self.samples) = (prefixes, profile, samples)
    }

    func route(topicBelowHome topic: String) -> Route? {
        for (index, prefix) in prefixes.enumerated() where topic.hasPrefix(prefix + "/") {
            // Home Assistant's own coming and going.
            if topic == prefix + "/status" {
                return Route(convention: Self.name, device: prefix, expected: nil, role: .ignored, profileIndex: index)
            }
            guard Self.place(topic.dropFirst(prefix.count + 1)) != nil else { return nil }
            return Route(convention: Self.name, device: topic, expected: nil, role: .announcement, profileIndex: index)
        }
        return nil
    }

    /// The levels of an announcement's topic: component, node where there is one, object.
    private static func place(_ rest: Substring) -> (component: String, node: String?, object: String)? {
        let levels = rest.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        guard levels.count == 3 || levels.count == 4, levels.last == "config", !levels.contains("") else { return nil }
        return (levels[0], levels.count == 4 ? levels[1] : nil, levels[levels.count - 2])
    }

    func decode(_ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant, into readings: inout [DecodedReading]) -> Outcome {
        route.role == .announcement && !payload.isEmpty ? .announcement : .nothing
    }

    func announcement(_ route: Route, payload: UnsafeRawBufferPointer, topics: HomeTopics) -> AnnouncementOutcome {
        guard route.profileIndex < prefixes.count,
            let place = Self.place(route.device.dropFirst(prefixes[route.profileIndex].count + 1)[...])
        else { return .refused(reason: Route.strangeReason) }
        do throws(JSONError) {
            guard let members = try JSON(announced: payload).members else { return .refused(reason: "The announcement is not a JSON object.") }
            return announcement(place, members, topics)
        } catch {
            return .refused(reason: error.reason)
        }
    }

    private func announcement(
        _ place: (component: String, node: String?, object: String), _ members: [JSON.Member], _ topics: HomeTopics
    ) -> AnnouncementOutcome {
        do throws(DiscoveryRefusal) {
            let components = members.last { ["components", "cmps"].contains($0.key) }?.value.members
            guard let components else {
                var entity = try DiscoveryEntity(component: place.component, node: place.node, object: place.object, members, topics: topics)
                if entity.component == "device" { entity.component = entity.likelyComponent }
                return .parts(parts(entity))
            }
            guard components.count <= DiscoveryEntity.entitiesMax else {
                return .refused(reason: "The announcement has more than \(DiscoveryEntity.entitiesMax) components.")
            }
            let shared = members.filter { DiscoveryEntity.isShared($0.key) }
            // The device's availability is listened to once, and not for each of its entities.
            let whole = try DiscoveryEntity(component: "device", node: place.node, object: place.object, shared, topics: topics)
            var parts = self.parts(whole)
            if parts.allSatisfy({ $0.listens.isEmpty && $0.notUnderstood == nil }) { parts = [] }
            let common = shared.filter { !DiscoveryEntity.isOfAvailability($0.key) }
            for component in components {
                guard let own = component.value.members,
                    let platform = own.last(where: { $0.key == "platform" || $0.key == "p" })?.value.string
                // A component with nothing but its platform is taken back.
                else { continue }
                if own.count == 1 { continue }
                let entity = try DiscoveryEntity(
                    component: platform, node: place.node, object: component.key, own, shared: common, topics: topics)
                parts += self.parts(entity)
            }
            return .parts(parts)
        } catch {
            return .refused(reason: error.reason)
        }
    }

    private func parts(_ entity: DiscoveryEntity) -> [AnnouncedPart] {
        // Programs that move from the one form to the other say so on the old topic first.
        if case .bool(true)? = entity["migrate_discovery"] { return [] }
        let found = DiscoveryParts(entity, profile)
        let (availability, fault) = entity.availability()
        let name = safeText("\(entity.component)/\(entity.object)", charactersMax: 100)
        let device = entity.device()
        var part = AnnouncedPart(device: device, declares: found.declares, listens: found.listens + availability)
        part.name = name
        part.notUnderstood = found.notUnderstood
        part.expected = found.declares.isEmpty ? nil : entity.expected
        guard let fault else { return [part] }
        return [part, AnnouncedPart(device: device, notUnderstood: fault, name: "\(name) availability")]
    }
}
