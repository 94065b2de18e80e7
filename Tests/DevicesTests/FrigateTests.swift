import Care
import Testing

@testable import Devices

@Suite struct FrigateTests {
    let catalogue: Catalogue
    init() throws { catalogue = try shipped() }

    @Test func aCameraIsADeviceBehindFrigate() throws {
        for rest in ["motion", "person", "audio/fire_alarm"] {
            let route = try #require(catalogue.route(topicBelowHome: "frigate/front door/" + rest))
            #expect(route.device == "frigate/front door" && route.bridge == "frigate" && route.role == .readings)
        }
        #expect(catalogue.route(topicBelowHome: "frigate/hall/status/detect")?.role == .availability)
        let frigate = try #require(catalogue.route(topicBelowHome: "frigate/available"))
        #expect(frigate.device == "frigate" && frigate.role == .bridge && frigate.bridge == nil)
        for topic in ["frigate", "frigate/", "frigate//person", "frigatex/hall/person"] { #expect(catalogue.route(topicBelowHome: topic) == nil) }
    }

    /// Pictures, settings, words, faces and dogs: whatever the payload is.
    @Test(arguments: [
        "hall/person/snapshot", "hall/person/active", "hall/dog", "hall/all", "hall/detect/set", "hall/detect/state", "hall/motion/state",
        "hall/motion/set", "hall/audio/state", "hall/audio/set", "hall/audio/dBFS", "hall/audio/rms", "hall/audio/all",
        "hall/audio/transcription", "hall/audio/music", "hall/status/record", "hall/review_status", "hall/classification/door",
        "hall/enabled/state", "stats", "reviews", "tracked_object_update", "restart", "notifications/set", "camera_activity",
    ])
    func theseGiveNothing(rest: String) throws {
        #expect(catalogue.route(topicBelowHome: "frigate/" + rest)?.role == .ignored)
        for payload in ["ON", "1", #"{"type":"new","after":{"camera":"hall","label":"person"}}"#, ""] {
            let decoded = try catalogue.decode("frigate/" + rest, payload)
            #expect(decoded.outcome == .nothing && decoded.readings.isEmpty)
        }
    }

    @Test(arguments: [("0", false), ("1", true), ("12", true), (" 2\n", true)])
    func personsAreCounted(payload: String, isSeen: Bool) throws {
        #expect(try catalogue.decode("frigate/yard/person", payload).values == ["person_seen": .boolean(isSeen)])
    }

    @Test(arguments: ["-1", "0.5", "ON", "nan", "{}", "1 2", "0x1"])
    func otherNumbersAreRefused(payload: String) throws {
        let decoded = try catalogue.decode("frigate/yard/person", payload)
        #expect(decoded.reason != nil && decoded.readings.isEmpty)
    }

    @Test func soundsHaveTheirOwnChannels() throws {
        #expect(try catalogue.decode("frigate/hall/audio/fire_alarm", "ON").values == ["sound/fire_alarm": .boolean(true)])
        #expect(try catalogue.decode("frigate/hall/audio/bark", "OFF").values == ["sound/bark": .boolean(false)])
        #expect(try catalogue.decode("frigate/hall/motion", "ON").values == ["motion": .boolean(true)])
        #expect(try catalogue.decode("frigate/hall/motion", "maybe").reason != nil)
    }

    @Test func whatIsSwitchedOffIsAway() throws {
        for (payload, isOnline) in [("online", true), ("offline", false), ("disabled", false)] {
            #expect(try catalogue.decode("frigate/hall/status/detect", payload).outcome == .availability(isOnline))
        }
        #expect(try catalogue.decode("frigate/available", "offline").outcome == .availability(false))
        #expect(try catalogue.decode("frigate/available", "disabled").reason != nil)
    }

    @Test(arguments: [
        (#"{"type":"new","after":{"camera":"hall","label":"person","start_time":5}}"#, true), (#"{"after":{"label":"person","camera":"hall"},"type":"new"}"#, true),
        (#"{"type":"update","after":{"camera":"hall","label":"person"}}"#, false), (#"{"type":"end","after":{"camera":"hall","label":"person"}}"#, false),
        (#"{"type":"new","after":{"camera":"hall","label":"car"}}"#, false),
        (#"{"type":"new","after":{"camera":"hall","label":"person","false_positive":true}}"#, false),
    ])
    func aPersonWhoAppearsIsSeen(payload: String, isSeen: Bool) throws {
        let shared = try #require(catalogue.route(topicBelowHome: "frigate/events"))
        #expect(shared.role == .shared)
        try Array(payload.utf8).withUnsafeBytes { bytes in
            let route = try #require(catalogue.route(shared, payload: bytes))
            #expect(route.device == "frigate/hall" && route.bridge == "frigate")
            var readings: [DecodedReading] = []
            let outcome = catalogue.decode(route, payload: bytes, arrivedAt: arrival, into: &readings)
            #expect(outcome == (isSeen ? .readings : .nothing))
            #expect(readings.map(\.quantity.name) == (isSeen ? ["person_seen"] : []))
        }
    }

    @Test(arguments: ["", "{}", "[]", #"{"after":{"camera":""}}"#, #"{"after":{"camera":7}}"#, #"{"after":{"camera":"a/b"}}"#, #"{"after":[]}"#, "{\"after\":"])
    func eventsOfNoCameraAreOfNobody(payload: String) throws {
        let shared = try #require(catalogue.route(topicBelowHome: "frigate/events"))
        Array(payload.utf8).withUnsafeBytes { #expect(catalogue.route(shared, payload: $0) == nil) }
    }
}
