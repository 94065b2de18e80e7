import CareTesting
import Foundation
import MQTT
import Testing

/// With certificates made for the occasion by `openssl`.
@Suite(.serialized) struct TLSTests {
    private func openssl(_ arguments: String, in folder: URL) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = folder
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
    func aCertificateIsVerifiedAndMessagesFlow() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["broker", "stranger"] {
            try openssl(
                "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=\(name) -addext subjectAltName=IP:127.0.0.1 "
                    + "-keyout \(name).key -out \(name).crt", in: folder)
        }
        let broker = try TestBroker.start(configuration: .text(Self.configuration(folder)))
        var configuration = try TestClient.configuration(broker, subscribe: ["homes/#"])
        configuration.tls = .init(caFile: "\(folder.path)/stranger.crt", minimumVersion: .v1_3)
        let deceived = try TestClient(configuration)
        try deceived.passUntil { !deceived.events.isEmpty }
        guard case .unreachable(let failure) = deceived.events.first else {
            Issue.record("\(deceived.events)")
            return
        }
        #expect(failure.description.contains("is not one that the authority in ca_file has signed"), "\(failure.debugDescription)")

        configuration.tls = .init(caFile: "\(folder.path)/broker.crt", minimumVersion: .v1_3)
        configuration.burstMessagesMax = 100
        var gateway = try TestClient(configuration)
        try gateway.connect()
        gateway.client.disconnect()
        configuration.clientID = "home"
        configuration.subscriptions = []
        let home = try TestClient(configuration)
        try home.connect()
        for index in 0..<900 {
            try home.client.publish(topic: Topic("homes/one/n"), payload: "\(index)")
        }
        try home.passUntil { home.events.count == 902 }
        configuration.clientID = "gateway"
        configuration.subscriptions = [.init(try TopicFilter("homes/#"))]
        gateway = try TestClient(configuration)
        try gateway.passUntil { gateway.messages.count == 900 }
        #expect(gateway.messages.map(\.payload) == (0..<900).map { "\($0)" })
        #expect(gateway.events.first == .connected(sessionPresent: true))
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
    func aCertificateThatHasExpiredIsSaid() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try openssl("req -new -newkey rsa:2048 -nodes -subj /CN=broker -addext subjectAltName=IP:127.0.0.1 -keyout broker.key -out broker.csr", in: folder)
        try openssl("x509 -req -in broker.csr -signkey broker.key -days -1 -copy_extensions copy -out broker.crt", in: folder)
        let broker = try TestBroker.start(configuration: .text(Self.configuration(folder)))
        var configuration = try TestClient.configuration(broker)
        configuration.tls = .init(caFile: "\(folder.path)/broker.crt")
        let client = try TestClient(configuration)
        try client.passUntil { !client.events.isEmpty }
        #expect(client.events.first == .unreachable(.certificate(problem: 10)))
        // The broker gets another one; the client finds its way by itself.
        try openssl("x509 -req -in broker.csr -signkey broker.key -days 2 -copy_extensions copy -out broker.crt", in: folder)
        try broker.restart()
        try client.connect()
    }

    /// A server that speaks TLS 1.2 and nothing newer; Mosquitto cannot be told to.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")), arguments: [true, false])
    func anOlderVersionThanTheLeastIsNotSpoken(_ isAllowed: Bool) throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=broker -addext subjectAltName=IP:127.0.0.1 -keyout broker.key -out broker.crt", in: folder)
        let port = try TestBroker.freePort()
        let server = Process()
        server.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        server.arguments = "s_server -tls1_2 -quiet -accept 127.0.0.1:\(port) -cert broker.crt -key broker.key".split(separator: " ").map(String.init)
        server.currentDirectoryURL = folder
        let heard = Pipe()
        server.standardOutput = heard
        server.standardError = FileHandle.nullDevice
        server.standardInput = Pipe()
        try server.run()
        defer { server.terminate() }
        var configuration = MQTTConfiguration(clientID: "gateway")
        configuration.port = port
        configuration.reconnectDelayFirstMilliseconds = 10
        configuration.reconnectDelayMaxMilliseconds = 50
        configuration.tls = .init(caFile: "\(folder.path)/broker.crt", minimumVersion: isAllowed ? .v1_2 : .v1_3)
        let client = try TestClient(configuration)
        if isAllowed {
            _ = fcntl(heard.fileHandleForReading.fileDescriptor, F_SETFL, O_NONBLOCK)
            var text = ""
            var buffer = [UInt8](repeating: 0, count: 4_096)
            try client.passUntil {
                let count = read(heard.fileHandleForReading.fileDescriptor, &buffer, buffer.count)
                text += String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
                return text.contains("MQTT")
            }
        } else {
            func isRefusal(_ event: MQTTEvent) -> Bool {
                if case .unreachable(.library(_, code: 8, _)) = event { true } else { false }
            }
            try client.passUntil { client.has(isRefusal) }
        }
    }

    /// Something listens there and hangs up at once: a proxy whose broker is away, say.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
    func aHandshakeThatIsCutShortEndsTheAttempt() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x -keyout broker.key -out broker.crt", in: folder)
        let broker = try FakeBroker()
        var configuration = MQTTConfiguration(clientID: "gateway")
        configuration.port = broker.port
        configuration.reconnectDelayFirstMilliseconds = 1
        configuration.reconnectDelayMaxMilliseconds = 10
        configuration.tls = .init(caFile: "\(folder.path)/broker.crt")
        let client = try TestClient(configuration)
        for attempt in 1...4 {
            try client.passUntil { broker.isAsked }
            try broker.accept()
            // With and without the hello having arrived, which decides whether the end is an end or a reset.
            if attempt % 2 == 0 { client.pass() }
            broker.hangUp()
            try client.passUntil { client.events.count == attempt }
        }
        #expect(client.events.allSatisfy { if case .unreachable = $0 { true } else { false } })
    }

    private static func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    private static func configuration(_ folder: URL) -> String {
        """
        listener 1883 127.0.0.1
        certfile \(folder.path)/broker.crt
        keyfile \(folder.path)/broker.key
        allow_anonymous true
        max_queued_messages 100000
        max_inflight_messages 0
        """
    }
}
