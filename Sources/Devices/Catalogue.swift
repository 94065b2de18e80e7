import Care
import Foundation

/// All conventions with their profiles: what every topic means, and what every message says.
///
/// An immutable value; reloading makes a new one, whole or not at all.
public struct Catalogue: Sendable {
    /// The conventions in the order in which they are asked. A new one is a line here.
    ///
    /// First those whose topics begin with a word of their own, then those that are known by how their topics end, and
    /// last what owners describe themselves.
    private static let conventions: [any Convention.Type] = [
        Zigbee2MQTT.self,
        ZWaveJSUI.self,
        HomeAssistant.self,
        SenML.self,
        Homie.self,
        Health.self,
        RTL433.self,
        Theengs.self,
        Shelly.self,
        Tasmota.self,
        OwnTracks.self,
        Frigate.self,
        SleepAsAndroid.self,
        LoRaWAN.self,
        Plain.self,
    ]

    /// More files in one folder are refused.
    private static let filesMax = 1_000

    private let conventions: [any Convention]

    /// Reads `<folder>/<convention>/*.yaml` in the order of their names.
    ///
    /// Every convention exists with or without a folder; a folder that no convention reads is an error,
    /// because what stands in it would silently mean nothing.
    public static func load(folder: String) throws(ProfileError) -> Catalogue {
        try load(folders: [folder])
    }

    /// As above, with the files of all folders taken together: ours, then the owner's.
    public static func load(folders: [String]) throws(ProfileError) -> Catalogue {
        for folder in folders {
            for name in try list(folder) {
                var isFolder: ObjCBool = false
                let path = "\(folder)/\(name)"
                guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
                    isFolder.boolValue,
                    !name.hasPrefix("."), !Self.conventions.contains(where: { $0.name == name })
                else { continue }
                let known = Self.conventions.map { $0.name }.joined(separator: ", ")
                throw ProfileError(
                    file: path, line: 0, column: 0,
                    message: "No convention has the name of this folder. Known: \(known).")
            }
        }
        var made: [any Convention] = []
        for convention in Self.conventions {
            var files: [ProfileNode] = []
            for folder in folders {
                let path = "\(folder)/\(convention.name)"
                guard FileManager.default.fileExists(atPath: path) else { continue }
                for name in try list(path) where name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
                    if let file = try read("\(path)/\(name)") { files.append(file) }
                }
            }
            made.append(try convention.init(profiles: files))
        }
        return Catalogue(conventions: made)
    }

    /// Longer topics belong to no convention. MQTT allows 65 535 bytes, and every profile would look through all of them.
    static let topicBytesMax = 1_024

    /// What a topic below `homes/<home>/` means: by the first convention that knows it. Nil: none does.
    public func route(topicBelowHome topic: String) -> Route? {
        guard topic.utf8.count <= Self.topicBytesMax else { return nil }
        for (index, convention) in conventions.enumerated() {
            if var route = convention.route(topicBelowHome: topic) {
                route.conventionIndex = index
                return route
            }
        }
        return nil
    }

    /// All that a topic below `homes/<home>/` means: what devices announced before what its name lets guess.
    public func routes(topicBelowHome topic: String, _ announced: Announced) -> [Route] {
        announced.routes(topicBelowHome: topic, native: route(topicBelowHome: topic))
    }

    /// The devices of a home that announced themselves and are not a convention's own already.
    public func devices(_ announced: Announced) -> [AnnouncedDevice] {
        announced.devices { route(topicBelowHome: $0) != nil }
    }

    /// For a route of the role `shared`: that of the device which this payload is about. Nil: it names none.
    public func route(_ shared: Route, payload: UnsafeRawBufferPointer) -> Route? {
        guard shared.conventionIndex < conventions.count else { return nil }
        var route = conventions[shared.conventionIndex].route(shared, payload: payload)
        route?.conventionIndex = shared.conventionIndex
        return route
    }

    /// See `Convention.announcementRank`.
    func announcementRank(_ route: Route) -> Int {
        route.conventionIndex < conventions.count ? type(of: conventions[route.conventionIndex]).announcementRank : 0
    }

    /// For a route of the role `announcement`: what the payload says there is.
    func announcement(_ route: Route, payload: UnsafeRawBufferPointer, topics: HomeTopics) -> AnnouncementOutcome {
        guard route.conventionIndex < conventions.count else { return .refused(reason: Route.strangeReason) }
        return conventions[route.conventionIndex].announcement(route, payload: payload, topics: topics)
    }

    /// Where a message of this convention is taken to have come from that is shown without a topic. Nil: there is no such
    /// convention.
    public func usualTopic(ofConvention name: String) -> String? {
        Self.conventions.first { $0.name == name || $0.otherNames.contains(name) }?.usualTopic
    }

    public static var conventionNames: [String] { conventions.map { $0.name } }

    /// What a message says. Readings are appended in the order of the message; nothing else is touched.
    ///
    /// - Parameter arrivedAt: For times that a device gives relative to now.
    public func decode(
        _ route: Route, payload: UnsafeRawBufferPointer, arrivedAt: Instant,
        into readings: inout [DecodedReading]
    ) -> Outcome {
        if let reader = route.reader, !route.readerAdds { return reader.read(route, payload, arrivedAt: arrivedAt, into: &readings) }
        guard route.conventionIndex < conventions.count else {
            return .undecodable(reason: Route.strangeReason)
        }
        let start = readings.count
        let outcome = conventions[route.conventionIndex].decode(route, payload: payload, arrivedAt: arrivedAt, into: &readings)
        guard let reader = route.reader else { return outcome }
        let given = readings.count
        let added = reader.read(route, payload, arrivedAt: arrivedAt, into: &readings)
        let known = Set(readings[start..<given].map(\.quantity))
        let deviceTime = readings[start..<given].first?.deviceTime
        for index in (given..<readings.count).reversed() {
            if known.contains(readings[index].quantity) {
                readings.remove(at: index)
            } else {
                readings[index].deviceTime = readings[index].deviceTime ?? deviceTime
            }
        }
        // What one of the two understands is understood.
        if case .undecodable = outcome, readings.count > given { return .readings }
        if case .nothing = outcome, case .undecodable = added { return added }
        return readings.count > start && outcome == .nothing ? .readings : outcome
    }

    /// Decodes the sample messages of all profiles. One error for each that does not give what it must.
    public func checkSamples() -> [ProfileError] {
        samples.compactMap { sample in
            sample.complaint(self).map {
                ProfileError(file: sample.file, line: sample.line, column: sample.column, message: $0)
            }
        }
    }

    var samples: [Sample] { conventions.flatMap { $0.samples } }
    public var sampleCount: Int { samples.count }
    /// By convention, in their order.
    var samplesByConvention: [(name: String, samples: [Sample])] { conventions.map { (type(of: $0).name, $0.samples) } }

    /// The sample messages of all profiles, convention by convention, for whatever needs messages that devices really send:
    /// the corpus of scripts/fuzz, and what scripts/bench decodes. What they must give is checked by `checkSamples`.
    public var sampleMessages: [SampleMessage] {
        samplesByConvention.flatMap { name, samples in
            samples.map { sample in
                SampleMessage(
                    convention: name, before: sample.after.map { ($0.topic, Array($0.message.utf8)) }, topic: sample.topic,
                    payload: sample.message, arrivedAt: sample.arrivedAt)
            }
        }
    }

    private static func list(_ folder: String) throws(ProfileError) -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw ProfileError(file: folder, line: 0, column: 0, message: "This folder cannot be read.")
        }
        guard names.count <= filesMax else {
            throw ProfileError(
                file: folder, line: 0, column: 0,
                message: "There are more than \(filesMax) files in this folder.")
        }
        return names.sorted()
    }

    private static func read(_ path: String) throws(ProfileError) -> ProfileNode? {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ProfileError(file: path, line: 0, column: 0, message: "This file cannot be read.")
        }
        guard data.count <= ProfileNode.fileBytesMax else {
            throw ProfileError(
                file: path, line: 0, column: 0,
                message:
                    "This file is larger than \(ProfileNode.fileBytesMax / 1_024) KiB: a profile is short.")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ProfileError(file: path, line: 0, column: 0, message: "This file is not UTF-8 text.")
        }
        return try ProfileNode.parse(text, file: path)
    }
}
