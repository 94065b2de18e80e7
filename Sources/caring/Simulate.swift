import ArgumentParser
import Care
import Foundation
import Logging
import MQTT

/// Devices that are not there, speaking as real ones do: in Zigbee2MQTT's, SenML's and the plain format, each home
/// with its own login.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Publish like the devices of some homes, each with its home's own login.",
        discussion: """
            The logins are what caring home add --json printed, one home a line. Without --event everyday messages are \
            published until Ctrl-C; with it, one event of one home.

            Example: caring simulate --logins logins.jsonl --event sos --home elm-3
            """)

    enum Event: String, ExpressibleByArgument, CaseIterable { case sos, smoke, fall, motion }

    @Option(help: ArgumentHelp("The broker.", valueName: "host:port")) var mqtt = "127.0.0.1:1883"
    @Option(help: ArgumentHelp("A file with lines of home add --json.", valueName: "file")) var logins: String
    @Option(help: "One event instead of everyday messages: sos, smoke, fall or motion.") var event: Event?
    @Option(help: "The home of the event; otherwise only this home speaks.") var home: String?
    @Option(help: ArgumentHelp("Time between two messages of one home.", valueName: "time")) var every = "3s"
    @Option(help: ArgumentHelp("Stop after so many rounds.", valueName: "n")) var rounds: Int?
    @Option(help: "What the made-up values begin from; the same seed gives the same values.") var seed: UInt64 = 1

    func validate() throws {
        guard let span = Span(every), span >= .milliseconds(10) else { throw ValidationError("--every is a length of time of 10ms or more.") }
        if event != nil && home == nil { throw ValidationError("Say in which home it happens: --home elm-3.") }
    }

    private struct Login: Decodable {
        var home: String?
        var login: String?
        var password: String?
    }

    func run() async throws {
        do { try simulate() } catch let code as ExitCode { throw code } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode.failure
        }
    }

    private struct Problem: Error, CustomStringConvertible { var description: String }

    private func simulate() throws {
        guard let text = try? String(contentsOfFile: logins, encoding: .utf8) else {
            throw Problem(description: "The file \(logins) cannot be read. Make it with: caring home add NAME --json >> \(logins)")
        }
        let parts = mqtt.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]), (1...65_535).contains(port) else {
            throw Problem(description: "--mqtt is HOST:PORT, such as 127.0.0.1:1883.")
        }
        var homes: [SimulatedHome] = []
        for line in text.split(separator: "\n") {
            guard let login = try? JSONDecoder().decode(Login.self, from: Data(line.utf8)), let name = login.home, let password = login.password,
                home == nil || home == name
            else { continue }
            homes.append(try SimulatedHome(name: name, password: password, host: String(parts[0]), port: port, seed: seed))
        }
        guard !homes.isEmpty else {
            throw Problem(description: home.map { "There is no login of a home called \($0) in \(logins)." } ?? "There is no login of a home in \(logins).")
        }
        if let event {
            try homes[0].send(homes[0].messages(event))
            homes[0].leave()
            print("\(homes[0].name): \(event.rawValue) published.")
            return
        }
        let pause = useconds_t(clamping: (Span(every) ?? .seconds(3)).milliseconds * 1_000)
        var round = 0
        while rounds.map({ round < $0 }) ?? true {
            for i in homes.indices { try homes[i].send(homes[i].everyday(round)) }
            round += 1
            if rounds != round { usleep(pause) }
        }
        for one in homes { one.leave() }
    }
}

/// One home's devices behind one login.
private final class SimulatedHome {
    let name: String
    private let client: MQTTClient
    private var random: UInt64

    init(name: String, password: String, host: String, port: Int, seed: UInt64) throws {
        self.name = name
        random = seed
        for byte in name.utf8 { random = random &* 31 &+ UInt64(byte) }
        var configuration = MQTTConfiguration(clientID: "simulated-\(name)-\(getpid())")
        configuration.host = host
        configuration.port = port
        configuration.username = name
        configuration.password = password
        configuration.sessionExpirySeconds = 0
        var log = Logger(label: "simulate")
        log.logLevel = .error
        client = try MQTTClient(configuration, logger: log)
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    private func next(below limit: UInt64) -> UInt64 {
        random &+= 0x9E37_79B9_7F4A_7C15
        var z = random
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return (z ^ (z >> 31)) % limit
    }

    func messages(_ event: SimulateCommand.Event) -> [(topic: String, payload: String)] {
        switch event {
        case .sos: [("zigbee2mqtt/SOS button", #"{"action":"emergency","battery":97,"linkquality":142}"#)]
        case .smoke: [("zigbee2mqtt/Hall smoke detector", #"{"smoke":true,"battery_low":false,"tamper":false,"linkquality":110}"#)]
        case .fall: [("senml/bedroom-radar", #"[{"bn":"bedroom-radar/","n":"fall","vb":true}]"#)]
        case .motion: [("motion/hallway", "1")]
        }
    }

    func everyday(_ round: Int) -> [(topic: String, payload: String)] {
        switch round % 4 {
        case 0: [("motion/\(["hallway", "kitchen", "bathroom", "bedroom"][Int(next(below: 4))])", "1")]
        case 1: [("zigbee2mqtt/Kitchen climate", #"{"battery":84,"humidity":\#(40 + next(below: 20)),"linkquality":\#(90 + next(below: 60)),"temperature":\#(19 + next(below: 4)).\#(next(below: 10))}"#)]
        case 2: [("vitals/heart-rate", "\(62 + next(below: 25))")]
        default: [("zigbee2mqtt/Front door", #"{"battery":91,"contact":\#(next(below: 4) > 0),"linkquality":120,"voltage":2985}"#)]
        }
    }

    /// Publishes and waits until the broker has it all.
    func send(_ messages: [(topic: String, payload: String)]) throws {
        try pass(until: "The broker does not let \(name) in: check the login and that it runs.") { client.isConnected }
        var waiting = Set<Int32>()
        for message in messages {
            waiting.insert(
                try client.publish(topic: Topic("homes/\(name)/\(message.topic)"), payload: message.payload, qos: 1, retain: false))
        }
        try pass(until: "The broker did not take what \(name) published.") { waiting.isEmpty } each: { event in
            if case .published(let mid) = event { waiting.remove(mid) }
        }
    }

    private func pass(until problem: String, isDone: () -> Bool, each: (MQTTEvent) -> Void = { _ in }) throws {
        let ends = MQTTClient.systemMonotonicNanoseconds() + 15_000_000_000
        while !isDone() {
            for event in client.pass(timeoutMilliseconds: 200, handOver: { _ in }) { each(event) }
            if MQTTClient.systemMonotonicNanoseconds() > ends { throw Failure(description: problem) }
        }
    }

    private struct Failure: Error, CustomStringConvertible { var description: String }

    func leave() { client.disconnect() }
}
