import Glibc

// How a connection ends: lost, broken off, or with a goodbye.
extension MQTTClient {
    func retryLater() { dropConnection(next: .waiting(untilNanoseconds: monotonicNanoseconds() + delay.next())) }

    /// Forgets the connection, with everything that libmosquitto has queued for it. Sends no DISCONNECT.
    func dropConnection(next: Phase) {
        connection?.shutDown()
        phase = next
        filtersByMid.removeAll()
        publishesUnconfirmed = 0
    }

    /// Makes sure that nothing of the present group is acknowledged.
    func breakOff(_ reason: String) {
        // Where an alarm may be among what cannot be kept, the next look comes soon.
        let wait = isWithheld ? min(delay.next(), Self.withheldNanosecondsMax) : delay.next()
        dropConnection(next: .waiting(untilNanoseconds: monotonicNanoseconds() + wait))
        state.pointee.signals.removeAll(keepingCapacity: true)
        state.pointee.burst.removeAll(keepingCapacity: true)
        burstInHand.removeAll(keepingCapacity: true)
        state.pointee.isDamaged = false
        events.append(.brokenOff(reason))
        logger.error("A burst was not kept; the broker will send it again.", metadata: ["reason": "\(reason)"])
    }

    /// The longest wait after a group was withheld.
    private static let withheldNanosecondsMax: Int64 = 2_000_000_000

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
