import Foundation
import MQTT
import Testing

/// Speaks just enough MQTT 5 to see every byte the client writes, and when. Everything happens on the
/// test's own thread, and a loopback socket holds what was written as soon as `send` returns.
final class FakeBroker {
    static let connect: UInt8 = 1
    static let puback: UInt8 = 4
    static let disconnect: UInt8 = 14

    let port: Int
    private let listening: Int32
    private var peer: Int32 = -1

    init() throws {
        listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listening
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 5) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        try #require(isBound)
    }

    deinit {
        close(listening)
        if peer >= 0 { close(peer) }
    }

    /// Whether a connection waits to be accepted.
    var isAsked: Bool {
        var waiting = pollfd(fd: listening, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, 0) > 0
    }

    /// Takes the next connection; the client's connect has already succeeded by then.
    func accept() throws {
        if peer >= 0 { close(peer) }
        peer = Glibc.accept(listening, nil, nil)
        try #require(peer >= 0)
        // Otherwise what is sent second may wait for the acknowledgement of TCP.
        var isOn: Int32 = 1
        #expect(setsockopt(peer, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size)) == 0)
    }

    func send(_ bytes: [UInt8]) { #expect(Glibc.send(peer, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count) }

    /// Ends the connection without a word.
    func hangUp() {
        shutdown(peer, Int32(SHUT_RDWR))
        close(peer)
        peer = -1
    }

    func sendConnack(sessionPresent: Bool = false) { send([0x20, 3, sessionPresent ? 1 : 0, 0, 0]) }

    func sendPublish(topic: String, payload: String, packetID: UInt16, isDuplicate: Bool = false) {
        let body =
            [0, UInt8(topic.utf8.count)] + Array(topic.utf8) + [UInt8(packetID >> 8), UInt8(packetID & 0xFF), 0]
            + Array(payload.utf8)
        send([isDuplicate ? 0x3A : 0x32, UInt8(body.count)] + body)
    }

    /// What the client has written since the last call, without waiting. Packet types only, as in 4 for PUBACK.
    func packetTypes() -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = recv(peer, &buffer, buffer.count, Int32(MSG_DONTWAIT)), count > 0 {
            bytes += buffer.prefix(count)
        }
        var types: [UInt8] = []
        var position = 0
        while position + 1 < bytes.count {
            types.append(bytes[position] >> 4)
            var length = 0
            var shift = 0
            repeat {
                position += 1
                length |= Int(bytes[position] & 0x7F) << shift
                shift += 7
            } while bytes[position] & 0x80 != 0
            position += 1 + length
        }
        return types
    }
}

extension TestClient {
    /// Connected to it, with a first delay of 1 ms.
    convenience init(connectedTo broker: FakeBroker, _ change: (inout MQTTConfiguration) -> Void = { _ in }) throws {
        var configuration = MQTTConfiguration(clientID: "gateway")
        configuration.port = broker.port
        configuration.reconnectDelayFirstMilliseconds = 1
        change(&configuration)
        try self.init(configuration)
        try answer(broker)
    }

    /// Connects again when it is time to, and lets the broker agree.
    func answer(_ broker: FakeBroker) throws {
        forgetEvents()
        // The first pass begins to connect, or waits until it is time to.
        let deadline = Date().addingTimeInterval(30)
        var isAsked = false
        while !isAsked && Date() < deadline {
            pass()
            isAsked = broker.isAsked
        }
        try broker.accept()
        var types: [UInt8] = []
        while types.isEmpty && Date() < deadline {
            pass()
            types = broker.packetTypes()
        }
        #expect(types == [FakeBroker.connect])
        broker.sendConnack()
        try passUntil { client.isConnected }
    }
}
