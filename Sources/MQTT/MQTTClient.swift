import CMosquitto
import Glibc
import Logging

/// Takes bursts of messages from a broker and acknowledges each only after it has been kept.
///
/// Owned by exactly one thread, which calls `pass` in a loop. Only `waker` may be used from elsewhere.
///
///     let events = client.pass(timeoutMilliseconds: 1000) { burst in
///         try writer.commit(burst)            // Returning normally is what acknowledges.
///     }
public final class MQTTClient {
    public let waker: Waker

    // What follows is not private only because the other files of this class need it too.

    enum Phase {
        case waiting(untilNanoseconds: Int64)
        case connecting(Connection, giveUpAtNanoseconds: Int64)
        case connected(Connection, sinceNanoseconds: Int64)
        /// After `disconnect()`.
        case stopped
    }

    let configuration: MQTTConfiguration
    let monotonicNanoseconds: () -> Int64
    let logger: Logger
    /// Behind a pointer of its own, because libmosquitto keeps it. Freed in deinit, after the connection.
    let state: UnsafeMutablePointer<CallbackState>
    var phase: Phase
    var delay: ReconnectDelay
    var events: [MQTTEvent] = []
    /// Takes turns with `state.signals`, so that neither allocates.
    var signalsToApply: [Signal] = []
    /// Subscriptions not yet answered.
    var filtersByMid: [Int32: TopicFilter] = [:]
    var publishesUnconfirmed = 0
    var isHandingOver = false
    var isDisconnectWanted = false

    /// Connections in a row that the broker closed before they were stable. See `.takenOver`.
    var shortConnections = 0

    /// A connection that stood this long counts as one that works: the delays begin anew. Neither CONNACK
    /// nor a message is enough for that, or two clients of one id would take turns four times a second.
    static let stableAfterNanoseconds: Int64 = 10_000_000_000
    static let shortConnectionsMax = 3

    /// Does not connect yet: the first `pass` does.
    ///
    /// - Parameters:
    ///   - clock: milliseconds since 1970 (UTC), asked once for every message when it arrives.
    ///   - monotonicNanoseconds: for delays and time-outs; never goes back.
    /// - Throws: `MQTTFailure.configuration`; `.system`, when there is no file descriptor left.
    public init(
        _ configuration: MQTTConfiguration, clock: @escaping () -> Int64 = MQTTClient.systemMilliseconds,
        monotonicNanoseconds: @escaping () -> Int64 = MQTTClient.systemMonotonicNanoseconds, logger: Logger
    ) throws(MQTTFailure) {
        try configuration.check()
        waker = try Waker()
        self.configuration = configuration
        self.monotonicNanoseconds = monotonicNanoseconds
        self.logger = logger
        delay = ReconnectDelay(configuration)
        phase = .waiting(untilNanoseconds: .min)
        state = .allocate(capacity: 1)
        state.initialize(
            to: CallbackState(
                burst: Burst(
                    burstMessagesMax: configuration.burstMessagesMax, burstBytesMax: configuration.burstBytesMax),
                clock: clock))
    }

    /// Drops the connection as a crash would: the broker publishes the will. See `disconnect()`.
    deinit {
        dropConnection(next: .stopped)
        state.deinitialize(count: 1)
        state.deallocate()
    }

    public var isConnected: Bool {
        if case .connected = phase { true } else { false }
    }

    // MARK: The turn

    /// One turn: connects when that is due, waits for something to do, reads until the socket is empty or
    /// the burst full, hands the burst over, and only then writes acknowledgements and what was published.
    ///
    /// When `handOver` throws, nothing of the burst is acknowledged and the connection is dropped; the
    /// broker sends the burst again on the next one. A burst may hold messages of a connection that was lost
    /// while they were read: they are handed over all the same, and most will come again.
    ///
    /// - Parameters:
    ///   - timeoutMilliseconds: waits at most this long, and never longer than a quarter of the keepalive.
    ///   - handOver: not called without messages. Must return within the keepalive. May call `publish`: that is
    ///     written together with the acknowledgements, or not at all.
    /// - Returns: what happened, in order.
    public func pass(timeoutMilliseconds: Int32, handOver: (borrowing Burst) throws -> Void) -> [MQTTEvent] {
        connectIfDue()
        let isReadable = wait(timeoutMilliseconds: timeoutMilliseconds)
        var isFirstOfConnection = false
        if let connection {
            let wasConnected = isConnected
            if isReadable { readBurst(connection) }
            applySignals()
            isFirstOfConnection = isConnected && !wasConnected
        }
        // The caller has to know that a connection is new before it sees the first message of it.
        if isFirstOfConnection { return takeEvents() }

        if let messagesKept = handOverBurst(handOver), let connection {
            settle(connection, messagesKept: messagesKept)
        }
        if isDisconnectWanted { disconnect() }
        return takeEvents()
    }

    private func readBurst(_ connection: Connection) {
        var countBefore = state.pointee.burst.count
        while !state.pointee.burst.isFull {
            if !succeeded(connection.read()) { return }
            let count = state.pointee.burst.count
            // Only CONNACK leaves a signal while connecting: reading stops, so that it is told first.
            if case .connecting = phase, !state.pointee.signals.isEmpty { return }
            if count == countBefore && !hasInput(connection) { return }
            countBefore = count
        }
    }

    /// - Returns: how many messages may be acknowledged now; nil, when the connection was broken off.
    private func handOverBurst(_ handOver: (borrowing Burst) throws -> Void) -> Int? {
        if state.pointee.isDamaged {
            breakOff("a message without a topic")
            return nil
        }
        let count = state.pointee.burst.count
        if count == 0 { return 0 }
        let began = monotonicNanoseconds()
        isHandingOver = true
        defer { isHandingOver = false }
        do {
            try handOver(state.pointee.burst)
        } catch {
            // Only the type: what an error says of itself might hold a payload.
            breakOff(String(describing: type(of: error)))
            return nil
        }
        state.pointee.burst.removeAll(keepingCapacity: true)
        let seconds = (monotonicNanoseconds() - began) / 1_000_000_000
        if seconds >= configuration.keepAliveSeconds {
            logger.warning(
                "A burst took longer than the keepalive: the broker may have ended the connection.",
                metadata: ["messages": "\(count)", "seconds": "\(seconds)"])
        }
        return count
    }

    private func settle(_ connection: Connection, messagesKept: Int) {
        if connection.wantsToWrite { _ = succeeded(connection.write(isManyPackets: messagesKept > 1)) }
        // After the write: a ping whose answer is late must not cost the acknowledgements.
        if connection.socket != nil { _ = succeeded(connection.misc()) }
        applySignals()
        if case .connected(_, let since) = phase,
            monotonicNanoseconds() - since >= Self.stableAfterNanoseconds
        {
            delay.reset()
            shortConnections = 0
        }
    }

    // MARK: Publishing

    /// Queues a message; the next `pass` or `flush()` writes it. The answer is `.published` or
    /// `.publishRefused` with the same id, unless the connection is lost before: then the message is to be
    /// published again, because the broker may or may not have it.
    ///
    /// - Parameters:
    ///   - qos: 0 or 1.
    ///   - expirySeconds: after this long the broker delivers it to nobody any more; nil: never.
    /// - Returns: its id, valid for as long as this connection lasts.
    /// - Throws: `.notConnected`, also before the broker has accepted the connection: earlier messages would be
    ///   sent twice. `.queueFull`, `.tooLarge`, and `.library` for what libmosquitto refuses (control
    ///   characters in a topic, for example).
    @discardableResult
    public func publish(
        topic: Topic, payload: [UInt8], qos: UInt8 = 1, retain: Bool = false, expirySeconds: UInt32? = nil,
        contentType: String? = nil
    ) throws(MQTTFailure) -> Int32 {
        guard case .connected(let connection, _) = phase, connection.socket != nil else { throw .notConnected }
        if qos > 1 { throw .configuration(setting: "qos", rule: "must be 0 or 1") }
        if publishesUnconfirmed >= configuration.publishQueueMax {
            throw .queueFull(publishQueueMax: configuration.publishQueueMax)
        }
        let mid = try connection.publish(
            topic: topic, payload: payload, qos: qos, retain: retain, expirySeconds: expirySeconds,
            contentType: contentType)
        publishesUnconfirmed += 1
        return mid
    }

    @discardableResult
    public func publish(
        topic: Topic, payload: String, qos: UInt8 = 1, retain: Bool = false, expirySeconds: UInt32? = nil,
        contentType: String? = nil
    ) throws(MQTTFailure) -> Int32 {
        try publish(
            topic: topic, payload: Array(payload.utf8), qos: qos, retain: retain, expirySeconds: expirySeconds,
            contentType: contentType)
    }

    /// Writes what is queued now, as far as the socket takes it, instead of in the next pass.
    ///
    /// Writing also sends queued acknowledgements, so it must not happen between reading a burst and
    /// committing it: there it writes nothing and throws.
    ///
    /// - Throws: `.insideBurst`, `.notConnected`. A failing write is reported by the next pass.
    public func flush() throws(MQTTFailure) {
        if isHandingOver || !state.pointee.burst.isEmpty { throw .insideBurst }
        guard case .connected(let connection, _) = phase, connection.socket != nil else { throw .notConnected }
        if connection.wantsToWrite { _ = succeeded(connection.write(isManyPackets: publishesUnconfirmed > 1)) }
        applySignals()
    }
}
