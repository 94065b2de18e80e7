import Care
import CareTesting
import Foundation

/// A small street in a folder of its own: the real gateway, the real broker with the configuration that is
/// shipped, and the command line, each as a process.
final class Street {
    let folder: URL
    let broker: TestBroker
    private(set) var gateway: Running?
    /// Passwords by login, as `home add` and `helper add` printed them.
    private(set) var passwords: [String: String] = [:]
    private var runs = 0
    private var starts = 0
    private let environment: [String: String]
    private var hasDisk = false

    var data: String { folder.appendingPathComponent("data").path }
    var loginsFile: URL { folder.appendingPathComponent("logins.jsonl") }
    /// What the gateway has logged since it was started last.
    var log: String { gateway?.err ?? "" }

    /// - Parameters:
    ///   - brokerRuns: false: the gateway is started, the broker is not.
    ///   - gatewayRuns: false: only the folder is made.
    ///   - environment: what the gateway is started with, each time.
    ///   - diskMebibytes: the data folder is a disk of its own of this size; only root can make one.
    init(brokerRuns: Bool = true, gatewayRuns: Bool = true, environment: [String: String] = [:], diskMebibytes: Int? = nil) throws {
        self.environment = environment
        folder = try Places.newFolder()
        let shipped = Places.repository.appendingPathComponent("config/mosquitto.conf")
        // As scripts/run does it: the broker reads its users where the gateway writes them.
        let text = try String(contentsOf: shipped, encoding: .utf8).replacingOccurrences(
            of: "var/mosquitto", with: folder.appendingPathComponent("data/mosquitto").path)
        broker = try TestBroker.start(configuration: .text(text), startNow: false)
        if let diskMebibytes {
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            hasDisk = mount("tmpfs", data, "tmpfs", 0, "size=\(diskMebibytes)m,mode=700") == 0
            guard hasDisk else { throw Failure(description: "No disk of its own could be mounted: \(String(cString: strerror(errno))).") }
        }
        guard gatewayRuns else { return }
        do {
            try startGateway(untilConnected: false)
            guard brokerRuns else { return }
            try startBroker()
            try waitUntilConnected()
        } catch {
            let told = "\(error)\n\(log)"
            close()
            throw Failure(description: told)
        }
    }

    /// To be called at the end of each test; it also keeps the street alive until then.
    func close() {
        gateway?.signal(SIGKILL)
        broker.kill()
        if hasDisk { umount2(data, Int32(MNT_DETACH)) }
        try? FileManager.default.removeItem(at: folder)
    }

    // MARK: The gateway

    /// Starts it and waits until it answers on its socket.
    func startGateway(
        _ arguments: [String] = [], environment: [String: String] = [:], untilConnected: Bool = true
    ) throws {
        starts += 1
        let started = try Running(
            Places.program("caringd"), ["--data", data, "--mqtt", "127.0.0.1:\(broker.port)"] + arguments,
            environment: self.environment.merging(environment) { $1 }, folder: folder, name: "caringd-\(starts)")
        gateway = started
        try eventually("the gateway to answer") {
            if !started.isRunning { throw Failure(description: "caringd ended at once: \(started.err)") }
            return FileManager.default.fileExists(atPath: data + "/caring.sock")
                && FileManager.default.fileExists(atPath: data + "/mosquitto/passwords")
                && caring("status").code == 0
        }
        if untilConnected { try waitUntilConnected() }
    }

    func waitUntilConnected() throws {
        try eventually("the gateway to reach the broker") { try status("connected") == .bool(true) }
    }

    /// One value of `caring status --json`.
    func status(_ key: String) throws -> JSON? { try ask("status").first?[key] }

    func killGateway() throws {
        gateway?.signal(SIGKILL)
        try gateway?.waitForEnd()
    }

    /// SIGTERM. - Returns: exit code and seconds.
    func stopGateway() throws -> (code: Int32, seconds: Double) {
        guard let gateway else { throw Failure(description: "The gateway was not started.") }
        gateway.signal(SIGTERM)
        let seconds = try gateway.waitForEnd()
        return (gateway.process.terminationStatus, seconds)
    }

    // MARK: The broker

    /// Starts or restarts it. What is in the data folder it finds again.
    func startBroker() throws { try broker.restart() }

    // MARK: The command line

    /// Runs `caring` on this street and waits for its end.
    func caring(_ arguments: String..., environment: [String: String] = [:]) -> Ran { run(arguments, environment) }

    func run(_ arguments: [String], _ environment: [String: String] = [:]) -> Ran {
        do {
            return try start(arguments, environment).ended()
        } catch {
            return Ran(code: -1, out: "", err: "\(error)")
        }
    }

    /// Starts `caring` without waiting for it.
    func start(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Running {
        runs += 1
        // What works without a gateway has no data folder.
        let needsNoGateway =
            ["replay", "simulate"].contains(arguments.first) || (arguments.first == "device" && ["try", "lint", "table"].contains(arguments.dropFirst().first))
        let place = needsNoGateway ? [] : ["--data", data]
        return try Running(
            Places.program("caring"), arguments + place, environment: environment, folder: folder, name: "caring-\(runs)")
    }

    /// What a command prints with `--json`; throws unless it ended with 0.
    @discardableResult
    func ask(_ arguments: String...) throws -> [JSON] {
        let ran = run(arguments + ["--json"])
        guard ran.code == 0 else {
            throw Failure(description: "caring \(arguments.joined(separator: " ")) ended with \(ran.code): \(ran.err)\(log)")
        }
        return try ran.items()
    }

    /// Sentences of a command; throws unless it ended with 0.
    func sentences(_ arguments: String...) throws -> String {
        let ran = run(arguments)
        guard ran.code == 0 else {
            throw Failure(description: "caring \(arguments.joined(separator: " ")) ended with \(ran.code): \(ran.err)")
        }
        return ran.out
    }

    // MARK: People

    /// Runs a command that prints a login, and keeps that.
    func add(_ arguments: String...) throws { try addLogin(arguments) }

    /// One home with one citizen: `oak-1`, where Ada lives with these devices.
    func addAda(devices: [String] = ["zigbee2mqtt/SOS button"]) throws {
        try ask("circle", "add", "oak-street", "--title", "Oak Street")
        try add("home", "add", "oak-1", "--circle", "oak-street", "--address", "1 Oak Street", "--at", "51.4800,-0.1900")
        try ask("citizen", "add", "ada", "--home", "oak-1", "--name", "Ada Brown")
        for device in devices { try ask("device", "claim", device, "--as", "ada") }
    }

    /// Maria lives nearest, then Tom; Carla runs the scheme. Ada lets her street come.
    func addHelpers(phone: String? = nil) throws {
        let posting = phone.map { ["--ntfy", $0] } ?? []
        let maria = ["helper", "add", "maria", "--name", "Maria Lopez", "--circle", "oak-street", "--at", "51.4803,-0.1901"]
        try addLogin(maria + posting)
        try add("helper", "add", "tom", "--name", "Tom Field", "--circle", "oak-street", "--at", "51.4820,-0.1910")
        try add("coordinator", "add", "carla", "--name", "Carla Stone")
    }

    private func addLogin(_ arguments: [String]) throws {
        let ran = run(arguments + ["--json"])
        guard ran.code == 0, let item = try ran.items().first, let login = item["login"]?.string,
            let password = item["password"]?.string
        else { throw Failure(description: "caring \(arguments) printed no login: \(ran.out)\(ran.err)") }
        passwords[login] = password
        let before = (try? Data(contentsOf: loginsFile)) ?? Data()
        try (before + Data(ran.out.utf8)).write(to: loginsFile)
    }

    /// - Returns: the ids of the records: what happened, and name and address.
    @discardableResult
    func adaPermits() throws -> (what: String, identity: String) {
        let street = ["consent", "grant", "--as", "ada", "--to", "circle:oak-street", "--purpose", "emergency-response"]
        func grant(_ more: [String]) throws -> String {
            let ran = run(street + more + ["--json"])
            guard ran.code == 0, let id = try ran.items().first?["consent"]?.string else {
                throw Failure(description: "The consent was not taken: \(ran.out)\(ran.err)")
            }
            return id
        }
        return (try grant(["--about", "safety"]), try grant(["--about", "identity", "--stage", "accepted"]))
    }

    static let sosTopic = "homes/oak-1/zigbee2mqtt/SOS button"
    static let sosPayload = #"{"action":"emergency","battery":97,"linkquality":142}"#
}
