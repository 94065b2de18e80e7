import Care
import Devices
import Foundation
import Gateway
import Logging
import Store

/// Who lives where in the measurements: homes of claimed devices, a thousand of seven each unless it is said
/// otherwise, and fifty with an SOS button whose citizens let one helper come.
struct Scheme {
    var homes = 1_000
    var devicesPerHome = Scheme.devices.count

    static let sosHomes = 50
    static let payloadBytes = 90
    static let readingsPerMessage = 3

    static func sosTopic(_ n: Int) -> String { "homes/sos-\(n)/zigbee2mqtt/SOS button" }
    static let sosPayload = Array(#"{"action":"emergency","battery":97,"linkquality":142}"#.utf8)

    static func cancelTopic(_ n: Int) -> String { "homes/sos-\(n)/caring/answers" }
    static func cancelPayload(_ alert: String) -> [UInt8] { Array(#"{"alert":"\#(alert)","answer":"cancel"}"#.utf8) }

    static let devices = [
        "kitchen climate", "hall motion", "front door", "kettle plug", "smoke detector", "bedroom climate", "bath leak",
    ]
    static func topic(_ home: Int, _ device: Int) -> String { "homes/home-\(home)/zigbee2mqtt/\(devices[device])" }

    /// Message number `i` of a drain. Neighbours in the stream are of different homes, as they are in life; every
    /// device speaks equally often.
    func message(_ i: Int) -> (topic: String, payload: [UInt8]) {
        let device = (i / homes) % devicesPerHome
        return (Self.topic(i * 389 % homes, device), Self.payload(device, round: i / homes + i % 7))
    }

    /// Three readings in 90 bytes, none of which raises an alert; what is left is said about the radio.
    private static func payload(_ device: Int, round: Int) -> [UInt8] {
        let r = round % 90
        let said =
            switch device {
            case 0: #"{"humidity":4\#(r % 10).\#(r % 7),"pressure":101\#(r % 9).\#(r % 8),"temperature":2\#(r % 4).\#(10 + r)"#
            case 1: #"{"battery":9\#(r % 10),"illuminance":\#(100 + r),"occupancy":\#(r % 2 == 0)"#
            case 2: #"{"battery":9\#(r % 10),"battery_low":false,"contact":true"#
            case 3: #"{"current":0.\#(10 + r),"energy":10\#(r % 10).\#(10 + r),"power":1\#(r % 10).\#(r % 9)"#
            case 4: #"{"battery":9\#(r % 10),"battery_low":false,"smoke":false"#
            case 5: #"{"battery":9\#(r % 10),"humidity":5\#(r % 10).\#(r % 7),"temperature":1\#(8 + r % 2).\#(10 + r)"#
            default: #"{"battery":9\#(r % 10),"battery_low":false,"water_leak":false"#
            }
        let radio = #","linkquality":1\#(10 + r),"route":""#
        let fill = payloadBytes - said.utf8.count - radio.utf8.count - 2
        return Array((said + radio + String(repeating: "r", count: max(0, fill)) + "\"}").utf8)
    }

    /// Makes the database that a measurement begins with. The SOS homes come through the gateway's own commands, in this
    /// process and without flushing; the many others as the rows that those commands write, because a hundred
    /// thousand commands would take longer than all the rest.
    func make(at file: String, helper: Place.Login) throws {
        let folder = file + ".d"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try Store(folder: folder, isDurable: false)
        try addByCommands(store, helper)
        let now = SystemClock().wall()
        for first in stride(from: 0, to: homes, by: 1_000) {
            try store.turn { tx in for n in first..<min(first + 1_000, homes) { try addRows(n, now, tx) } }
        }
        try store.turn { try $0.saveLogin(helper.user, hash: try BrokerAccess.hash(helper.password)) }
        try store.checkpoint()
        let made = store.path
        try store.close()
        try? FileManager.default.removeItem(atPath: file)
        try FileManager.default.moveItem(atPath: made, toPath: file)
    }

    private func addRows(_ n: Int, _ now: Instant, _ tx: StoreTurn) throws {
        let home = HomeID("home-\(n)")
        let citizen = PersonID("home-\(n)-citizen")
        try tx.save(Home(id: home, circle: CircleID("bench-street"), zone: "UTC", address: nil, position: nil, addedAt: now))
        try tx.save(Person(id: citizen, kind: .citizen, name: "Citizen of \(home)", home: home, addedAt: now))
        for device in Self.devices.prefix(devicesPerHome) {
            let id = DeviceID(Int32(try tx.next("device")))
            var claimed = Device(
                id: id, home: home, address: "zigbee2mqtt/\(device)", convention: "zigbee2mqtt", expected: nil, citizens: [citizen],
                claimedAt: now)
            // As a claim writes it down; without it each device would be written again with its first message.
            claimed.bridge = "zigbee2mqtt/bridge"
            try tx.save(claimed)
            try tx.claim(id, citizen: citizen, by: "bench", at: now)
        }
    }

    private func addByCommands(_ store: Store, _ helper: Place.Login) throws {
        let files = SharedFiles()
        let settings = GatewayConfiguration()
        var log = Logger(label: "bench")
        log.logLevel = .error
        let engine = try Engine(
            store: store, catalogue: try Catalogue.load(folder: try files.devicesFolder(settings)),
            rules: try RuleBook.load(file: try files.rulesFile(settings)), configuration: settings, now: SystemClock().wall(), log: log)
        func say(_ command: Command, as person: String? = nil) throws {
            let caller = Caller(uid: 0, actingAs: person.map { PersonID($0) })
            let reply = engine.perform(command, by: caller, operatorUIDs: [0])
            guard reply.outcome == .done else { throw BenchProblem(description: reply.say.joined(separator: " ")) }
        }
        try say(.circleAdd(circle: "bench-street", title: "Bench Street"))
        try say(
            .helperAdd(
                helper: helper.user, name: "Maria Lopez", circles: ["bench-street"], uid: nil, latitude: nil, longitude: nil,
                hours: [], ntfy: nil))
        for n in 0..<Self.sosHomes {
            let home = "sos-\(n)"
            try say(.homeAdd(home: home, circle: "bench-street", zone: "UTC", address: nil, latitude: nil, longitude: nil))
            try say(.citizenAdd(citizen: "\(home)-citizen", home: home, name: "Citizen of \(home)", uid: nil))
            try say(.deviceClaim(home: home, device: "zigbee2mqtt/SOS button", citizens: ["\(home)-citizen"], expected: nil))
            try say(
                .consentGrant(
                    ConsentDraft(
                        citizen: nil, to: ["circle:bench-street"], purposes: ["emergency-response"], data: ["safety"], detail: nil, stage: nil, hours: [],
                        from: nil, until: nil)), as: "\(home)-citizen")
        }
    }

    /// Puts that database under a gateway that is not running.
    static func lay(_ file: String, in place: Place) throws {
        for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: place.database + end) }
        try FileManager.default.copyItem(atPath: file, toPath: place.database)
    }
}
