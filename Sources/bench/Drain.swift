import Care
import Foundation
import MQTT

/// How fast a session that was filled while its owner was away is emptied: by the gateway, which decodes,
/// records and watches, and by `mosquitto_sub`, which throws away.
///
/// Both are measured from the broker's word that the client is in, so that no process start counts. The gateway
/// is done when the helper's client is told of the SOS that was published last: it is told only after the
/// commit that holds it, and all that came before was committed before. Nothing is asked of the gateway
/// meanwhile; afterwards its status has to name every reading. `mosquitto_sub` is done when the broker has
/// its goodbye, after its last message.
struct Drain {
    static let messages = 200_000

    let binaries: String
    let runs: Int
    let say: (String) -> Void

    /// What one drain took: seconds from the broker's word to the end, and of all processors the seconds of the gateway
    /// (its start included) and of the broker.
    struct Taken {
        var seconds: Double
        var gatewayCPU: Double
        var brokerCPU: Double
    }

    func measure() throws -> [Figure] {
        let place = try Place(binaries: binaries)
        defer { place.close() }
        let scheme = Scheme()
        let file = place.folder + "/scheme.sqlite"
        say("Making \(scheme.homes) homes …")
        try scheme.make(at: file, helper: place.helper)
        var gateway: [Double] = []
        var sub: [Double] = []
        var gatewayCPU: [Double] = []
        var brokerCPU: [Double] = []
        let microseconds = 1e6 / Double(Self.messages)
        for run in 0..<runs {
            // In turns, because whoever comes first meets a broker in another state.
            for isGateway in run % 2 == 0 ? [true, false] : [false, true] {
                if isGateway {
                    try Scheme.lay(file, in: place)
                    // What waits for a gateway is what its own homes said while it was away: it has heard each of them before.
                    _ = try drainGateway(place, scheme, messages: scheme.homes * scheme.devicesPerHome)
                    place.stopGateway()
                    let taken = try drainGateway(place, scheme, messages: Self.messages)
                    gateway.append(Double(Self.messages) / taken.seconds)
                    gatewayCPU.append(taken.gatewayCPU * microseconds)
                    brokerCPU.append(taken.brokerCPU * microseconds)
                    place.stopGateway()
                    try forgetSession("caring-gateway", place)
                } else {
                    sub.append(Double(Self.messages) / (try drainSub(place, scheme)))
                    try forgetSession("bench-sub", place)
                }
            }
            say(
                "drain, run \(run + 1): gateway \(Int(gateway[run]))/s, mosquitto_sub \(Int(sub[run]))/s; "
                + String(format: "processor time a message %.1f µs, the broker's %.1f µs", gatewayCPU[run], brokerCPU[run]))
        }
        return [
            Figure(key: "drain.ratio", values: zip(gateway, sub).map { $0 / $1 }, unit: "", digits: 2, wanted: "at least 0.8; 1.0 is the aim"),
            Figure(key: "drain.gatewayPerSecond", values: gateway, unit: "messages/s"),
            Figure(key: "drain.mosquittoSubPerSecond", values: sub, unit: "messages/s"),
            Figure(key: "drain.gatewayProcessorMicroseconds", values: gatewayCPU, unit: "µs", digits: 2),
            Figure(key: "drain.brokerProcessorMicroseconds", values: brokerCPU, unit: "µs", digits: 2),
        ]
    }

    /// The database has been laid before; so has a session at the broker, by a first start.
    ///
    /// - Parameter meanwhile: called again and again until the gateway is done. It costs the gateway time.
    /// - Returns: what it took. The gateway runs on.
    func drainGateway(
        _ place: Place, _ scheme: Scheme, messages: Int, meanwhile: ((Place) throws -> Void)? = nil
    ) throws -> Taken {
        try place.startGateway(homesMax: scheme.homes)
        try place.waitForStatus { $0["connected"] == .bool(true) }
        place.stopGateway()
        try fill(place, scheme, messages: messages)
        let phone = try Client("bench-maria", place.helper, place.port, filters: ["helpers/\(place.helper.user)/alerts/#"])
        defer { phone.leave() }
        try place.waitForBrokersSave()
        let brokerBefore = try place.broker.processorSeconds()
        let began = try place.startGateway(homesMax: scheme.homes)
        let told = try phone.wait(seconds: 600, whileWaiting: meanwhile.map { look in { try look(place) } }) { !$0.payload.isEmpty }
        let taken = Taken(
            seconds: Double(told.nanoseconds - began) / 1e9, gatewayCPU: try place.gateway?.processorSeconds() ?? 0,
            brokerCPU: try place.broker.processorSeconds() - brokerBefore)
        let readings = Int64(messages * Scheme.readingsPerMessage)
        // The SOS button tells its battery as well.
        try place.waitForStatus { $0["readings"]?.int == readings + 2 && $0["messages"]?.int ?? 0 > messages }
        // The citizen cancels: an alert that is still open would be offered again at the next start.
        let button = try Client("bench-button", place.login, place.port)
        let alert = told.topic.split(separator: "/").last ?? ""
        try button.publish(Scheme.cancelTopic(0), Scheme.cancelPayload(String(alert)))
        try button.settle()
        button.leave()
        _ = try phone.wait { $0.topic == told.topic && $0.payload.isEmpty }
        return taken
    }

    private func drainSub(_ place: Place, _ scheme: Scheme) throws -> Double {
        let session = try Client("bench-sub", place.login, place.port, filters: ["homes/+/zigbee2mqtt/#"], sessionSeconds: 3_600)
        session.leave()
        try fill(place, scheme, messages: Self.messages)
        try place.waitForBrokersSave()
        let from = place.broker.place
        let sub = try Child(
            try tool("mosquitto_sub"),
            [
                "-h", "127.0.0.1", "-p", "\(place.port)", "-V", "mqttv5", "-u", place.login.user, "-P", place.login.password, "-q", "1",
                "-c", "-x", "3600", "-i", "bench-sub", "-t", "homes/+/zigbee2mqtt/#", "-C", "\(Self.messages + 1)",
            ])
        defer { sub.stop() }
        let began = try place.broker.wait(for: "New client connected", "bench-sub", from: from)
        let ended = try place.broker.wait(for: "bench-sub", "disconnected", from: from, seconds: 300)
        return Double(ended.nanoseconds - began.nanoseconds) / 1e9
    }

    /// Publishes the stream, and an SOS behind it.
    private func fill(_ place: Place, _ scheme: Scheme, messages: Int) throws {
        let publisher = try Client("bench-publisher", place.login, place.port)
        for i in 0..<messages {
            let message = scheme.message(i)
            try publisher.publish(message.topic, message.payload)
        }
        try publisher.publish(Scheme.sosTopic(0), Scheme.sosPayload)
        try publisher.settle(seconds: 120)
        publisher.leave()
    }

    /// Ends a session at the broker, which would otherwise queue for it what the other one is filled with.
    func forgetSession(_ id: String, _ place: Place) throws {
        try Client(id, place.login, place.port, sessionSeconds: 0).leave()
    }
}
