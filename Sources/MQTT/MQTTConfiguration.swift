/// Everything an `MQTTClient` has to be told. Checked when the client is made.
public struct MQTTConfiguration: Sendable {
    /// When the broker sends retained messages for a subscription.
    public enum RetainHandling: UInt8, Sendable, Hashable {
        case always = 0
        /// Only when the session did not hold this subscription yet: a reconnect replays nothing.
        case onlyIfNew = 1
        case never = 2
    }

    public struct Subscription: Sendable, Hashable {
        public var filter: TopicFilter
        /// 0 or 1. QoS 2 is refused: its handshake acknowledges in two steps, of which only one follows a commit.
        public var qos: UInt8
        /// Do not send back what this client itself published.
        public var noLocal: Bool
        public var retainHandling: RetainHandling

        public init(
            _ filter: TopicFilter, qos: UInt8 = 1, noLocal: Bool = false,
            retainHandling: RetainHandling = .onlyIfNew
        ) {
            self.filter = filter
            self.qos = qos
            self.noLocal = noLocal
            self.retainHandling = retainHandling
        }
    }

    /// What the broker publishes when the connection ends without a DISCONNECT.
    public struct Will: Sendable, Hashable {
        public var topic: Topic
        public var payload: [UInt8]
        public var qos: UInt8
        public var retain: Bool

        public init(topic: Topic, payload: [UInt8], qos: UInt8 = 1, retain: Bool = true) {
            self.topic = topic
            self.payload = payload
            self.qos = qos
            self.retain = retain
        }
    }

    public struct TLS: Sendable, Hashable {
        public enum Version: String, Sendable, Hashable {
            case v1_2 = "tlsv1.2"
            case v1_3 = "tlsv1.3"
        }
        /// The authority that signed the broker's certificate, PEM. The host name is always verified.
        public var caFile: String
        /// The client's own certificate and key, PEM; both or neither.
        public var certificateFile: String?
        public var keyFile: String?
        public var minimumVersion: Version

        public init(
            caFile: String, certificateFile: String? = nil, keyFile: String? = nil, minimumVersion: Version = .v1_2
        ) {
            self.caFile = caFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.minimumVersion = minimumVersion
        }
    }

    /// An address, or a name that resolves at once: libmosquitto looks names up on the calling thread.
    public var host = "127.0.0.1"
    public var port = 1883
    /// Names the session at the broker. Two clients with one id throw each other out.
    public var clientID: String
    public var username: String?
    public var password: String?
    /// 5 to 65 535 seconds. No hand-over may last longer.
    public var keepAliveSeconds = 30
    /// How long the broker keeps session and queue after the connection ended.
    public var sessionExpirySeconds: UInt32 = 7 * 24 * 3600
    public var subscriptions: [Subscription] = []
    /// Unsubscribed after every connect, because the session may still hold them from an earlier configuration.
    /// A filter that is also in `subscriptions` stays.
    public var filtersToRemove: [TopicFilter] = []
    public var will: Will?
    public var tls: TLS?

    public var burstMessagesMax = Burst.burstMessagesMaxDefault
    public var burstBytesMax = Burst.burstBytesMaxDefault
    /// Messages of the bursts that are acknowledged together while a backlog is taken; see `MQTTClient.pass`. At most
    /// 65 534, which is how many the broker is told that it may leave unacknowledged.
    public var groupMessagesMax = 49_152
    /// Messages published and not yet confirmed by the broker, 1 to 65 535.
    public var publishQueueMax = 1000

    public var reconnectDelayFirstMilliseconds = 250
    public var reconnectDelayMaxMilliseconds = 30_000
    /// Each delay is lengthened by a random share of up to this much of it, so that many clients do not return at once.
    public var reconnectJitter = 0.25
    /// From the first packet to the broker's answer.
    public var connectTimeoutMilliseconds = 10_000

    /// What MQTT can carry as a will, in bytes.
    static let willBytesMax = 65_535

    public init(clientID: String) { self.clientID = clientID }

    /// - Throws: `MQTTFailure.configuration`, naming the first setting that cannot be used.
    func check() throws(MQTTFailure) {
        func require(_ isTrue: Bool, _ setting: String, _ rule: String) throws(MQTTFailure) {
            if !isTrue { throw .configuration(setting: setting, rule: rule) }
        }
        func isText(_ text: String?) -> Bool { !(text ?? "").utf8.contains(0) }
        try require(!host.isEmpty && isText(host), "host", "must not be empty")
        try require((1...65_535).contains(port), "port", "must be 1 to 65535")
        try require(
            (1...65_535).contains(clientID.utf8.count) && isText(clientID), "clientID", "must have 1 to 65535 bytes")
        try require(isText(username) && isText(password), "username and password", "must not contain NUL")
        try require(password == nil || username != nil, "password", "needs a username")
        try require((5...65_535).contains(keepAliveSeconds), "keepAliveSeconds", "must be 5 to 65535")
        try require(subscriptions.allSatisfy { $0.qos <= 1 }, "subscriptions", "must have QoS 0 or 1")
        try require((will?.qos ?? 0) <= 1, "will", "must have QoS 0 or 1")
        try require((will?.payload.count ?? 0) <= Self.willBytesMax, "will", "must have at most 65535 bytes")
        try require(
            (tls?.certificateFile == nil) == (tls?.keyFile == nil), "tls",
            "needs certificateFile and keyFile, or neither")
        try require(burstMessagesMax >= 1 && burstBytesMax >= 1, "burst limits", "must be at least 1")
        try require((1..<65_535).contains(groupMessagesMax), "groupMessagesMax", "must be 1 to 65534")
        try require((1...65_535).contains(publishQueueMax), "publishQueueMax", "must be 1 to 65535")
        try require(
            reconnectDelayFirstMilliseconds >= 1 && reconnectDelayMaxMilliseconds >= reconnectDelayFirstMilliseconds
                && reconnectDelayMaxMilliseconds <= 3_600_000,
            "reconnect delays", "must be at least 1 ms, ascending, and at most an hour")
        try require((0...1).contains(reconnectJitter), "reconnectJitter", "must be 0 to 1")
        try require(
            (100...600_000).contains(connectTimeoutMilliseconds), "connectTimeoutMilliseconds",
            "must be 100 to 600000")
    }
}
