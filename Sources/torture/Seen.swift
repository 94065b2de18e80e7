import Synchronization

/// Which message of whom: its mark is `publisher.number`.
struct Mark: Hashable, Sendable {
    var publisher: Int
    var number: Int

    var text: String { "\(publisher).\(number)" }

    init(publisher: Int, number: Int) {
        self.publisher = publisher
        self.number = number
    }

    init?(text: String) {
        let parts = text.split(separator: ".")
        guard parts.count == 2, let publisher = Int(parts[0]), let number = Int(parts[1]), publisher >= 0, number >= 0 else { return nil }
        self.init(publisher: publisher, number: number)
    }
}

/// What the proxy has seen of the messages between broker and gateway. One bit each, in memory.
final class Seen: Sendable {
    struct Notes {
        /// By publisher and number: on its way, acknowledged by the gateway.
        fileprivate(set) var isDelivered: [[Bool]]
        fileprivate(set) var isAcknowledged: [[Bool]]
        /// By publisher: numbers in the order in which they were first on their way.
        fileprivate(set) var order: [[Int]]
        fileprivate(set) var deliveries = 0
        fileprivate(set) var redeliveries = 0
        fileprivate(set) var acknowledgements = 0
        fileprivate(set) var connects: [Connect] = []
    }
    /// The broker's answer to the gateway.
    struct Connect {
        var milliseconds: Int
        var sessionPresent: Bool
        /// The gateway had acknowledged something before: it then knows that there was a session.
        var hadAcknowledged: Bool
        /// When the broker had read a subscription, on this connection or a later one.
        var subscribedAt: Int?
    }
    private let notes: Mutex<Notes>

    init(publishers: Int) {
        notes = Mutex(
            Notes(
                isDelivered: Array(repeating: [], count: publishers), isAcknowledged: Array(repeating: [], count: publishers),
                order: Array(repeating: [], count: publishers)))
    }

    func delivered(_ mark: Mark) {
        notes.withLock { notes in
            guard mark.publisher < notes.order.count else { return }
            notes.deliveries += 1
            if Self.set(&notes.isDelivered[mark.publisher], mark.number) {
                notes.order[mark.publisher].append(mark.number)
            } else {
                notes.redeliveries += 1
            }
        }
    }

    func acknowledged(_ mark: Mark) {
        notes.withLock { notes in
            guard mark.publisher < notes.order.count else { return }
            notes.acknowledgements += 1
            _ = Self.set(&notes.isAcknowledged[mark.publisher], mark.number)
        }
    }

    func connected(at milliseconds: Int, sessionPresent: Bool) {
        notes.withLock { notes in
            notes.connects.append(
                Connect(milliseconds: milliseconds, sessionPresent: sessionPresent, hadAcknowledged: notes.acknowledgements > 0))
        }
    }

    func subscribed(at milliseconds: Int) {
        notes.withLock { notes in
            for i in notes.connects.indices.reversed() {
                if notes.connects[i].subscribedAt != nil { return }
                notes.connects[i].subscribedAt = milliseconds
            }
        }
    }

    func isAcknowledged(_ mark: Mark) -> Bool {
        notes.withLock { notes in
            let known = notes.isAcknowledged[mark.publisher]
            return mark.number < known.count && known[mark.number]
        }
    }

    var all: Notes { notes.withLock { $0 } }

    /// - Returns: whether it was not set before.
    private static func set(_ flags: inout [Bool], _ index: Int) -> Bool {
        if index >= flags.count { flags.append(contentsOf: repeatElement(false, count: index + 1 - flags.count)) }
        defer { flags[index] = true }
        return !flags[index]
    }
}

extension Seen.Notes {
    func wasDelivered(_ publisher: Int, _ number: Int) -> Bool {
        number < isDelivered[publisher].count && isDelivered[publisher][number]
    }
    func wasAcknowledged(_ publisher: Int, _ number: Int) -> Bool {
        number < isAcknowledged[publisher].count && isAcknowledged[publisher][number]
    }
}
