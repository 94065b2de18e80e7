import Care

/// What a deadline row is about: *look again then*.
enum DeadlineKey: Hashable, Comparable, Sendable {
    case alert(AlertID)
    /// A record ends, or its citizen is to be warned that it will.
    case consent(ConsentID)
    case pause(PauseID)
    /// A mandate ends, or its citizen is to be warned that it will.
    case mandate(MandateID)
    /// An act that needs two lapses.
    case proposal(DelegateActID)
    case detector(DetectorKey)
    /// The next signed day; see `DailyRoot.swift`.
    case dailyRoot

    /// As it stands on disk.
    var text: String {
        switch self {
        case .alert(let id): "alert/\(id.number)"
        case .consent(let id): "consent/\(id.number)"
        case .pause(let id): "pause/\(id.number)"
        case .mandate(let id): "mandate/\(id.number)"
        case .proposal(let id): "proposal/\(id.number)"
        case .detector(let key): "watch/\(key.text)"
        case .dailyRoot: "audit/root"
        }
    }

    init?(text: String) {
        if text.hasPrefix("alert/"), let id = AlertID(text: text.dropFirst(6)) {
            self = .alert(id)
        } else if text.hasPrefix("consent/"), let id = ConsentID(text: text.dropFirst(8)) {
            self = .consent(id)
        } else if text.hasPrefix("pause/"), let id = PauseID(text: text.dropFirst(6)) {
            self = .pause(id)
        } else if text.hasPrefix("mandate/"), let id = MandateID(text: text.dropFirst(8)) {
            self = .mandate(id)
        } else if text.hasPrefix("proposal/"), let id = DelegateActID(text: text.dropFirst(9)) {
            self = .proposal(id)
        } else if text.hasPrefix("watch/"), let key = DetectorKey(text: String(text.dropFirst(6))) {
            self = .detector(key)
        } else if text == "audit/root" {
            self = .dailyRoot
        } else {
            return nil
        }
    }

    /// Alerts before consents before pauses before mandates before what they propose before detectors before the day's root, so that of two things due at the same instant the order is always the
    /// same, and a detector finds a pause ended that ends then.
    static func < (a: DeadlineKey, b: DeadlineKey) -> Bool {
        switch (a, b) {
        case (.alert(let x), .alert(let y)): x < y
        case (.consent(let x), .consent(let y)): x < y
        case (.pause(let x), .pause(let y)): x < y
        case (.mandate(let x), .mandate(let y)): x < y
        case (.proposal(let x), .proposal(let y)): x < y
        case (.detector(let x), .detector(let y)): x < y
        default: a.place < b.place
        }
    }

    private var place: Int {
        switch self {
        case .alert: 0
        case .consent: 1
        case .pause: 2
        case .mandate: 3
        case .proposal: 4
        case .detector: 5
        case .dailyRoot: 6
        }
    }
}

/// All deadlines, soonest first. Binary heaps whose outdated entries are skipped when they surface.
///
/// There are about as many as there are devices, so it is not part of `World`, which is copied for each turn: the first
/// deadline of a turn would copy all of them. What a turn changes is noted instead, and undone when the turn fails.
struct Deadlines: Sendable {
    private struct Entry: Sendable {
        var at: Instant
        var key: DeadlineKey
        static func before(_ a: Entry, _ b: Entry) -> Bool { a.at != b.at ? a.at < b.at : a.key < b.key }
    }
    private var others = Heap()
    /// Apart, because thousands of records may end in one second, and what else is due then must not wait for them.
    private var consents = Heap()
    private(set) var at: [DeadlineKey: Instant] = [:]
    /// What has been set since the turn began, and what stood there before. At most what one turn sets.
    private var changes: [(key: DeadlineKey, before: Instant?)] = []

    var count: Int { at.count }

    /// To be given to `undo(to:)`; good until the turn ends.
    var changeCount: Int { changes.count }

    /// The turn is on disk.
    mutating func keep() { changes.removeAll(keepingCapacity: true) }

    /// Puts back what has been set since `count` was asked for.
    mutating func undo(to count: Int) {
        while changes.count > count, let (key, before) = changes.popLast() { put(key, before) }
    }

    mutating func set(_ key: DeadlineKey, _ instant: Instant?) {
        guard at[key] != instant else { return }
        changes.append((key, at[key]))
        put(key, instant)
    }

    private mutating func put(_ key: DeadlineKey, _ instant: Instant?) {
        at[key] = instant
        guard let instant else { return }
        let entry = Entry(at: instant, key: key)
        // Outdated entries are at most as many as there are deadlines, so a heap stays bounded by them.
        if case .consent = key { consents.push(entry, at) } else { others.push(entry, at) }
    }

    /// Whether something may be due until `limit`: asked before every message, so it looks nothing up. An outdated
    /// entry may make it say yes in vain; `first` knows.
    func mayBeDue(until limit: Instant) -> Bool { others.mayBeDue(until: limit) || consents.mayBeDue(until: limit) }

    /// The soonest; drops outdated entries on its way.
    ///
    /// - Parameter isConsentToo: false: the soonest of all others.
    mutating func first(isConsentToo: Bool = true) -> (at: Instant, key: DeadlineKey)? {
        let other = others.first(at)
        guard isConsentToo, let consent = consents.first(at) else { return other.map { ($0.at, $0.key) } }
        guard let other, Entry.before(other, consent) else { return (consent.at, consent.key) }
        return (other.at, other.key)
    }

    private struct Heap: Sendable {
        private var entries: [Entry] = []

        func mayBeDue(until limit: Instant) -> Bool { entries.first.map { $0.at <= limit } ?? false }

        /// - Parameter at: what holds; an entry that says something else is outdated.
        mutating func first(_ at: [DeadlineKey: Instant]) -> Entry? {
            while let top = entries.first {
                if at[top.key] == top.at { return top }
                pop()
            }
            return nil
        }

        mutating func push(_ entry: Entry, _ at: [DeadlineKey: Instant]) {
            entries.append(entry)
            var i = entries.count - 1
            while i > 0, Entry.before(entries[i], entries[(i - 1) / 2]) {
                entries.swapAt(i, (i - 1) / 2)
                i = (i - 1) / 2
            }
            guard entries.count > 2 * at.count + 64 else { return }
            entries = entries.filter { at[$0.key] == $0.at }
            entries.sort(by: Entry.before)
        }

        private mutating func pop() {
            let last = entries.removeLast()
            guard !entries.isEmpty else { return }
            entries[0] = last
            var i = 0
            while true {
                var least = i
                for child in [2 * i + 1, 2 * i + 2] where child < entries.count && Entry.before(entries[child], entries[least]) {
                    least = child
                }
                if least == i { return }
                entries.swapAt(i, least)
                i = least
            }
        }
    }
}
