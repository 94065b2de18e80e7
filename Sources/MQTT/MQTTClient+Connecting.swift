import CMosquitto
import Glibc

// How a connection begins, waits, and ends.
extension MQTTClient {
    /// Milliseconds since 1970 (UTC), from the system's clock.
    public static func systemMilliseconds() -> Int64 {
        let time = read(CLOCK_REALTIME)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Nanoseconds since some moment, never going back.
    public static func systemMonotonicNanoseconds() -> Int64 {
        let time = read(CLOCK_MONOTONIC)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        // Fails only for a clock that does not exist; these two always do.
        _ = clock_gettime(clock, &time)
        return time
    }

    var connection: Connection? {
        switch phase {
        case .connecting(let connection, _), .connected(let connection, _): connection
        case .waiting, .stopped: nil
        }
    }

    func takeEvents() -> [MQTTEvent] {
        if events.isEmpty { return [] }
        defer { events = [] }
        return events
    }

    // MARK: Beginning

    func connectIfDue() {
        let now = monotonicNanoseconds()
        guard case .waiting(let until) = phase, now >= until else { return }
        // What an earlier connection may have left must not be taken for news of this one.
        state.pointee.signals.removeAll(keepingCapacity: true)
        do {
            let connection = try Connection(configuration, state: state)
            let limit = Int64(configuration.connectTimeoutMilliseconds) * 1_000_000
            phase = .connecting(connection, giveUpAtNanoseconds: now + limit)
        } catch {
            logger.debug("Connecting failed.", metadata: ["reason": "\(error.debugDescription)"])
            events.append(.unreachable(error))
            retryLater()
        }
    }

    /// Sends what the broker has to know of our wishes. Done on every connect, also when the session is
    /// still there: subscribing again is how changed options reach it.
    private func subscribeAll(_ connection: Connection) {
        let wanted = configuration.subscriptions
        do {
            for filter in configuration.filtersToRemove where !wanted.contains(where: { $0.filter == filter }) {
                try connection.unsubscribe(filter)
            }
            for subscription in wanted {
                filtersByMid[try connection.subscribe(subscription)] = subscription.filter
            }
            if wanted.isEmpty { events.append(.subscribed) }
        } catch {
            events.append(.disconnected(error))
            retryLater()
        }
    }

    // MARK: Waiting

    /// Waits for the socket, a wake-up, or the next thing that is due.
    ///
    /// - Returns: whether the socket should be read.
    func wait(timeoutMilliseconds: Int32) -> Bool {
        let now = monotonicNanoseconds()
        // libmosquitto's own time-outs are looked at once a pass, so none may last too long.
        var wait = Int64(configuration.keepAliveSeconds) * 250_000_000
        if timeoutMilliseconds >= 0 { wait = min(wait, Int64(timeoutMilliseconds) * 1_000_000) }
        switch phase {
        case .waiting(let until): wait = min(wait, until - now)
        case .connecting(_, let giveUpAt): wait = min(wait, giveUpAt - now)
        case .connected, .stopped: break
        }
        if !state.pointee.burst.isEmpty || !events.isEmpty { wait = 0 }

        var inputs = pollfd(fd: waker.readEnd, events: Int16(POLLIN), revents: 0)
        var socket = pollfd(fd: -1, events: Int16(POLLIN), revents: 0)  // A negative descriptor is skipped.
        if let connection, let descriptor = connection.socket {
            socket.fd = descriptor
            if connection.wantsToWrite { socket.events |= Int16(POLLOUT) }
        }
        // Rounded up: a wait of 0.4 ms would otherwise spin.
        poll(&inputs, &socket, milliseconds: Int32(clamping: max(0, wait + 999_999) / 1_000_000))
        if inputs.revents != 0 { waker.drain() }
        return checkConnecting(socket.revents)
    }

    private func poll(_ first: inout pollfd, _ second: inout pollfd, milliseconds: Int32) {
        withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { both in
            both.initializeElement(at: 0, to: first)
            both.initializeElement(at: 1, to: second)
            // An interrupted poll found nothing; the next pass comes soon enough.
            if Glibc.poll(both.baseAddress, 2, milliseconds) <= 0 { return }
            first = both[0]
            second = both[1]
        }
    }

    /// Finds out early that nobody listens, or that it takes too long.
    private func checkConnecting(_ found: Int16) -> Bool {
        if case .connecting(let connection, let giveUpAt) = phase {
            let error = found & Int16(POLLERR) != 0 ? connection.takeSocketError() : 0
            if error != 0 {
                events.append(.unreachable(.system(call: "connect", errno: error)))
                retryLater()
                return false
            }
            if monotonicNanoseconds() >= giveUpAt {
                events.append(.unreachable(.noAnswer(after: configuration.connectTimeoutMilliseconds)))
                retryLater()
                return false
            }
        }
        return found & Int16(POLLIN | POLLERR | POLLHUP) != 0
    }

    /// Whether the socket holds more, without waiting.
    func hasInput(_ connection: Connection) -> Bool {
        guard let descriptor = connection.socket else { return false }
        var socket = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&socket, 1, 0) > 0
    }

    // MARK: What the callbacks noted

    /// Passes a library result on as a signal, should no callback have told of the failure.
    ///
    /// - Returns: whether the call succeeded.
    func succeeded(_ code: Int32) -> Bool {
        if code <= 0 { return true }
        let isTold = state.pointee.signals.contains { if case .closed = $0 { true } else { false } }
        if !isTold { state.pointee.signals.append(.closed(code: code)) }
        return false
    }

    func applySignals() {
        if state.pointee.signals.isEmpty { return }
        swap(&state.pointee.signals, &signalsToApply)
        for signal in signalsToApply { apply(signal) }
        signalsToApply.removeAll(keepingCapacity: true)
    }

    private func apply(_ signal: Signal) {
        switch signal {
        case .connectAnswered(let reason, let sessionPresent): connectAnswered(reason, sessionPresent)
        case .closed(let code): closed(code)
        case .published(let mid, let reason):
            publishesUnconfirmed -= 1
            if let refused = reasonCode(reason) {
                events.append(.publishRefused(mid: mid, reasonCode: refused))
            } else {
                events.append(.published(mid: mid))
            }
        case .subscribeAnswered(let mid, let reason):
            guard let filter = filtersByMid.removeValue(forKey: mid) else { return }
            if let refused = reasonCode(reason) {
                events.append(.subscriptionRefused(filter: filter, reasonCode: refused))
            }
            if filtersByMid.isEmpty { events.append(.subscribed) }
        }
    }

    /// The reason code, if it is one of a failure: MQTT 5 puts those at 128 and above.
    private func reasonCode(_ reason: Int32) -> UInt8? { reason >= 0x80 ? UInt8(clamping: reason) : nil }

    private func connectAnswered(_ reason: Int32, _ sessionPresent: Bool) {
        guard case .connecting(let connection, _) = phase else { return }
        if reason == 0 {
            phase = .connected(connection, sinceNanoseconds: monotonicNanoseconds())
            events.append(.connected(sessionPresent: sessionPresent))
            subscribeAll(connection)
        } else {
            events.append(.connectionRefused(brokersFailure(reason)))
            retryLater()
        }
    }

    private func closed(_ code: Int32) {
        switch phase {
        case .connecting:
            events.append(.unreachable(brokersFailure(code)))
            retryLater()
        case .connected where code == Int32(MQTT_RC_SESSION_TAKEN_OVER.rawValue):
            events.append(.takenOver)
            dropConnection(next: .waiting(untilNanoseconds: monotonicNanoseconds() + delay.longest()))
        case .connected:
            events.append(.disconnected(brokersFailure(code)))
            retryLater()
        case .waiting, .stopped: return
        }
    }

    /// A code is the broker's from 128 on, and below that the library's.
    private func brokersFailure(_ code: Int32) -> MQTTFailure {
        if let reason = reasonCode(code) {
            return .reason(code: reason, text: String(cString: mosquitto_reason_string(code)))
        }
        return Connection.failure("the loop", code)
    }

    // MARK: Ending

    func retryLater() { dropConnection(next: .waiting(untilNanoseconds: monotonicNanoseconds() + delay.next())) }

    /// Forgets the connection, with everything that libmosquitto has queued for it. Sends no DISCONNECT.
    func dropConnection(next: Phase) {
        connection?.shutDown()
        phase = next
        filtersByMid.removeAll()
        publishesUnconfirmed = 0
    }

    /// Makes sure that nothing of the present burst is acknowledged.
    func breakOff(_ reason: String) {
        dropConnection(next: .waiting(untilNanoseconds: monotonicNanoseconds() + delay.next()))
        state.pointee.signals.removeAll(keepingCapacity: true)
        state.pointee.burst.removeAll(keepingCapacity: true)
        state.pointee.isDamaged = false
        events.append(.brokenOff(reason))
        logger.error("A burst was not kept; the broker will send it again.", metadata: ["reason": "\(reason)"])
    }

    /// Ends the connection in an orderly way: acknowledges what is kept, writes what was published, and sends a
    /// DISCONNECT, so that no will appears. The broker keeps the session. Afterwards `pass` only waits.
    ///
    /// Within a hand-over it takes effect after the acknowledgements. Takes at most two seconds.
    public func disconnect() {
        if isHandingOver {
            isDisconnectWanted = true
            return
        }
        isDisconnectWanted = false
        // A burst not yet handed over must not be acknowledged: then the connection is only dropped.
        if case .connected(let connection, _) = phase, state.pointee.burst.isEmpty {
            do {
                try sayGoodbye(connection)
            } catch {
                logger.debug("Disconnecting failed.", metadata: ["reason": "\(error.debugDescription)"])
            }
        }
        applySignals()
        dropConnection(next: .stopped)
        state.pointee.burst.removeAll(keepingCapacity: true)
    }

    private func sayGoodbye(_ connection: Connection) throws(MQTTFailure) {
        guard let socket = connection.socket else { return }
        // The broker throws away acknowledgements that it has not read when the client comes back, and sends
        // those messages again. The library closes its socket as soon as the DISCONNECT is written; a second
        // descriptor for it shows when the broker has read that far, because it then closes its side.
        let watched = dup(socket)
        defer { if watched >= 0 { close(watched) } }
        try connection.disconnect()
        let writeUntil = monotonicNanoseconds() + Self.goodbyeNanosecondsMax
        while connection.write(isManyPackets: true) <= 0, let descriptor = connection.socket,
            monotonicNanoseconds() < writeUntil
        {
            var writable = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = Glibc.poll(&writable, 1, 100)
        }
        if watched < 0 || connection.socket != nil { return }
        let closeUntil = monotonicNanoseconds() + Self.goodbyeNanosecondsMax
        while monotonicNanoseconds() < closeUntil {
            var readable = pollfd(fd: watched, events: Int16(POLLIN), revents: 0)
            if Glibc.poll(&readable, 1, 100) > 0 && !discardInput(watched) { return }
        }
    }

    /// - Returns: whether the other side is still there. What it sends after our DISCONNECT, it will send again.
    private func discardInput(_ socket: Int32) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
            recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) > 0
        }
    }

    /// How long each half of a goodbye may take: writing it, and seeing that the broker has read it.
    private static let goodbyeNanosecondsMax: Int64 = 1_000_000_000
}
