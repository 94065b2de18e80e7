import Foundation

/// A real Mosquitto for tests, on a free loopback port, in a temporary folder of its own.
///
/// Not for sharing between threads. `deinit` ends the process and removes the folder.
public final class TestBroker {
    /// What the broker is told.
    public enum BrokerText: Sendable {
        /// Lets everyone in, keeps everything, and saves only when it is stopped.
        case open
        /// A configuration file such as `config/mosquitto.conf`. The broker is started in the temporary folder, so
        /// that its paths under `var/` lie there.
        case file(String)
        case text(String)
    }

    public struct User: Sendable {
        public var name: String
        public var password: String
        public init(_ name: String, password: String) {
            self.name = name
            self.password = password
        }
    }

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    /// On 127.0.0.1; stays the same over `restart()`.
    public let port: Int
    public let folder: URL
    public var passwordFile: URL { folder.appending(path: "var/mosquitto/passwords") }
    public var aclFile: URL { folder.appending(path: "var/mosquitto/acl") }
    /// The broker's own, while it runs.
    public var processID: Int32? { process?.processIdentifier }

    private static let startSecondsMax = 15.0
    private var process: Process?
    private var configurationFile: URL { folder.appending(path: "mosquitto.conf") }
    private var logFile: URL { folder.appending(path: "broker.log") }

    /// Starts a broker and waits until it answers.
    ///
    /// - Parameters:
    ///   - users: written into the password file before the start.
    ///   - acl: the text of the access list.
    ///   - startNow: false prepares everything, so that `restart()` starts it later.
    public static func start(
        configuration: BrokerText = .open, users: [User] = [], acl: String = "", startNow: Bool = true
    ) throws -> TestBroker {
        var lastError: any Error = Failure(description: "never tried")
        // Between finding a free port and the broker's bind, another process may take it.
        for _ in 1...5 {
            do {
                let broker = try TestBroker(configuration: configuration, users: users, acl: acl)
                if startNow { try broker.restart() }
                return broker
            } catch {
                lastError = error
            }
        }
        throw lastError
    }

    private init(configuration: BrokerText, users: [User], acl: String) throws {
        port = try Self.freePort()
        folder = FileManager.default.temporaryDirectory.appending(path: "test-broker-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appending(path: "var/mosquitto"), withIntermediateDirectories: true)
        var text =
            switch configuration {
            case .open: Self.openConfiguration
            case .text(let text): text
            case .file(let path): try String(contentsOfFile: path, encoding: .utf8)
            }
        text = text.replacingOccurrences(
            of: #"(?m)^listener .*$"#, with: "listener \(port) 127.0.0.1", options: .regularExpression)
        // Mosquitto would otherwise become a user who cannot write here.
        if geteuid() == 0 { text += "\nuser root\n" }
        try text.write(to: configurationFile, atomically: true, encoding: .utf8)
        try Data().write(to: passwordFile)
        for user in users { try setPassword(user) }
        try setACL(acl)
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(at: folder)
    }

    private static let openConfiguration = """
        listener 1883 127.0.0.1
        allow_anonymous true
        persistence true
        persistence_location var/mosquitto/
        autosave_interval 0
        max_queued_messages 1000000
        max_inflight_messages 0
        upgrade_outgoing_qos true
        set_tcp_nodelay true
        log_dest stderr
        log_type error
        log_type warning
        log_type notice
        log_type information
        """

    // MARK: Its life

    /// Starts it with the same port and data; one that runs is stopped before, with SIGTERM.
    public func restart() throws {
        stop()
        try Data().write(to: logFile)
        let log = try FileHandle(forWritingTo: logFile)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try Self.tool("mosquitto"))
        process.arguments = ["-c", configurationFile.path]
        process.currentDirectoryURL = folder
        process.standardOutput = log
        process.standardError = log
        try Self.runWithSignals(process)
        self.process = process
        try wait("the broker to answer") {
            if !process.isRunning { throw Failure(description: "mosquitto ended at once:\n\(self.log)") }
            return Self.answers(port: port)
        }
    }

    /// SIGTERM, so that the broker saves what it holds. Does nothing when it does not run.
    public func stop() { end(with: SIGTERM) }

    /// SIGKILL: what was not saved is lost.
    public func kill() { end(with: SIGKILL) }

    /// Makes it hang without closing a connection; `resume()` ends that.
    public func suspend() { signal(SIGSTOP) }
    public func resume() { signal(SIGCONT) }
    /// Writes down what it holds, as it does at each end of its `autosave_interval`. Returns when that is done.
    ///
    /// - Parameter file: its `mosquitto.db`, which is replaced by a new file each time.
    public func save(to file: String) throws {
        func number() -> UInt64? { (try? FileManager.default.attributesOfItem(atPath: file)[.systemFileNumber]) as? UInt64 }
        let before = number()
        signal(SIGUSR1)
        try wait("the broker to save") { number().map { $0 != before } ?? false }
    }

    /// Makes it read users and access list again, and waits until it has.
    public func reload() throws {
        let count = occurrences("Reloading config.")
        signal(SIGHUP)
        try wait("the broker to reload") { occurrences("Reloading config.") > count }
    }

    /// What it wrote since its last start.
    public var log: String { (try? String(contentsOf: logFile, encoding: .utf8)) ?? "" }

    private func occurrences(_ text: String) -> Int { log.components(separatedBy: text).count - 1 }

    private func signal(_ number: Int32) {
        if let process, process.isRunning { _ = Foundation.kill(process.processIdentifier, number) }
    }

    private func end(with number: Int32) {
        signal(number)
        // A stopped process takes SIGTERM only when it runs again.
        signal(SIGCONT)
        do {
            try wait("the broker to end") { process?.isRunning != true }
        } catch {
            signal(SIGKILL)
        }
        process = nil
    }

    // MARK: Users

    /// Adds or changes a user; the broker learns it with `reload()`.
    public func setPassword(_ user: User) throws {
        try Self.run("mosquitto_passwd", ["-b", passwordFile.path, user.name, user.password])
    }

    public func removeUser(_ name: String) throws {
        try Self.run("mosquitto_passwd", ["-D", passwordFile.path, name])
    }

    public func setACL(_ text: String) throws {
        try text.write(to: aclFile, atomically: true, encoding: .utf8)
    }

    // MARK: Helpers

    /// A port of 127.0.0.1 that nobody listens on at this moment.
    public static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if descriptor < 0 { throw Failure(description: "socket: errno \(errno)") }
        defer { close(descriptor) }
        var address = loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        if !result { throw Failure(description: "bind or getsockname: errno \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }

    private static func answers(port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if descriptor < 0 { return false }
        defer { close(descriptor) }
        var address = loopback(port: port)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func tool(_ name: String) throws -> String {
        for folder in ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"] {
            let path = "\(folder)/\(name)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw Failure(description: "\(name) is not installed: install mosquitto and mosquitto-clients")
    }

    private static func run(_ name: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try tool(name))
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        if process.terminationStatus != 0 {
            throw Failure(description: "\(name) returned \(process.terminationStatus)")
        }
    }

    /// Tests run on threads that block signals, and a child inherits what is blocked: it would not hear SIGTERM.
    private static func runWithSignals(_ process: Process) throws {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
    }

    private func wait(_ what: String, until isTrue: () throws -> Bool) throws {
        let deadline = Date().addingTimeInterval(Self.startSecondsMax)
        while try !isTrue() {
            if Date() > deadline { throw Failure(description: "waited in vain for \(what):\n\(log)") }
            usleep(5000)
        }
    }
}
