import Care
import Devices

/// The last messages of the homes that somebody is looking at, and what became of them (`caring device watch`).
///
/// Only in memory, only while somebody looks, and only shown to people of the home: payloads are theirs.
struct DeviceWatch {
    /// Homes that are looked at at once.
    static let homesMax = 16
    /// Messages of one home that are remembered.
    static let messagesMax = 256
    /// That many of those that made room are counted.
    static let missedMax = 4_096
    /// Of each message.
    static let payloadBytesMax = 512
    /// Nobody has asked for so long: nobody looks any more.
    static let unasked: Span = .seconds(90)

    struct Seen: Sendable {
        var n: Int64
        var at: Instant
        /// Below the home.
        var topic: String
        var payload: [UInt8]
        var isCut: Bool
        var isRetained: Bool
        var trial: Trial.Result
    }

    private struct Watched {
        /// Who looks, and when each asked last.
        var asked: [PersonID: Instant]
        var askedAt: Instant { asked.values.max() ?? .distantPast }
        var seen: [Seen] = []
        /// Numbers of those that made room.
        var gone: [Int64] = []
        /// What each was told of as paused.
        var told: [PersonID: Set<String>] = [:]
    }
    private var homes: [HomeID: Watched] = [:]
    private var next: Int64 = 1

    var isWatching: Bool { !homes.isEmpty }

    /// Whoever has not asked for a while looks no more.
    mutating func expire(now: Instant) {
        if homes.values.contains(where: { now - $0.askedAt >= Self.unasked }) { homes = homes.filter { now - $0.value.askedAt < Self.unasked } }
    }

    func isWatching(_ home: HomeID) -> Bool { homes[home] != nil }
    func isWatching(_ home: HomeID, _ person: PersonID, now: Instant) -> Bool {
        homes[home]?.asked[person].map { now - $0 < Self.unasked } ?? false
    }

    /// Somebody looks: what was seen after `after`, and what to ask for next. A negative `after`: from now on.
    ///
    /// - Returns: nil where too many homes are looked at; `missed`: how many came since and had to make room, as far as that is
    ///   remembered.
    mutating func look(_ home: HomeID, _ person: PersonID, after: Int64, now: Instant) -> (seen: [Seen], missed: Int, next: Int64)? {
        expire(now: now)
        guard homes[home] != nil || homes.count < Self.homesMax else { return nil }
        homes[home, default: Watched(asked: [:])].asked[person] = now
        // Who begins to look is told anew.
        if after < 0 { homes[home]?.told[person] = nil }
        let seen = after < 0 ? [] : (homes[home]?.seen ?? []).filter { $0.n > after }
        let missed = after < 0 ? 0 : (homes[home]?.gone ?? []).count { $0 > after }
        return (seen, missed, seen.last?.n ?? max(after, next - 1))
    }

    /// Whether this person is to be told now that something is paused: once, however much of it comes.
    mutating func tellsPaused(_ home: HomeID, _ person: PersonID, _ what: String) -> Bool {
        guard homes[home] != nil, (homes[home]?.told[person]?.count ?? 0) < Self.messagesMax else { return false }
        return homes[home]?.told[person, default: []].insert(what).inserted ?? false
    }

    mutating func note(_ home: HomeID, _ seen: Seen) {
        var seen = seen
        seen.n = next
        next += 1
        if (homes[home]?.seen.count ?? 0) >= Self.messagesMax, let first = homes[home]?.seen.removeFirst() {
            if (homes[home]?.gone.count ?? 0) >= Self.missedMax { homes[home]?.gone.removeFirst(Self.missedMax / 2) }
            homes[home]?.gone.append(first.n)
        }
        homes[home]?.seen.append(seen)
    }
}

extension Engine {
    /// What this message is to whoever looks: decoded once more, beside what the gateway does with it.
    func noteWatched(_ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, isRetained: Bool) {
        deviceWatch.expire(now: now)
        guard deviceWatch.isWatching else { return }
        let text = String(decoding: topic, as: UTF8.self)
        let levels = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard levels.count == 3, levels[0] == "homes", !levels[2].hasPrefix("caring/") else { return }
        let home = HomeID(String(levels[1]))
        guard deviceWatch.isWatching(home) else { return }
        var trial = Trial(catalogue, announced: world.announced[home] ?? Announced(), home: home)
        let result = trial.take(topic: text, payload: payload, arrivedAt: now)
        deviceWatch.note(
            home,
            .init(
                n: 0, at: now, topic: String(levels[2]), payload: Array(payload.prefix(DeviceWatch.payloadBytesMax)),
                isCut: payload.count > DeviceWatch.payloadBytesMax, isRetained: isRetained, trial: result))
    }
}
