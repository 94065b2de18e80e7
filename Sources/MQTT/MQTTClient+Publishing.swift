// How a message goes to the broker.
extension MQTTClient {
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
    ///   characters in a topic, for example). `.insideBurst` within a hand-over, when the connection may be the reader's.
    @discardableResult
    public func publish(
        topic: Topic, payload: [UInt8], qos: UInt8 = 1, retain: Bool = false, expirySeconds: UInt32? = nil,
        contentType: String? = nil
    ) throws(MQTTFailure) -> Int32 {
        if isHandingOver { throw .insideBurst }
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
        if connection.wantsToWrite { _ = connection.succeeded(connection.write(isManyPackets: publishesUnconfirmed > 1)) }
        applySignals()
    }
}
