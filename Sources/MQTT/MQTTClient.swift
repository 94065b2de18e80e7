import CMosquitto
import Glibc
import Logging

/// Takes bursts of messages from a broker and acknowledges each only after it has been kept.
///
/// Owned by exactly one thread, which calls `pass` in a loop. Only `waker` may be used from elsewhere. While a
/// backlog is taken, a second thread reads the next burst as long as `handOver` keeps the one before; see `Reader`.
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

    var configuration: MQTTConfiguration
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
    /// From the first hand-over of a group to the moment at which its acknowledgements may be written.
    var isHandingOver = false
    /// Nothing of the present group may be acknowledged; see `withhold`.
    var isWithheld = false
    var isDisconnectWanted = false
    /// See `stopLookingForDuplicates`.
    var isLookingForDuplicates = false

    /// The burst that is being handed over, while the state's own may be filled with the next. The two are exchanged
    /// and never made anew, so these are all the messages that are ever in memory.
    var burstInHand: Burst
    /// Made when a burst is large for the first time; ends with the client.
    var reader: Reader?
    /// While live messages are taken: reading a burst ends this many milliseconds after its first message, and nothing is
    /// read ahead, so that what is urgent does not wait behind a long burst. Nil, as in a backlog: no limit. May be changed
    /// between two passes.
    public var burstMillisecondsMax: Int?

    /// Connections in a row that the broker closed before they were stable. See `.takenOver`.
    var shortConnections = 0

    /// A connection that stood this long counts as one that works: the delays begin anew. Neither CONNACK
    /// nor a message is enough for that, or two clients of one id would take turns four times a second.
    static let stableAfterNanoseconds: Int64 = 10_000_000_000
    static let shortConnectionsMax = 3

    /// Does not connect yet: the first `pass` does.
    ///
    /// - Parameters:
    ///   - clock: milliseconds since 1970 (UTC), asked once for every message when it arrives, by the thread that reads.
    ///   - monotonicNanoseconds: for delays and time-outs; never goes back.
    /// - Throws: `MQTTFailure.configuration`; `.system`, when there is no file descriptor left.
    public init(
        _ configuration: MQTTConfiguration, clock: @escaping @Sendable () -> Int64 = MQTTClient.systemMilliseconds,
        monotonicNanoseconds: @escaping () -> Int64 = MQTTClient.systemMonotonicNanoseconds, logger: Logger
    ) throws(MQTTFailure) {
        try configuration.check()
        waker = try Waker()
        self.configuration = configuration
        self.monotonicNanoseconds = monotonicNanoseconds
        self.logger = logger
        delay = ReconnectDelay(configuration)
        phase = .waiting(untilNanoseconds: .min)
        let burst = Burst(burstMessagesMax: configuration.burstMessagesMax, burstBytesMax: configuration.burstBytesMax)
        burstInHand = burst
        state = .allocate(capacity: 1)
        state.initialize(to: CallbackState(burst: burst, clock: clock))
    }

    /// Drops the connection as a crash would: the broker publishes the will. See `disconnect()`.
    deinit {
        // Waits for its thread: nobody uses connection and state after this.
        reader = nil
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
    /// When the burst was large there is more: then the next is read while this one is handed over, and so on until few
    /// are left or `groupMessagesMax` is reached. The acknowledgements of such a group are written together, after its
    /// last burst was kept.
    ///
    /// When `handOver` throws, nothing of the group is acknowledged and the connection is dropped; the broker sends all of
    /// it again on the next one, including bursts of it that were kept. A burst may hold messages of a connection that
    /// was lost while they were read: they are handed over all the same, and most will come again.
    ///
    /// - Parameters:
    ///   - timeoutMilliseconds: waits at most this long, and never longer than a quarter of the keepalive.
    ///   - handOver: called on the caller's thread, once for every burst, not without messages. Must return within a third of
    ///     the keepalive. `publish` and `flush` throw `.insideBurst` there.
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

        if let messagesKept = handOverGroup(handOver), let connection {
            settle(connection, messagesKept: messagesKept)
        }
        if isDisconnectWanted { disconnect() }
        return takeEvents()
    }

    private func readBurst(_ connection: Connection) {
        var isConnecting = false
        if case .connecting = phase { isConnecting = true }
        guard let burstMillisecondsMax else { return connection.readBurst(isConnecting: isConnecting) }
        let until = monotonicNanoseconds() + Int64(burstMillisecondsMax) * 1_000_000
        connection.readBurst(isConnecting: isConnecting) { monotonicNanoseconds() >= until }
    }

    private func settle(_ connection: Connection, messagesKept: Int) {
        if connection.wantsToWrite { _ = connection.succeeded(connection.write(isManyPackets: messagesKept > 1)) }
        // After the write: a ping whose answer is late must not cost the acknowledgements.
        if connection.socket != nil { _ = connection.succeeded(connection.misc()) }
        applySignals()
        if case .connected(_, let since) = phase,
            monotonicNanoseconds() - since >= Self.stableAfterNanoseconds
        {
            delay.reset()
            shortConnections = 0
        }
    }

    /// Until this is called, which is good for the present connection, messages say whether they are duplicates. It costs
    /// about half a microsecond a message. Without an answered connection nothing changes.
    public func stopLookingForDuplicates() {
        guard case .connected(let connection, _) = phase, isLookingForDuplicates else { return }
        isLookingForDuplicates = false
        connection.stopListeningToLog()
    }

    /// Replaces what the will says, from the next connection on; where it is published stays. Without a will, or with more
    /// than 65 535 bytes, nothing changes.
    public func setWill(payload: [UInt8]) {
        guard payload.count <= MQTTConfiguration.willBytesMax else {
            logger.error("A will is too long; the one before stays.", metadata: ["bytes": "\(payload.count)"])
            return
        }
        configuration.will?.payload = payload
    }
}
