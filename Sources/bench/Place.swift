import Care
import Foundation
import Gateway
import MQTT

/// A folder of its own with a broker and, when asked for, a gateway. All of it goes with `close()`.
final class Place {
    let folder: String
    let port: Int
    let binaries: String
    private(set) var broker: Child
    private(set) var gateway: Child?

    var data: String { folder + "/var" }
    var database: String { data + "/caring.sqlite" }

    /// Starts a broker from `config/mosquitto.conf`: only its port and its folder are others.
    init(binaries: String) throws {
        self.binaries = binaries
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("caring-bench-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder + "/var/mosquitto", withIntermediateDirectories: true)
        port = try freePort()
        let own = try String(contentsOfFile: "config/mosquitto.conf", encoding: .utf8)
        var lines = own.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for i in lines.indices where lines[i].hasPrefix("listener ") { lines[i] = "listener \(port) 127.0.0.1" }
        // As root Mosquitto would give up its rights and then not read files that only root may read.
        if geteuid() == 0 { lines.append("user root") }
        try (lines.joined(separator: "\n") + "\n").write(toFile: folder + "/mosquitto.conf", atomically: true, encoding: .utf8)
        var configuration = GatewayConfiguration()
        configuration.dataFolder = folder + "/var"
        let password = BrokerAccess.newPassword()
        try (password + "\n").write(toFile: configuration.loginFile, atomically: true, encoding: .utf8)
        login = Login(user: configuration.mqttUser, password: password)
        helper = Login(user: "maria", password: BrokerAccess.newPassword())
        try BrokerAccess(folder: configuration.brokerFolderUsed, gatewayUser: configuration.mqttUser).write(
            homes: [], helpers: [(helper.user, try BrokerAccess.hash(helper.password))], gatewayHash: try BrokerAccess.hash(password))
        broker = try Child(try tool("mosquitto"), ["-c", folder + "/mosquitto.conf"], folder: folder)
        try broker.wait(for: "mosquitto version", "running", seconds: 15)
    }

    struct Login {
        var user: String
        var password: String
    }
    /// The gateway's own, which may write for every home; and a helper's.
    let login: Login
    let helper: Login

    func close() {
        stopGateway()
        broker.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: The gateway

    /// Starts the real daemon.
    /// - Returns: when the broker let it in, monotonic nanoseconds.
    @discardableResult
    func startGateway(homesMax: Int = 2_000) throws -> Int64 {
        let place = broker.place
        let gateway = try Child(
            "\(binaries)/caringd", ["--data", data, "--mqtt", "127.0.0.1:\(port)"],
            environment: ["CARING_LIMITS_HOMES_MAX": "\(max(homesMax, 2_000))"])
        self.gateway = gateway
        // It says so itself; should it end before that, the reason is told instead of a minute waited.
        try gateway.wait(for: "Connected to the broker.")
        return try broker.wait(for: "New client connected", "caring-gateway", from: place).nanoseconds
    }

    func killGateway() {
        gateway?.kill()
        gateway = nil
    }

    /// Ends it with SIGTERM; its session at the broker stays.
    func stopGateway() {
        gateway?.stop()
        gateway = nil
    }

    /// Waits for the next copy of the broker's memory to its disk, so that none falls into the ten seconds after:
    /// it stops the broker for as long as its queue is large, and would hit one measurement and not the other.
    func waitForBrokersSave() throws {
        try broker.wait(for: "Saving in-memory database", from: broker.place, seconds: 30)
        // The line comes before the copy; an answer after it.
        let probe = try Client("bench-probe", login, port)
        probe.leave()
    }

    /// What `caring status --json` shows.
    func status() throws -> JSON {
        let body = try get("/v1/status", socket: data + "/caring.sock")
        guard let item = try JSONDecoder().decode(Reply.self, from: body).items.first else {
            throw BenchProblem(description: "The gateway says nothing of its status.")
        }
        return item
    }

    func waitForStatus(seconds: Double = 60, everyMilliseconds: UInt32 = 20, _ isGood: (JSON) -> Bool) throws {
        let ends = Date(timeIntervalSinceNow: seconds)
        while true {
            if let status = try? status(), isGood(status) { return }
            if Date() > ends { throw BenchProblem(description: "The gateway did not get there: \((try? status().text) ?? "no status").") }
            usleep(everyMilliseconds * 1_000)
        }
    }
}

/// A port of 127.0.0.1 that nobody listens on at this moment.
private func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw BenchProblem(description: "There is no socket to be had (errno \(errno)).") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0 }
    }
    guard isBound else { throw BenchProblem(description: "No port is free (errno \(errno)).") }
    return Int(UInt16(bigEndian: address.sin_port))
}

/// One GET over a Unix socket.
private func get(_ path: String, socket file: String) throws -> Data {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard file.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
        throw BenchProblem(description: "The path \(file) is too long for a socket; set TMPDIR to a shorter folder.")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: file.utf8) }
    let isThere = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 }
    }
    guard isThere else { throw BenchProblem(description: "The gateway's socket does not answer (errno \(errno)).") }
    let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
    guard write(descriptor, request, request.count) == request.count else { throw BenchProblem(description: "The gateway took no request.") }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count <= 0 { break }
        answer.append(contentsOf: buffer[0..<count])
    }
    guard let head = Data(answer).range(of: Data("\r\n\r\n".utf8)) else { throw BenchProblem(description: "The gateway did not answer.") }
    return Data(answer)[head.upperBound...]
}
