import CMosquitto
import Glibc

// How a connection begins and waits, and what is made of its news.
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
        state.pointee.certificateProblem = nil
        do {
            let connection = try Connection(configuration, state: state)
            let limit = Int64(configuration.connectTimeoutMilliseconds) * 1_000_000
            phase = .connecting(connection, giveUpAtNanoseconds: now + limit)
        } catch {
            logger.debug("Connecting failed.", metadata: ["reason": "\(error.debugDescription)"])
            unreachable(error)
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
                unreachable(.system(call: "connect", errno: error))
                return false
            }
            if monotonicNanoseconds() >= giveUpAt {
                unreachable(.noAnswer(after: configuration.connectTimeoutMilliseconds))
                return false
            }
        }
        return found & Int16(POLLIN | POLLERR | POLLHUP) != 0
    }

    // MARK: What the callbacks noted

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
            publishesUnconfirmed = max(0, publishesUnconfirmed - 1)
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
            isLookingForDuplicates = true
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
            unreachable(state.pointee.certificateProblem.map { .certificate(problem: $0) } ?? brokersFailure(code))
        case .connected(_, let since):
            if isTakenOver(code, since: since) {
                // The next connection that ends like this is enough: two clients do not begin their fight anew.
                shortConnections = Self.shortConnectionsMax - 1
                events.append(.takenOver)
                dropConnection(next: .waiting(untilNanoseconds: monotonicNanoseconds() + delay.longest()))
            } else {
                events.append(.disconnected(brokersFailure(code)))
                retryLater()
            }
        case .waiting, .stopped: return
        }
    }

    private func isTakenOver(_ code: Int32, since: Int64) -> Bool {
        if code == Int32(MQTT_RC_SESSION_TAKEN_OVER.rawValue) { return true }
        let isShort = monotonicNanoseconds() - since < Self.stableAfterNanoseconds
        let isClosedWithoutReason = code == Int32(MOSQ_ERR_CONN_LOST.rawValue)
        shortConnections = isShort && isClosedWithoutReason ? shortConnections + 1 : 0
        return shortConnections >= Self.shortConnectionsMax
    }

    /// A code is the broker's from 128 on, and below that the library's.
    private func brokersFailure(_ code: Int32) -> MQTTFailure {
        if let reason = reasonCode(code) {
            return .reason(code: reason, text: String(cString: mosquitto_reason_string(code)))
        }
        return Connection.failure("the loop", code)
    }

    /// Whatever failed, it was not that another client has the session.
    private func unreachable(_ failure: MQTTFailure) {
        events.append(.unreachable(failure))
        shortConnections = 0
        retryLater()
    }
}
