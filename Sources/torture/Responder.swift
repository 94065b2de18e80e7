import Care
import Foundation
import Logging
import MQTT
import Synchronization

/// A helper or coordinator with a client of their own: is shown cards, and answers them after a while, or does not.
final class Responder: Sendable {
    let name: String
    private let number: Int

    private struct State: Sendable {
        /// Alerts of which a card was shown.
        var shown: Set<Int64> = []
        /// What the client shows now: alert, stage.
        var showing: [Int64: String] = [:]
        var answers = 0
        var isSettling = false
        var isStopping = false
        var hasStopped = false
        var problem: String?
    }
    private let state = Mutex(State())

    init(number: Int, name: String) {
        self.number = number
        self.name = name
    }

    var shown: Set<Int64> { state.withLock { $0.shown } }
    var showing: [Int64: String] { state.withLock { $0.showing } }
    var answers: Int { state.withLock { $0.answers } }
    var problem: String? { state.withLock { $0.problem } }
    /// From now on everybody comes, and soon: the run is to end.
    func settle() { state.withLock { $0.isSettling = true } }

    func stop() {
        state.withLock { $0.isStopping = true }
        while !state.withLock({ $0.hasStopped }) { usleep(2_000) }
    }

    func start(port: Int, password: String, seed: UInt64, clock: RunClock) {
        Thread.detachNewThread { [self] in
            do {
                try live(port: port, password: password, seed: seed, clock: clock)
            } catch {
                state.withLock { $0.problem = "\(name): \(error)" }
            }
            state.withLock { $0.hasStopped = true }
        }
    }

    // MARK: The thread

    private struct Card {
        var stage: String
        /// Nil: no answer is given to this stage.
        var answerAt: Int?
    }

    private func live(port: Int, password: String, seed: UInt64, clock: RunClock) throws {
        var chance = SplitMix64.branch(seed, 200 + UInt64(number))
        var configuration = MQTTConfiguration(clientID: "torture-\(name)")
        configuration.port = port
        configuration.username = name
        configuration.password = password
        configuration.sessionExpirySeconds = 0
        configuration.reconnectDelayFirstMilliseconds = 20
        configuration.reconnectDelayMaxMilliseconds = 300
        configuration.subscriptions = [.init(try TopicFilter("helpers/\(name)/alerts/#"), retainHandling: .always)]
        let client = try MQTTClient(configuration, logger: Logger(label: "torture") { _ in SwiftLogNoOpLogHandler() })
        let answers = try Topic("helpers/\(name)/answers")
        var cards: [Int64: Card] = [:]
        var wasSettling = false
        while true {
            let (isSettling, isStopping) = state.withLock { ($0.isSettling, $0.isStopping) }
            if isStopping { return client.disconnect() }
            let events = client.pass(timeoutMilliseconds: 20) { burst in
                for i in burst.indices {
                    guard let alert = Self.alert(burst.topic(i)) else { continue }
                    take(burst.payload(i), alert, &cards, isSettling: isSettling, now: clock.milliseconds, &chance)
                }
            }
            for event in events {
                // A connection begins with what lies there; what it showed before may be over.
                if case .connected = event {
                    cards.removeAll()
                    state.withLock { $0.showing.removeAll() }
                }
            }
            if isSettling && !wasSettling {
                for alert in cards.keys { cards[alert]?.answerAt = clock.milliseconds }
                wasSettling = true
            }
            for (alert, card) in cards.sorted(by: { $0.key < $1.key }) {
                guard let answerAt = card.answerAt, answerAt <= clock.milliseconds, client.isConnected else { continue }
                let answer = answer(to: card.stage, isSettling: isSettling, &chance)
                // Asked again where nothing came of it.
                cards[alert]?.answerAt = answer == nil ? nil : clock.milliseconds + 2_500
                guard let answer else { continue }
                _ = try? client.publish(topic: answers, payload: #"{"alert":"a\#(alert)","answer":"\#(answer)"}"#, qos: 1)
                state.withLock { $0.answers += 1 }
            }
        }
    }

    private func take(
        _ payload: [UInt8], _ alert: Int64, _ cards: inout [Int64: Card], isSettling: Bool, now: Int, _ chance: inout SplitMix64
    ) {
        guard !payload.isEmpty, let card = try? JSONDecoder().decode(JSON.self, from: Data(payload)), let stage = card["stage"]?.string else {
            cards[alert] = nil
            state.withLock { _ = $0.showing.removeValue(forKey: alert) }
            return
        }
        state.withLock {
            $0.shown.insert(alert)
            $0.showing[alert] = stage
        }
        if cards[alert]?.stage == stage, cards[alert]?.answerAt != nil { return }
        cards[alert] = Card(stage: stage, answerAt: now + (isSettling ? chance.pick(20...200) : chance.pick(50...2_500)))
    }

    /// - Returns: nil where they say nothing and let their time run out.
    private func answer(to stage: String, isSettling: Bool, _ chance: inout SplitMix64) -> String? {
        let said = chance.pick(0...99)
        switch stage {
        case "asked": return isSettling || said < 65 ? "accept" : said < 80 ? "decline" : nil
        case "accepted": return isSettling || said < 80 ? "arrive" : said < 90 ? "decline" : nil
        default: return isSettling || said < 90 ? "resolve" : nil
        }
    }

    /// `helpers/<name>/alerts/a17` is alert 17.
    private static func alert(_ topic: String) -> Int64? {
        guard let last = topic.split(separator: "/").last, last.first == "a" else { return nil }
        return Int64(last.dropFirst())
    }
}
