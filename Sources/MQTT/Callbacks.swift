import CMosquitto
import Glibc

// libmosquitto calls these functions from within its own, on the thread that uses the connection: the client's, or
// the reader's while it reads ahead. They are plain functions in an ordinary file: a closure written in main.swift
// would be isolated to the main actor and trap. They only take notes; the client acts on them when the library has
// returned and the reader, if it read, has finished.

/// What a callback noted. Codes are as libmosquitto gives them.
enum Signal {
    case connectAnswered(reason: Int32, sessionPresent: Bool)
    case closed(code: Int32)
    case published(mid: Int32, reason: Int32)
    case subscribeAnswered(mid: Int32, reason: Int32)
}

/// The memory behind the `void *` that libmosquitto hands to every callback. It goes with the connection: while the
/// reader reads, it is the reader's.
struct CallbackState {
    var burst: Burst
    var signals: [Signal] = []
    /// A message came that could not be taken. Its acknowledgement is queued and must not be written.
    var isDamaged = false
    /// What OpenSSL found wrong with the broker's certificate, as one of its `X509_V_ERR_…`.
    var certificateProblem: Int?
    /// DUP of the message that comes next; nil where the library's log did not say.
    var isDuplicate: Bool?
    let clock: @Sendable () -> Int64
}

private func withState(_ object: UnsafeMutableRawPointer?, _ body: (UnsafeMutablePointer<CallbackState>) -> Void) {
    // The client sets the pointer before it connects and outlives the handle, so it is never nil in practice.
    guard let object else { return }
    body(object.assumingMemoryBound(to: CallbackState.self))
}

func mqttOnMessage(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ message: UnsafePointer<mosquitto_message>?
) {
    guard let object else { return }
    let state = object.assumingMemoryBound(to: CallbackState.self)
    guard let message, let topic = message.pointee.topic, message.pointee.payloadlen >= 0,
        message.pointee.payload != nil || message.pointee.payloadlen == 0
    else {
        state.pointee.isDamaged = true
        return
    }
    let arrivedAt = state.pointee.clock()
    state.pointee.burst.append(
        topic: UnsafeRawBufferPointer(start: topic, count: strlen(topic)),
        payload: UnsafeRawBufferPointer(start: message.pointee.payload, count: Int(message.pointee.payloadlen)),
        arrivedAtMilliseconds: arrivedAt, packetID: UInt16(truncatingIfNeeded: message.pointee.mid),
        qos: UInt8(truncatingIfNeeded: message.pointee.qos), isRetained: message.pointee.retain,
        isDuplicate: state.pointee.isDuplicate)
    state.pointee.isDuplicate = nil
}

func mqttOnConnect(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ reason: Int32, _ flags: Int32,
    _ properties: OpaquePointer?
) {
    withState(object) {
        $0.pointee.signals.append(.connectAnswered(reason: reason, sessionPresent: flags & 1 != 0))
    }
}

func mqttOnDisconnect(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ code: Int32, _ properties: OpaquePointer?
) {
    withState(object) { $0.pointee.signals.append(.closed(code: code)) }
}

func mqttOnPublish(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ mid: Int32, _ reason: Int32,
    _ properties: OpaquePointer?
) {
    withState(object) { $0.pointee.signals.append(.published(mid: mid, reason: reason)) }
}

func mqttOnSubscribe(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ mid: Int32, _ count: Int32,
    _ granted: UnsafePointer<Int32>?, _ properties: OpaquePointer?
) {
    // One filter is sent in each SUBSCRIBE, so there is one answer. Without it, the subscription counts as refused.
    let reason = if count == 1, let granted { granted.pointee } else { Int32(MQTT_RC_UNSPECIFIED.rawValue) }
    withState(object) { $0.pointee.signals.append(.subscribeAnswered(mid: mid, reason: reason)) }
}

/// Two things that libmosquitto knows and says nowhere else: what OpenSSL found wrong (the library returns no more than "TLS
/// error"), and the DUP flag of the message whose callback it calls next.
func mqttOnLog(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ level: Int32, _ text: UnsafePointer<CChar>?
) {
    if level == Int32(MOSQ_LOG_DEBUG) {
        guard let object, let text, let isDuplicate = duplicateFlag(text) else { return }
        object.assumingMemoryBound(to: CallbackState.self).pointee.isDuplicate = isDuplicate
        return
    }
    guard level == Int32(MOSQ_LOG_ERR), let secured = mosquitto_ssl_get(handle), let verifyResult else { return }
    let problem = verifyResult(secured)
    if problem != 0 { withState(object) { $0.pointee.certificateProblem = problem } }
}

/// What "Client … received PUBLISH (d1, q1, r0, m7, 'topic', ... (2 bytes))" says of DUP; nil for any other line.
///
/// The line is no part of the library's promises (it has been the same since version 1.0). Should another version say it
/// in other words, the flag is unknown, which whoever asks for it has to bear; a test notices.
func duplicateFlag(_ line: UnsafePointer<CChar>) -> Bool? {
    // The client's own name, which comes before, and not what the topic says, which comes after.
    guard let found = strstr(line, " received PUBLISH (d") else { return nil }
    switch UInt8(bitPattern: found[20]) {
    case UInt8(ascii: "0"): return false
    case UInt8(ascii: "1"): return true
    default: return nil
    }
}

/// `long SSL_get_verify_result(const SSL *)` of the OpenSSL that libmosquitto has loaded. Looked up by its name, so that
/// it is not one more library to link; nil where it is not there, and then it is not said what is wrong.
private let verifyResult: (@convention(c) (UnsafeMutableRawPointer) -> Int)? =
    dlsym(nil, "SSL_get_verify_result").map { unsafeBitCast($0, to: (@convention(c) (UnsafeMutableRawPointer) -> Int).self) }
