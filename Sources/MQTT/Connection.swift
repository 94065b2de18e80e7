import CMosquitto
import Glibc

/// One connection, and the libmosquitto handle made for it.
///
/// The handle is never used for a second connection: destroying it is what discards acknowledgements
/// that are queued but must not be sent. Used by one thread at a time: the client's, except that the reader's has it
/// from `Reader.begin` until `Reader.finish` has returned.
///
/// Every method checks the library's return code; nothing above this file sees one.
final class Connection {
    private let handle: OpaquePointer
    private let state: UnsafeMutablePointer<CallbackState>

    // The library wants to be initialised once in a process, before anything else. It is never cleaned up:
    // that could only happen after the last handle, which nobody knows.
    private static let libraryResult: Int32 = mosquitto_lib_init()

    /// Makes the handle, sets it up, and begins to connect without waiting.
    ///
    /// - Parameter state: must outlive this object.
    /// - Throws: `MQTTFailure.library`, also when the name of the host cannot be looked up.
    init(_ configuration: MQTTConfiguration, state: UnsafeMutablePointer<CallbackState>) throws(MQTTFailure) {
        try Self.check("mosquitto_lib_init", Self.libraryResult)
        guard let handle = mosquitto_new(configuration.clientID, false, state) else {
            throw .system(call: "mosquitto_new", errno: errno)
        }
        // From here on deinit destroys the handle, also when something below throws.
        self.handle = handle
        self.state = state
        try setUp(configuration)
        try connect(configuration)
    }

    deinit { mosquitto_destroy(handle) }

    private func setUp(_ configuration: MQTTConfiguration) throws(MQTTFailure) {
        // "Threaded" makes the library queue what it would otherwise write at once. Only therefore is an
        // acknowledgement written by `write()`, after the commit.
        try Self.check("mosquitto_threaded_set", mosquitto_threaded_set(handle, true))
        try set(MOSQ_OPT_PROTOCOL_VERSION, Int32(MQTT_PROTOCOL_V5))
        // Without it a QoS 1 message takes 40 ms and more.
        try set(MOSQ_OPT_TCP_NODELAY, 1)
        // The broker sends on while a group is not yet acknowledged; the group's own limit ends it. One less than there
        // are packet ids: so the id of what may come again is never also that of the next new message.
        try set(MOSQ_OPT_RECEIVE_MAXIMUM, 65_534)
        try set(MOSQ_OPT_SEND_MAXIMUM, Int32(configuration.publishQueueMax))
        if let username = configuration.username {
            try Self.check(
                "mosquitto_username_pw_set",
                mosquitto_username_pw_set(handle, username, configuration.password))
        }
        if let will = configuration.will {
            try Self.check(
                "mosquitto_will_set_v5",
                mosquitto_will_set_v5(
                    handle, will.topic.text, Int32(will.payload.count), will.payload, Int32(will.qos), will.retain,
                    nil))
        }
        if let tls = configuration.tls {
            try Self.check(
                "mosquitto_tls_set",
                mosquitto_tls_set(handle, tls.caFile, nil, tls.certificateFile, tls.keyFile, nil))
            let verifyPeer: Int32 = 1
            try Self.check(
                "mosquitto_tls_opts_set",
                mosquitto_tls_opts_set(handle, verifyPeer, tls.minimumVersion.rawValue, nil))
        }
        mosquitto_log_callback_set(handle, mqttOnLog)
        mosquitto_message_callback_set(handle, mqttOnMessage)
        mosquitto_connect_v5_callback_set(handle, mqttOnConnect)
        mosquitto_disconnect_v5_callback_set(handle, mqttOnDisconnect)
        mosquitto_publish_v5_callback_set(handle, mqttOnPublish)
        mosquitto_subscribe_v5_callback_set(handle, mqttOnSubscribe)
    }

    /// Version 2.0.11 has no connect that neither waits nor drops the properties: `mosquitto_connect_bind_v5`
    /// waits for TCP (two minutes, if the packets go nowhere), `mosquitto_connect_bind_async` takes no
    /// properties. But the former stores them before it looks at the port, and the latter sends what is
    /// stored. Should another version check in another order, the broker keeps no session, which the
    /// tests notice.
    private func connect(_ configuration: MQTTConfiguration) throws(MQTTFailure) {
        var properties = Properties()
        try properties.add(MQTT_PROP_SESSION_EXPIRY_INTERVAL, configuration.sessionExpirySeconds)
        let keepAlive = Int32(configuration.keepAliveSeconds)
        let portThatIsRefused: Int32 = -1
        let stored = mosquitto_connect_bind_v5(
            handle, configuration.host, portThatIsRefused, keepAlive, nil, properties.list)
        if stored != Int32(MOSQ_ERR_INVAL.rawValue) {
            try Self.check("mosquitto_connect_bind_v5", stored)
        }
        let code = mosquitto_connect_bind_async(handle, configuration.host, Int32(configuration.port), keepAlive, nil)
        // A broker on the same machine may have shown its certificate already.
        if code > 0, let problem = state.pointee.certificateProblem { throw .certificate(problem: problem) }
        try Self.check("mosquitto_connect_bind_async", code)
    }

    private func set(_ option: mosq_opt_t, _ value: Int32) throws(MQTTFailure) {
        try Self.check("mosquitto_int_option \(option.rawValue)", mosquitto_int_option(handle, option, value))
    }

    /// - Throws: `MQTTFailure.library`, unless the code says that all went well.
    private static func check(_ call: String, _ code: Int32) throws(MQTTFailure) {
        // Negative codes are no errors (a connection in progress, for example).
        if code > 0 { throw failure(call, code) }
    }

    static func failure(_ call: String, _ code: Int32) -> MQTTFailure {
        .library(call: call, code: code, text: String(cString: mosquitto_strerror(code)))
    }

    /// From now on the library's log is not listened to: it has a line for each packet.
    func stopListeningToLog() { mosquitto_log_callback_set(handle, nil) }

    // MARK: The loop

    /// The socket, or nil when the library has closed it.
    var socket: Int32? {
        let socket = mosquitto_socket(handle)
        return socket >= 0 ? socket : nil
    }

    var wantsToWrite: Bool { mosquitto_want_write(handle) }

    /// Reads into the state's burst until the socket is empty, the burst is full, or the connection is lost.
    ///
    /// - Parameters:
    ///   - isConnecting: stops behind the CONNACK, so that it is told before any message is handed over.
    ///   - isTimeUp: asked after each message.
    func readBurst(isConnecting: Bool = false, isTimeUp: () -> Bool = { false }) {
        var countBefore = state.pointee.burst.count
        while !state.pointee.burst.isFull {
            // A failure closes the socket and is told by the disconnect callback.
            if !succeeded(mosquitto_loop_read(handle, 1)) { return }
            let count = state.pointee.burst.count
            // Only CONNACK leaves a signal while connecting.
            if isConnecting, !state.pointee.signals.isEmpty { return }
            if count == countBefore {
                if !hasInput { return }
                // libmosquitto 2.0.11 calls a TLS handshake that cannot go on any more a success, for ever.
                if isConnecting, isOver { return note(closed: Int32(MOSQ_ERR_CONN_LOST.rawValue)) }
            } else if isTimeUp() {
                return
            }
            countBefore = count
        }
    }

    /// The same on the reader's thread: goes on as more arrives, until somebody writes to `stop` while the socket is
    /// empty, the burst is full, or the connection is lost.
    func readBurst(untilReadable stop: Int32) {
        while true {
            readBurst()
            if state.pointee.burst.isFull { return }
            guard let descriptor = socket else { return }
            let isStopped = withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { both in
                both.initializeElement(at: 0, to: pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
                both.initializeElement(at: 1, to: pollfd(fd: stop, events: Int16(POLLIN), revents: 0))
                _ = Glibc.poll(both.baseAddress, 2, -1)
                return both[0].revents == 0 && both[1].revents != 0
            }
            if isStopped { return }
        }
    }

    /// Whether the socket holds more, without waiting.
    private var hasInput: Bool {
        guard let descriptor = socket else { return false }
        var socket = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&socket, 1, 0) > 0
    }

    /// Whether the other side has ended the connection and nothing is left to be read.
    private var isOver: Bool {
        guard let descriptor = socket else { return true }
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)
    }

    /// Passes a library result on as a signal, should no callback have told of the failure.
    ///
    /// - Returns: whether the call succeeded.
    func succeeded(_ code: Int32) -> Bool {
        if code <= 0 { return true }
        note(closed: code)
        return false
    }

    private func note(closed code: Int32) {
        let isTold = state.pointee.signals.contains { if case .closed = $0 { true } else { false } }
        if !isTold { state.pointee.signals.append(.closed(code: code)) }
    }

    /// Writes what is queued, acknowledgements included, as far as the socket takes it.
    ///
    /// - Parameter isManyPackets: thousands of acknowledgements of four bytes each would, with TCP_NODELAY, be as
    ///   many segments. The cork holds them back until all are written. A single packet is not corked.
    func write(isManyPackets: Bool) -> Int32 {
        if isManyPackets { cork(true) }
        let code = mosquitto_loop_write(handle, 1)
        if isManyPackets { cork(false) }
        return code
    }

    private func cork(_ isOn: Bool) {
        guard let socket else { return }
        var value: Int32 = isOn ? 1 : 0
        // When it fails, the acknowledgements are only sent less well.
        _ = setsockopt(socket, Int32(IPPROTO_TCP), TCP_CORK, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The error that a connection attempt ended with, 0 when there is none. Asking clears it.
    func takeSocketError() -> Int32 {
        guard let socket else { return 0 }
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(socket, SOL_SOCKET, SO_ERROR, &value, &size) == 0 ? value : errno
    }

    /// Queues a ping when one is due, and closes a connection that did not answer the last one.
    func misc() -> Int32 { mosquitto_loop_misc(handle) }

    /// Makes it impossible that anything queued is still sent, whatever the library does next.
    func shutDown() {
        // Fails only when the other side is gone already, which is as good.
        if let socket { _ = Glibc.shutdown(socket, Int32(SHUT_RDWR)) }
    }

    // MARK: What is queued

    /// - Returns: the id under which the answer comes.
    func subscribe(_ subscription: MQTTConfiguration.Subscription) throws(MQTTFailure) -> Int32 {
        var mid: Int32 = 0
        var options = Int32(subscription.retainHandling.rawValue) << 4
        if subscription.noLocal { options |= Int32(MQTT_SUB_OPT_NO_LOCAL.rawValue) }
        try Self.check(
            "mosquitto_subscribe_v5",
            mosquitto_subscribe_v5(
                handle, &mid, subscription.filter.text, Int32(subscription.qos), options, nil))
        return mid
    }

    func unsubscribe(_ filter: TopicFilter) throws(MQTTFailure) {
        try Self.check("mosquitto_unsubscribe_v5", mosquitto_unsubscribe_v5(handle, nil, filter.text, nil))
    }

    func publish(
        topic: Topic, payload: [UInt8], qos: UInt8, retain: Bool, expirySeconds: UInt32?, contentType: String?
    ) throws(MQTTFailure) -> Int32 {
        var properties = Properties()
        if let expirySeconds { try properties.add(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, expirySeconds) }
        if let contentType { try properties.add(MQTT_PROP_CONTENT_TYPE, contentType) }
        guard let length = Int32(exactly: payload.count) else { throw .tooLarge(payloadBytes: payload.count) }
        var mid: Int32 = 0
        let code = mosquitto_publish_v5(
            handle, &mid, topic.text, length, payload, Int32(qos), retain, properties.list)
        if code == Int32(MOSQ_ERR_OVERSIZE_PACKET.rawValue) || code == Int32(MOSQ_ERR_PAYLOAD_SIZE.rawValue) {
            throw .tooLarge(payloadBytes: payload.count)
        }
        try Self.check("mosquitto_publish_v5", code)
        return mid
    }

    func disconnect() throws(MQTTFailure) {
        try Self.check("mosquitto_disconnect_v5", mosquitto_disconnect_v5(handle, 0, nil))
    }

    /// A list of MQTT 5 properties that frees itself.
    private struct Properties: ~Copyable {
        private(set) var list: OpaquePointer?

        deinit {
            var list = list
            mosquitto_property_free_all(&list)
        }

        mutating func add(_ property: mqtt5_property, _ value: UInt32) throws(MQTTFailure) {
            try Connection.check(
                "mosquitto_property_add_int32",
                mosquitto_property_add_int32(&list, Int32(property.rawValue), value))
        }

        mutating func add(_ property: mqtt5_property, _ value: String) throws(MQTTFailure) {
            try Connection.check(
                "mosquitto_property_add_string",
                mosquitto_property_add_string(&list, Int32(property.rawValue), value))
        }
    }
}
