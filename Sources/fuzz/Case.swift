import Devices
import Foundation

/// One message of a case.
struct Message: Hashable {
    var topic: [UInt8]
    var payload: [UInt8]

    init(topic: [UInt8], payload: [UInt8]) { (self.topic, self.payload) = (topic, payload) }

    /// Between the two.
    static let behindTopic: UInt8 = 0x1F

    init(bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, let found = memchr(base, CInt(Self.behindTopic), bytes.count) else {
            self.init(topic: Array(bytes), payload: [])
            return
        }
        let cut = UnsafeRawPointer(found) - base
        self.init(topic: Array(bytes[..<cut]), payload: Array(bytes[(cut + 1)...]))
    }
}

/// A short sequence of messages, which one `Trial` takes: announcements and what they announce meet in it.
struct Case: Hashable {
    /// More in one case are cut off: what takes longer than a case may should be one message, and not many.
    static let messagesMax = 16
    /// One case, written as bytes.
    static let bytesMax = 256 * 1_024

    var messages: [Message]

    init(_ messages: [Message]) { self.messages = messages }

    init(_ sample: SampleMessage) {
        messages = (sample.before + [(sample.topic, sample.payload)]).map { Message(topic: Array($0.topic.utf8), payload: $0.payload) }
    }

    // MARK: As bytes, which libFuzzer keeps and changes

    /// Between two messages. Should a payload hold it, the case is another one, and as good.
    private static let between: [UInt8] = [0x1E, 0x0A, 0x1E]

    /// Any bytes are a case. Looked through with C's own functions: under the fuzzer every comparison of ours is watched.
    init(bytes: UnsafeRawBufferPointer) {
        messages = []
        var start = 0
        var at = 0
        while messages.count < Self.messagesMax - 1, let base = bytes.baseAddress, at + Self.between.count <= bytes.count,
            let found = memchr(base + at, CInt(Self.between[0]), bytes.count - at)
        {
            at = UnsafeRawPointer(found) - base
            guard bytes[at...].starts(with: Self.between) else {
                at += 1
                continue
            }
            messages.append(Message(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<at])))
            at += Self.between.count
            start = at
        }
        messages.append(Message(bytes: UnsafeRawBufferPointer(rebasing: bytes[start...])))
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for (index, message) in messages.enumerated() {
            if index > 0 { bytes += Self.between }
            bytes += message.topic
            bytes.append(Message.behindTopic)
            bytes += message.payload
        }
        return bytes
    }

    // MARK: As a file, which people and tests read

    private struct Line: Codable {
        var topic: String
        var payloadBase64: String
    }

    init(file: String) throws {
        let lines = try JSONDecoder().decode([Line].self, from: Data(contentsOf: URL(fileURLWithPath: file)))
        messages = lines.map { Message(topic: Array($0.topic.utf8), payload: Array(Data(base64Encoded: $0.payloadBase64) ?? Data())) }
    }

    func write(_ file: String) throws {
        let lines = messages.map { Line(topic: String(decoding: $0.topic, as: UTF8.self), payloadBase64: Data($0.payload).base64EncodedString()) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .withoutEscapingSlashes]
        try encoder.encode(lines).write(to: URL(fileURLWithPath: file))
    }
}
