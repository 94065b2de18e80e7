// Bursts that are handed over one after the other and acknowledged together.
extension MQTTClient {
    /// Hands over what was read. While a burst is in hand and there is more, the reader reads the next.
    ///
    /// libmosquitto queues acknowledgements as it reads and writes all of them at once. So nothing may be written
    /// before the last burst that was begun is kept: that is what makes these bursts a group.
    ///
    /// - Returns: how many messages may be acknowledged now; nil, when the connection was broken off.
    func handOverGroup(_ handOver: (borrowing Burst) throws -> Void) -> Int? {
        if state.pointee.isDamaged || !state.pointee.burst.isEmpty {
            isHandingOver = true
            defer { isHandingOver = false }
            return handOverBursts(handOver)
        }
        return 0
    }

    private func handOverBursts(_ handOver: (borrowing Burst) throws -> Void) -> Int? {
        let began = monotonicNanoseconds()
        var kept = 0
        isWithheld = false
        while !state.pointee.isDamaged {
            if state.pointee.burst.isEmpty {
                if isWithheld {
                    breakOff("withheld")
                    return nil
                }
                warnIfLong(kept, nanoseconds: monotonicNanoseconds() - began)
                return kept
            }
            swap(&state.pointee.burst, &burstInHand)
            let reading = readsAhead(kept + burstInHand.count, since: began)
            var problem: (any Error)?
            do { try handOver(burstInHand) } catch { problem = error }
            // From here on connection and state are this thread's again.
            reading?.finish()
            if let problem {
                // Only the type: what an error says of itself might hold a payload.
                breakOff(String(describing: type(of: problem)))
                return nil
            }
            kept += burstInHand.count
            burstInHand.removeAll(keepingCapacity: true)
        }
        breakOff("a message without a topic")
        return nil
    }

    /// To be called by the hand-over when its burst cannot be kept, instead of throwing: nothing of the group will be
    /// acknowledged, but what is read ahead is still handed over, as far as a group goes. Then the connection is dropped
    /// as after a throw.
    public func withhold() { isWithheld = true }

    /// From this many messages in one burst on there are likely to be more: what a broker holds back comes about as fast as it
    /// is read, so a burst of a backlog is seldom full.
    static var readAheadMessagesMin: Int { 1_024 }

    /// Begins to read the next burst on the reader's thread, if there is likely to be one and the group may grow.
    ///
    /// - Returns: whom to wait for, when it has begun.
    private func readsAhead(_ messages: Int, since began: Int64) -> Reader? {
        // Live messages, and a few of them, take the short way: no other thread is woken.
        guard burstInHand.isFull || burstInHand.count >= Self.readAheadMessagesMin, burstMillisecondsMax == nil, !isDisconnectWanted,
            case .connected(let connection, _) = phase, connection.socket != nil,
            // The limit holds for whole bursts: each is read to its end.
            messages + configuration.burstMessagesMax <= configuration.groupMessagesMax,
            monotonicNanoseconds() - began < Int64(configuration.keepAliveSeconds) * 250_000_000
        else { return nil }
        do {
            let reader = try self.reader ?? Reader()
            self.reader = reader
            reader.begin { connection.readBurst(untilReadable: $0) }
            return reader
        } catch {
            // It is only slower.
            logger.warning("There is no thread to read ahead.", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    private func warnIfLong(_ messages: Int, nanoseconds: Int64) {
        let seconds = nanoseconds / 1_000_000_000
        if seconds < configuration.keepAliveSeconds { return }
        logger.warning(
            "A burst took longer than the keepalive: the broker may have ended the connection.",
            metadata: ["messages": "\(messages)", "seconds": "\(seconds)"])
    }
}
