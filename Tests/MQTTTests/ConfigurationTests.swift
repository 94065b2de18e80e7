import Logging
import MQTT
import Testing

@Suite struct ConfigurationTests {
    static let wrong: [(String, @Sendable (inout MQTTConfiguration) -> Void)] = [
        ("host", { $0.host = "" }), ("host", { $0.host = "a\0" }), ("port", { $0.port = 0 }),
        ("port", { $0.port = 65_536 }), ("clientID", { $0.clientID = "" }), ("password", { $0.password = "x" }),
        ("keepAliveSeconds", { $0.keepAliveSeconds = 4 }), ("burst limits", { $0.burstMessagesMax = 0 }),
        ("groupMessagesMax", { $0.groupMessagesMax = 65_535 }), ("groupMessagesMax", { $0.groupMessagesMax = 0 }),
        ("publishQueueMax", { $0.publishQueueMax = 0 }), ("reconnectJitter", { $0.reconnectJitter = 2 }),
        ("reconnect delays", { $0.reconnectDelayMaxMilliseconds = 1 }),
        ("connectTimeoutMilliseconds", { $0.connectTimeoutMilliseconds = 0 }),
        ("tls", { $0.tls = .init(caFile: "ca", certificateFile: "c") }),
    ]

    @Test(arguments: 0..<wrong.count)
    func isRefused(_ index: Int) {
        let (setting, change) = Self.wrong[index]
        var configuration = MQTTConfiguration(clientID: "test")
        change(&configuration)
        do {
            _ = try MQTTClient(configuration, logger: Logger(label: "test"))
            Issue.record("\(setting) was accepted")
        } catch {
            guard case .configuration(setting, _) = error else {
                Issue.record("\(error.debugDescription)")
                return
            }
        }
    }

    @Test func qualityOfServiceTwoIsRefused() throws {
        var configuration = MQTTConfiguration(clientID: "test")
        configuration.subscriptions = [.init(try TopicFilter("a"), qos: 2)]
        #expect(throws: MQTTFailure.self) { try MQTTClient(configuration, logger: Logger(label: "test")) }
        configuration.subscriptions = []
        configuration.will = .init(topic: try Topic("a"), payload: [], qos: 2)
        #expect(throws: MQTTFailure.self) { try MQTTClient(configuration, logger: Logger(label: "test")) }
    }

    @Test func everyFailureHasTwoDescriptions() {
        let failures: [MQTTFailure] = [
            .configuration(setting: "port", rule: "must be 1 to 65535"), .reason(code: 0x87, text: "x"),
            .reason(code: 0x85, text: "x"), .reason(code: 0x80, text: "x"), .library(call: "c", code: 8, text: "x"),
            .library(call: "c", code: 1, text: "x"), .system(call: "c", errno: 1), .noAnswer(after: 1),
            .certificate(problem: 9), .certificate(problem: 10), .certificate(problem: 20), .certificate(problem: 1),
            .notConnected, .insideBurst, .queueFull(publishQueueMax: 1), .tooLarge(payloadBytes: 1),
        ]
        for failure in failures {
            #expect(failure.description.hasSuffix("."))
            #expect(failure.debugDescription.hasPrefix("MQTTFailure: "))
        }
    }
}
