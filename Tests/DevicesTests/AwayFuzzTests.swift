import Care
import Testing

@testable import Devices

/// Random topics and payloads for conventions whose topics or bodies need more than the common fuzz test gives them.
@Suite struct AwayFuzzTests {
    @Test func noTopicAndNoSharedPayloadCrashes() throws {
        let catalogue = try shipped()
        var generator = SeededGenerator(seed: FuzzTests.seed)
        let parts = [
            "owntracks", "frigate", "SleepAsAndroid", "v3", "application", "devices", "device", "eui-", "eui-0004a30b001c0530", "event", "up",
            "available", "events", "person", "audio", "fire_alarm", "status", "detect", "/", "//", "@", " ", "\u{0}", "ä", "phone", "cmd",
        ]
        let payloads = catalogue.samples.map(\.message)
        var routed = 0
        let starts = ["", "owntracks/", "frigate/", "SleepAsAndroid/", "v3/a/devices/", "application/a/device/"]
        for _ in 0..<6_000 {
            let rest = (0..<Int.random(in: 1..<6, using: &generator)).compactMap { _ in parts.randomElement(using: &generator) }
            let topic = (starts.randomElement(using: &generator) ?? "") + rest.joined(separator: Bool.random(using: &generator) ? "/" : "")
            guard let route = catalogue.route(topicBelowHome: topic) else { continue }
            routed += 1
            #expect(!route.device.isEmpty && route.device.utf8.count <= Route.deviceBytesMax)
            var payload = payloads.randomElement(using: &generator) ?? []
            if !payload.isEmpty { payload[Int.random(in: 0..<payload.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator) }
            payload.withUnsafeBytes { bytes in
                guard let own = route.role == .shared ? catalogue.route(route, payload: bytes) : route else { return }
                var readings: [DecodedReading] = []
                let outcome = catalogue.decode(own, payload: bytes, arrivedAt: arrival, into: &readings)
                if outcome == .nothing { #expect(readings.isEmpty) }
                if outcome == .readings { #expect(!readings.isEmpty) }
            }
        }
        #expect(routed > 1_000)
    }

    /// What was there before stays there, and a long text costs no more than its length.
    @Test(arguments: ["owntracks/a/b", "frigate/events", "frigate/hall/person", "frigate/hall/motion", "SleepAsAndroid", "v3/a/devices/b/up", "application/1/device/2/event/up"])
    func hugeAndBrokenMessagesLeaveNothing(topic: String) throws {
        let catalogue = try shipped()
        let route = try #require(catalogue.route(topicBelowHome: topic))
        let long = String(repeating: "x", count: 1_000_000)
        let payloads = [
            #"{"_type":"location","event":"\#(long)","lat":"\#(long)","uplink_message":{"decoded_payload":{"temperature":"\#(long)"}}}"#,
            #"{"\#(long)":1"#, long, #"{"object":{"sos":true},"#, #"{"_type":"location","lat":1,"lon":1,"acc":5,"inregions":["home""#,
        ].map { Array($0.utf8) } + [[0xFF, 0xFE], [0x7B, 0x22, 0xC3, 0x22, 0x3A, 0x31, 0x7D]]
        let quantity = try #require(Quantity("sos"))
        for payload in payloads {
            var readings = [DecodedReading(quantity: quantity, value: .boolean(true))]
            let outcome = payload.withUnsafeBytes { catalogue.decode(route, payload: $0, arrivedAt: arrival, into: &readings) }
            #expect(readings.count == 1)
            if case .undecodable(let reason) = outcome { #expect(reason.utf8.count < 200 && !reason.contains("xxx")) }
        }
    }
}
