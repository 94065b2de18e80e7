import Care
import MQTT
import Notify
import Store

// What the gateway asks of the broker, and how words reach it.
extension GatewayService {
    var wantedFilters: [String] { configuration.topics + ["helpers/+/answers", "helpers/+/alerts/+", Engine.markerTopic] }

    func mqttConfiguration(_ password: String, _ store: Store) throws -> MQTTConfiguration {
        var mqtt = MQTTConfiguration(clientID: "caring-gateway")
        mqtt.host = configuration.mqttHost
        mqtt.port = configuration.mqttPort
        mqtt.username = configuration.mqttUser
        mqtt.password = password
        mqtt.burstMessagesMax = configuration.limits.burstMessagesMax
        for filter in configuration.topics {
            mqtt.subscriptions.append(.init(try TopicFilter(filter), qos: 1, noLocal: true, retainHandling: .onlyIfNew))
        }
        mqtt.subscriptions.append(.init(try TopicFilter("helpers/+/answers"), qos: 1, noLocal: true, retainHandling: .never))
        // What lies retained for helpers is looked at on each start, and taken away where it should not be.
        mqtt.subscriptions.append(.init(try TopicFilter("helpers/+/alerts/+"), qos: 1, noLocal: true, retainHandling: .always))
        mqtt.subscriptions.append(.init(try TopicFilter(Engine.markerTopic), qos: 1, noLocal: false, retainHandling: .never))
        mqtt.filtersToRemove = try store.read { try $0.subscriptions() }.filter { !wantedFilters.contains($0) }.map { try TopicFilter($0) }
        mqtt.will = .init(topic: try Topic("gateway/status"), payload: Array("offline".utf8), qos: 1, retain: true)
        if let tls = configuration.tls {
            mqtt.tls = .init(
                caFile: tls.caFile, certificateFile: tls.certificateFile, keyFile: tls.keyFile,
                minimumVersion: tls.minimumVersion == .v1_3 ? .v1_3 : .v1_2)
        }
        return mqtt
    }
}

/// The real way out: the broker's connection, and phones.
final class LiveOutbound: Outbound {
    private let client: MQTTClient
    private let phones: HTTPNotifier
    private let done: @Sendable (NoticeID, PhoneOutcome) -> Void

    init(client: MQTTClient, phones: HTTPNotifier, done: @escaping @Sendable (NoticeID, PhoneOutcome) -> Void) {
        self.client = client
        self.phones = phones
        self.done = done
    }

    func publish(_ publication: Publication) throws -> Int32 {
        let mid = try client.publish(
            topic: Topic(publication.topic), payload: publication.payload, qos: publication.qos, retain: publication.retain,
            expirySeconds: publication.expirySeconds)
        try client.flush()
        return mid
    }

    func post(_ message: PhoneMessage, for notice: NoticeID) {
        let (phones, done) = (self.phones, self.done)
        Task { done(notice, await phones.post(message)) }
    }
}
