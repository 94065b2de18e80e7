import Foundation
import Synchronization

/// The line between broker and gateway: passes every byte on, notes which messages went by, and breaks when told to.
///
/// One thread does all of it. Others reach it through `shared`; what is told there is done within a few milliseconds.
final class Proxy: Sendable {
    let port: Int
    let seen: Seen
    private let listener: Int32
    private let brokerPort: Int
    private let clock: RunClock

    private struct Shared {
        var orders: [Cut] = []
        var isStopping = false
        var hasStopped = false
        var cuts = 0
    }
    private let shared = Mutex(Shared())

    init(brokerPort: Int, publishers: Int, clock: RunClock) throws {
        (listener, port) = try Socket.listen()
        self.brokerPort = brokerPort
        self.clock = clock
        seen = Seen(publishers: publishers)
        Socket.prepare(listener)
        Thread.detachNewThread { [self] in run() }
    }

    func order(_ cut: Cut) { shared.withLock { $0.orders.append(cut) } }

    /// Connections that were broken by an order.
    var cuts: Int { shared.withLock { $0.cuts } }

    func stop() {
        shared.withLock { $0.isStopping = true }
        while !shared.withLock({ $0.hasStopped }) { usleep(2_000) }
    }

    // MARK: The thread

    private func run() {
        var lines: [Line] = []
        var refusedUntil = 0
        while !shared.withLock({ $0.isStopping }) {
            for order in shared.withLock({ shared in
                defer { shared.orders.removeAll() }
                return shared.orders
            }) {
                if case .refuse(let time) = order { refusedUntil = clock.milliseconds + time }
                for line in lines { line.take(order) }
            }
            wait(lines)
            accept(&lines, isRefusing: clock.milliseconds < refusedUntil)
            let before = lines.count
            lines.removeAll { line in
                line.work()
                return line.isClosed
            }
            let broken = before - lines.count
            if broken > 0 { shared.withLock { $0.cuts += broken } }
        }
        for line in lines { line.close(withReset: false) }
        Socket.close(listener)
        shared.withLock { $0.hasStopped = true }
    }

    private func wait(_ lines: [Line]) {
        var polled = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
        for line in lines { polled += line.interests }
        // Orders are looked for this often.
        _ = poll(&polled, nfds_t(polled.count), 5)
    }

    private func accept(_ lines: inout [Line], isRefusing: Bool) {
        while true {
            let gateway = Glibc.accept(listener, nil, nil)
            guard gateway >= 0 else { return }
            guard !isRefusing, let broker = Socket.connect(port: brokerPort) else {
                Socket.close(gateway)
                continue
            }
            Socket.prepare(gateway)
            Socket.prepare(broker)
            lines.append(Line(gateway: gateway, broker: broker, seen: seen, clock: clock))
        }
    }
}

