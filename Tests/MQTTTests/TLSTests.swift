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
        let folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["broker", "stranger"] {
            try openssl(
                "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=\(name) -addext subjectAltName=IP:127.0.0.1 "
                    + "-keyout \(name).key -out \(name).crt", in: folder)
        }
        let broker = try TestBroker.start(
            configuration: .text(
                """
                listener 1883 127.0.0.1
                certfile \(folder.path)/broker.crt
                keyfile \(folder.path)/broker.key
                allow_anonymous true
                max_queued_messages 100000
                max_inflight_messages 0
                """))
        var configuration = try TestClient.configuration(broker, subscribe: ["homes/#"])
        configuration.tls = .init(caFile: "\(folder.path)/stranger.crt", minimumVersion: .v1_3)
        let deceived = try TestClient(configuration)
        try deceived.passUntil { !deceived.events.isEmpty }
        guard case .unreachable(let failure) = deceived.events.first else {
            Issue.record("\(deceived.events)")
            return
        }
        #expect(!failure.description.isEmpty)

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
}
