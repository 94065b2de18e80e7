import Glibc

/// One connection of the gateway and its counterpart at the broker. Belongs to the proxy's thread.
final class Line {
    private var down: Way
    private var up: Way
    private var marks: [UInt16: Mark] = [:]
    private var dropAt: Int?
    private let seen: Seen
    private let clock: RunClock
    private(set) var isClosed = false

    init(gateway: Int32, broker: Int32, seen: Seen, clock: RunClock) {
        down = Way(from: broker, to: gateway)
        up = Way(from: gateway, to: broker)
        self.seen = seen
        self.clock = clock
    }

    func take(_ order: Cut) {
        let now = clock.milliseconds
        switch order {
        case .drop(let withReset): close(withReset: withReset)
        case .stall(let time):
            down.heldUntil = now + time
            up.heldUntil = now + time
        case .stallAndDrop(.toGateway, let time):
            down.heldUntil = now + time
            dropAt = now + time
        case .stallAndDrop(.toBroker, let time):
            up.heldUntil = now + time
            dropAt = now + time
        case .afterBytes(.toGateway, let count): down.bytesLeft = count
        case .afterBytes(.toBroker, let count): up.bytesLeft = count
        case .refuse: close(withReset: false)
        }
    }

    /// What to wait for.
    var interests: [pollfd] {
        let now = clock.milliseconds
        return down.interests(now) + up.interests(now)
    }

    func work() {
        let now = clock.milliseconds
        if isClosed { return }
        if let dropAt, now >= dropAt { return close(withReset: now % 2 == 0) }
        if down.heldUntil <= now {
            look(down.read(), fromBroker)
            down.write()
        }
        if up.heldUntil <= now {
            look(up.read(), fromGateway)
            up.write()
        }
        if down.isSpent || up.isSpent { return close(withReset: now % 2 == 0) }
        // Whoever has gone is followed by the other one, as soon as what they said has been passed on.
        if down.isOver || up.isOver { close(withReset: false) }
    }

    func close(withReset: Bool) {
        if isClosed { return }
        isClosed = true
        // What the gateway has acknowledged so far is known, although it never reaches the broker.
        up.buffer.removeAll()
        look(up.read(), fromGateway)
        Socket.close(down.from, withReset: withReset)
        Socket.close(down.to, withReset: withReset)
    }

    // MARK: What goes by

    private func look(_ packets: [PacketReader.Packet], _ note: (PacketReader.Packet) -> Void) {
        for packet in packets { note(packet) }
    }

    /// A message counts as on its way before its first byte is passed on: what the gateway may have seen is never
    /// taken for something that it cannot have.
    private func fromBroker(_ packet: PacketReader.Packet) {
        switch packet {
        case .connected(0, let sessionPresent): seen.connected(at: clock.milliseconds, sessionPresent: sessionPresent)
        case .publish(let id, let text):
            marks[id] = text.flatMap { Mark(text: $0) }
            if let mark = marks[id] { seen.delivered(mark) }
        case .subscribed: seen.subscribed(at: clock.milliseconds)
        case .connected, .acknowledged, .other: break
        }
    }

    private func fromGateway(_ packet: PacketReader.Packet) {
        guard case .acknowledged(let id, let reason) = packet, reason < 0x80, let mark = marks[id] else { return }
        seen.acknowledged(mark)
    }
}

/// One direction of a line.
private struct Way {
    /// Bytes that wait to be passed on; beyond, nothing is read, so that the sender feels it.
    static let bufferBytesMax = 1 << 18

    let from: Int32
    let to: Int32
    var buffer: [UInt8] = []
    var heldUntil = 0
    /// So many more bytes are passed on, then no more.
    var bytesLeft: Int?
    private var packets = PacketReader()
    private var hasEnded = false

    init(from: Int32, to: Int32) {
        self.from = from
        self.to = to
    }

    var isOver: Bool { hasEnded && buffer.isEmpty }
    var isSpent: Bool { bytesLeft.map { $0 <= 0 } ?? false }

    func interests(_ now: Int) -> [pollfd] {
        if heldUntil > now { return [] }
        var wanted: [pollfd] = []
        if buffer.count < Self.bufferBytesMax && !hasEnded { wanted.append(pollfd(fd: from, events: Int16(POLLIN), revents: 0)) }
        if !buffer.isEmpty { wanted.append(pollfd(fd: to, events: Int16(POLLOUT), revents: 0)) }
        return wanted
    }

    /// - Returns: the packets that are complete now.
    mutating func read() -> [PacketReader.Packet] {
        var found: [PacketReader.Packet] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while buffer.count < Self.bufferBytesMax && !hasEnded {
            let count = recv(from, &chunk, chunk.count, 0)
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN { break }
            guard count > 0 else {
                hasEnded = true
                break
            }
            found += packets.take(chunk[0..<count])
            buffer.append(contentsOf: chunk[0..<count])
        }
        return found
    }

    mutating func write() {
        while !buffer.isEmpty && !isSpent {
            let written = send(to, buffer, min(buffer.count, bytesLeft ?? .max), Int32(MSG_NOSIGNAL))
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else {
                // Nobody is there any more to pass it on to.
                if errno != EAGAIN {
                    hasEnded = true
                    buffer.removeAll()
                }
                return
            }
            buffer.removeFirst(written)
            bytesLeft = bytesLeft.map { $0 - written }
        }
    }
}
