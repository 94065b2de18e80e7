/// What a pass of the client has to report, in the order in which it happened.
public enum MQTTEvent: Sendable, Hashable {
    /// The broker accepted the connection. Returned before any message of this connection is handed over.
    /// `sessionPresent` false: the broker kept nothing, what was published in the meantime is lost.
    case connected(sessionPresent: Bool)
    /// All subscriptions are answered; refused ones were reported before this.
    case subscribed
    case subscriptionRefused(filter: TopicFilter, reasonCode: UInt8)
    /// The broker answered and said no, e.g. to the password. Tried again after a delay.
    case connectionRefused(MQTTFailure)
    /// No broker answered. Tried again after a delay.
    case unreachable(MQTTFailure)
    /// The connection was lost. Publishes not yet `.published` are unknown and their ids void.
    case disconnected(MQTTFailure)
    /// Another client connected with the same client id. Tried again only after the longest delay, so that
    /// two clients do not throw each other out in turns. A broker may say so; Mosquitto 2.0.11 only closes the
    /// socket, so that this is also what three connections in a row that were closed within seconds are taken for.
    case takenOver
    /// The broker has the message (QoS 1), or it was written to the socket (QoS 0).
    case published(mid: Int32)
    /// The broker did not take the message, e.g. because it may not be published there.
    case publishRefused(mid: Int32, reasonCode: UInt8)
    /// The hand-over threw (this is the type of its error), nothing of its burst was acknowledged, and the
    /// connection was dropped, so that the broker sends the burst again.
    case brokenOff(String)
}

/// Why the connection is not there, or something could not be done with it. Holds no payload, no topic,
/// no user name.
public enum MQTTFailure: Error, Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    case configuration(setting: String, rule: String)
    /// The broker's MQTT 5 reason code, 128 or above.
    case reason(code: UInt8, text: String)
    /// libmosquitto's result of a call.
    case library(call: String, code: Int32, text: String)
    case system(call: String, errno: Int32)
    /// The broker's certificate was not accepted; OpenSSL's number for why.
    case certificate(problem: Int)
    /// Milliseconds.
    case noAnswer(after: Int)
    case notConnected
    /// A call that may not happen between reading a burst and committing it.
    case insideBurst
    /// As many messages as `publishQueueMax` wait for the broker.
    case queueFull(publishQueueMax: Int)
    /// The broker does not take packets of this size.
    case tooLarge(payloadBytes: Int)

    /// One sentence for the one who runs the gateway, saying what to do.
    public var description: String {
        switch self {
        case .configuration(let setting, let rule): "The MQTT setting \(setting) \(rule): correct it."
        case .reason(code: 0x86, _), .reason(code: 0x87, _):
            "The broker refused the gateway: check its user name, password and access list."
        case .reason(code: 0x85, _): "The broker refused the client id: choose another one."
        case .reason: "The broker ended the connection: see its log."
        case .library(_, code: 8, _), .library(_, code: 23, _):
            "No secure connection to the broker: check the certificate files, their dates, the host name and the TLS version."
        case .certificate(problem: 9):
            "The broker's certificate is not valid yet: check its dates and the clock of this machine."
        case .certificate(problem: 10):
            "The broker's certificate has expired: renew it, or check the clock of this machine."
        case .certificate(problem: 18), .certificate(problem: 19), .certificate(problem: 20), .certificate(problem: 21):
            "The broker's certificate is not one that the authority in ca_file has signed: check both files."
        case .certificate:
            "The broker's certificate was not accepted: check the certificate files, their dates and the host name."
        case .library, .system: "The connection to the broker failed: check that it is running and can be reached."
        case .noAnswer: "The broker does not answer: check its address, and that nothing on the way blocks it."
        case .notConnected: "There is no connection to the broker: try again later."
        case .insideBurst: "The messages being recorded come first: try again after them."
        case .queueFull: "Too many messages wait for the broker: try again later."
        case .tooLarge: "The message is too large for the broker: shorten it, or raise max_packet_size."
        }
    }

    public var debugDescription: String {
        switch self {
        case .configuration(let setting, let rule): "MQTTFailure: \(setting) \(rule)"
        case .reason(let code, let text): "MQTTFailure: reason code \(code): \(text)"
        case .library(let call, let code, let text): "MQTTFailure: \(call) returned \(code): \(text)"
        case .system(let call, let errno): "MQTTFailure: \(call): errno \(errno)"
        case .certificate(let problem): "MQTTFailure: the broker's certificate was not accepted, X509 error \(problem)"
        case .noAnswer(let after): "MQTTFailure: no CONNACK after \(after) ms"
        case .notConnected: "MQTTFailure: not connected"
        case .insideBurst: "MQTTFailure: called between reading a burst and committing it"
        case .queueFull(let max): "MQTTFailure: \(max) publishes unconfirmed"
        case .tooLarge(let bytes): "MQTTFailure: payload of \(bytes) bytes exceeds the broker's packet size"
        }
    }
}
