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
        qos: UInt8(truncatingIfNeeded: message.pointee.qos), isRetained: message.pointee.retain)
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

/// libmosquitto returns no more than "TLS error", and frees what OpenSSL knows of it. But before that it logs.
func mqttOnLog(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ level: Int32, _ text: UnsafePointer<CChar>?
) {
    guard level == Int32(MOSQ_LOG_ERR), let secured = mosquitto_ssl_get(handle), let verifyResult else { return }
    let problem = verifyResult(secured)
    if problem != 0 { withState(object) { $0.pointee.certificateProblem = problem } }
}

/// `long SSL_get_verify_result(const SSL *)` of the OpenSSL that libmosquitto has loaded. Looked up by its name, so that
/// it is not one more library to link; nil where it is not there, and then it is not said what is wrong.
private let verifyResult: (@convention(c) (UnsafeMutableRawPointer) -> Int)? =
    dlsym(nil, "SSL_get_verify_result").map { unsafeBitCast($0, to: (@convention(c) (UnsafeMutableRawPointer) -> Int).self) }
