import Care
import Foundation

/// A folder of its own with a broker, the proxy in front of it, and the daemon. All of it goes with `close()`.
final class Place {
    let folder: String
    let binaries: String
    let brokerPort: Int
    let proxy: Proxy
    let clock: RunClock
    private(set) var broker: Child?
    private(set) var daemon: Daemon?
    private(set) var disk: SmallDisk?
    private(set) var passwords: [String: String] = [:]
    private var isClosed = false

    var data: String { folder + "/data" }
    var database: String { data + "/caring.sqlite" }
    /// Beside the data folder, so that a full disk there is the gateway's matter alone.
    var brokerFolder: String { folder + "/mosquitto" }
    var brokerDatabase: String { brokerFolder + "/mosquitto.db" }
    var daemonLog: String { folder + "/caringd.log" }
    var brokerLog: String { folder + "/mosquitto.log" }
    var offsetFile: String { folder + "/clock" }

    init(binaries: String, publishers: Int, clock: RunClock) throws {
        var template = Array((FileManager.default.temporaryDirectory.path + "/torture-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw TortureProblem("No folder could be made in \(FileManager.default.temporaryDirectory.path).") }
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.binaries = binaries
        self.clock = clock
        for name in ["data", "mosquitto"] { try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true) }
        brokerPort = try Socket.freePort()
        proxy = try Proxy(brokerPort: brokerPort, publishers: publishers, clock: clock)
        // config/mosquitto.conf with another port and another folder, as scripts/common.sh makes it.
        var lines = try String(contentsOfFile: "config/mosquitto.conf", encoding: .utf8).replacingOccurrences(of: "var/mosquitto", with: brokerFolder)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for i in lines.indices where lines[i].hasPrefix("listener ") { lines[i] = "listener \(brokerPort) 127.0.0.1" }
        // As root Mosquitto would give up its rights and then not read files that only root may read.
        if geteuid() == 0 { lines.append("user root") }
        try (lines.joined(separator: "\n") + "\n").write(toFile: folder + "/mosquitto.conf", atomically: true, encoding: .utf8)
        try Self.rules.write(toFile: folder + "/rules.yaml", atomically: true, encoding: .utf8)
    }

    /// Times of seconds instead of minutes, so that a short run has lapses and escalations too. Nothing that torture
    /// does may raise the second rule: movement never stops, whatever the clock says.
    private static let rules = """
        rules:
          sos:
            event: sos
            category: safety
            purpose: emergency-response
            severity: Extreme
            urgency: Immediate
            certainty: Observed
            kind: alarm button
            say: Someone has pressed their alarm button.
          no-movement:
            absence: activity
            for: 100m
            category: safety
            purpose: emergency-response
            severity: Severe
            urgency: Expected
            certainty: Possible
            kind: no movement
            say: Nobody has been seen moving.
        plans:
          standard:
            steps:
              - {who: own-circle, on_duty_only: true, at_once: 2, wait: 3s}
              - {who: everyone-permitted, at_once: 4, wait: 3s}
              - {who: coordinators, at_once: 8, wait: 4s}
            arrive_within: 6s
            resolve_within: 8s
          infrastructure:
            steps:
              - {who: coordinators, at_once: 8, wait: 4s}
            arrive_within: 6s
            resolve_within: 8s

        """

    /// - Parameter isFailed: the folder stays, with what was on the small disk.
    func close(isFailed: Bool) {
        if isClosed { return }
        isClosed = true
        daemon?.close()
        broker?.end()
        proxy.stop()
        if let disk {
            disk.empty()
            if isFailed { try? FileManager.default.copyItem(atPath: data, toPath: folder + "/data-kept") }
            disk.unmount()
        }
        if !isFailed { try? FileManager.default.removeItem(atPath: folder) }
    }

    func mountDisk(megabytes: Int) -> Bool {
        disk = SmallDisk.mount(data, megabytes: megabytes, log: folder + "/mount.log")
        return disk != nil
    }

    // MARK: The broker

    func startBroker() throws {
        guard let program = tool("mosquitto") else { throw TortureProblem("mosquitto is not installed: install mosquitto.") }
        let child = try Child(program, ["-c", folder + "/mosquitto.conf"], environment: ["PATH": "/usr/sbin:/usr/bin:/bin"], log: brokerLog)
        broker = child
        try wait("the broker to answer", seconds: 20) {
            if let ending = child.poll() { throw TortureProblem("The broker ended with \(ending); see \(self.brokerLog).") }
            guard let descriptor = Socket.connect(port: self.brokerPort) else { return false }
            Socket.close(descriptor)
            return true
        }
    }

    func killBroker() { broker?.end() }
    /// SIGTERM: it saves what it holds.
    func stopBroker() { broker?.stop() }
    func signalBroker(_ number: Int32) { broker?.signal(number) }

    // MARK: The gateway

    /// - Parameter libraries: loaded before the daemon's own.
    func startDaemon(libraries: [String] = [], environment more: [String: String] = [:]) throws {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CARING_") && $0.key != "LD_PRELOAD" }
        // Not as arguments: libfaketime adds a variable to the environment before main begins, and the Swift runtime, which
        // finds the arguments on the stack by way of the environment, then finds none.
        environment["CARING_DATA"] = data
        environment["CARING_MQTT"] = "127.0.0.1:\(proxy.port)"
        environment["CARING_BROKER"] = brokerFolder
        environment["CARING_RULES"] = folder + "/rules.yaml"
        // Every single one of them is looked for at the end.
        environment["CARING_LIMITS_UNDECODABLE_KEPT_MAX"] = "1000000"
        environment["CARING_LIMITS_UNDECODABLE_KEPT_DAYS"] = "365"
        if !libraries.isEmpty { environment["LD_PRELOAD"] = libraries.joined(separator: ":") }
        environment.merge(more) { $1 }
        let daemon = Daemon(program: binaries + "/caringd", environment: environment, log: daemonLog)
        self.daemon = daemon
        try daemon.start()
        try wait("the daemon to answer", seconds: 30) {
            if let crash = daemon.crashes.first { throw TortureProblem(crash) }
            return (try? self.status()) != nil
        }
    }

    func stopDaemon() throws {
        let ended = daemon?.stop()
        daemon?.close()
        daemon = nil
        guard ended?.ending == .code(0) else { throw TortureProblem("The daemon did not stop in order: \(ended?.ending.map { "\($0)" } ?? "it had gone").") }
    }

    /// Runs `caring` and waits for its end.
    /// - Returns: the items that it printed.
    @discardableResult
    func caring(_ arguments: String...) throws -> [JSON] { try caring(arguments) }

    private func caring(_ arguments: [String]) throws -> [JSON] {
        let output = folder + "/caring.out"
        let child = try Child(
            binaries + "/caring", arguments + ["--data", data, "--json"], environment: ["PATH": "/usr/bin:/bin"], log: folder + "/caring.log", output: output)
        guard let ending = child.waitForEnd(seconds: 30) else {
            child.end()
            throw TortureProblem("caring \(arguments.joined(separator: " ")) did not end.")
        }
        guard ending == .code(0) else { throw TortureProblem("caring \(arguments.joined(separator: " ")) ended with \(ending); see \(folder)/caring.log.") }
        return try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n").map { try JSONDecoder().decode(JSON.self, from: Data($0.utf8)) }
    }

    func status() throws -> JSON {
        guard let item = try caring("status").first else { throw TortureProblem("The gateway says nothing of its status.") }
        return item
    }

    /// Adds somebody, and keeps the password that is printed only this once.
    func addLogin(_ arguments: String...) throws {
        guard let item = try caring(arguments).first, let login = item["login"]?.string, let password = item["password"]?.string else {
            throw TortureProblem("caring \(arguments.joined(separator: " ")) printed no login.")
        }
        passwords[login] = password
    }

    func wait(_ what: String, seconds: Double, _ isTrue: () throws -> Bool) throws {
        let until = Steady.nanoseconds + Int64(seconds * 1e9)
        while try !isTrue() {
            if Interruption.isAsked { throw Interruption.problem }
            if Steady.nanoseconds > until { throw TortureProblem("Waited in vain for \(what).") }
            usleep(10_000)
        }
    }
}
