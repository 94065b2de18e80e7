import Care
import CoreMetrics
import Foundation
import Synchronization

/// All that the gateway records with swift-metrics: who puts another back end in gets the same names.
///
/// Figures come over once a second at most, bursts one by one, nothing for each message. What is recorded names
/// nobody: homes are called by `HomeHash`, and there are no other names in it.
public final class GatewayMetrics: Sendable {
    /// Homes that get a label of their own; the rest is under `other`.
    static let homesLabelledMax = 100
    /// Reasons for being degraded that get a label of their own; the rest is under `other`.
    static let reasonsMax = 20
    static let everySpan = Span.seconds(1)

    private let home: HomeHash
    private let factory: any MetricsFactory
    private let clock: any Clock
    private let counters: [Counter]
    private let gauges: [Meter]
    private let burstMessages: Recorder
    private let turnSeconds: CoreMetrics.Timer
    private let commitSeconds: CoreMetrics.Timer
    private let passAge: Meter
    private let residentMemory: Meter

    private struct State {
        var takenAt: Instant?
        /// Nanoseconds of the monotonic clock.
        var cameRoundAt: Int64
        /// What the counters stand at, in the order of `counterTable`.
        var counted: [Int]
        var thinned: [HomeID: Int] = [:]
        var thinnedCounters: [HomeID: Counter] = [:]
        var thinnedOthers: Counter?
        var degraded: [String: Meter] = [:]
    }
    private let state: Mutex<State>

    /// - Parameters:
    ///   - home: what homes are called.
    ///   - factory: the back end; nil: the one that `MetricsSystem` was bootstrapped with.
    public init(home: HomeHash = HomeHash(), factory: (any MetricsFactory)? = nil, clock: any Clock = SystemClock()) {
        let factory = factory ?? MetricsSystem.factory
        self.home = home
        self.factory = factory
        self.clock = clock
        counters = Self.counterTable.map { Counter(label: $0.name, factory: factory) }
        gauges = Self.gaugeTable.map { Meter(label: $0.name, factory: factory) }
        burstMessages = Recorder(label: "caring_burst_messages", factory: factory)
        turnSeconds = CoreMetrics.Timer(label: "caring_turn_seconds", factory: factory)
        commitSeconds = CoreMetrics.Timer(label: "caring_commit_seconds", factory: factory)
        passAge = Meter(label: "caring_pass_age_seconds", factory: factory)
        residentMemory = Meter(label: "process_resident_memory_bytes", factory: factory)
        state = Mutex(State(cameRoundAt: clock.monotonic(), counted: Array(repeating: 0, count: Self.counterTable.count)))
        Meter(label: "process_start_time_seconds", factory: factory).set(Double(clock.wall().milliseconds) / 1_000)
        Meter(label: "caring_build_info", dimensions: Self.build, factory: factory).set(1)
    }

    /// The thread of the turns has come round. Takes the figures over when the last ones are a second old.
    func comeRound(_ engine: Engine, at present: Instant) {
        let monotonic = clock.monotonic()
        let isDue = state.withLock { state in
            state.cameRoundAt = monotonic
            return state.takenAt.map { present - $0 >= Self.everySpan } ?? true
        }
        if isDue { take(engine.figures(at: present)) }
    }

    /// Takes over how things stand. Of what only goes up the difference to last time is added.
    public func take(_ figures: GatewayFigures) {
        state.withLock { state in
            state.takenAt = figures.at
            for (index, row) in Self.counterTable.enumerated() {
                let value = row.value(figures)
                if value > state.counted[index] {
                    counters[index].increment(by: value - state.counted[index])
                    state.counted[index] = value
                }
            }
            for (index, row) in Self.gaugeTable.enumerated() {
                if let value = row.value(figures) { gauges[index].set(value) }
            }
            takeThinned(figures.thinnedByHome, &state)
            takeDegraded(figures.degraded, &state)
        }
    }

    /// A burst was kept.
    func note(_ burst: BurstFigures) {
        burstMessages.record(burst.messages)
        turnSeconds.recordNanoseconds(burst.turnNanoseconds)
        commitSeconds.recordNanoseconds(burst.commitNanoseconds)
    }

    /// What is true only at the moment in which somebody asks. To be called before the text is made, from any thread:
    /// that also says so when the thread of the turns hangs.
    public func refresh() {
        let cameRoundAt = state.withLock { $0.cameRoundAt }
        passAge.set(Double(max(0, clock.monotonic() - cameRoundAt)) / 1e9)
        if let bytes = Self.residentBytes() { residentMemory.set(bytes) }
    }

    private func takeThinned(_ thinnedByHome: [HomeID: Int], _ state: inout State) {
        if thinnedByHome == state.thinned { return }
        // In order of their names, so that it does not depend on chance which homes get a label.
        for (home, count) in thinnedByHome.sorted(by: { $0.key < $1.key }) {
            let more = count - (state.thinned[home] ?? 0)
            guard more > 0 else { continue }
            if state.thinnedCounters[home] == nil, state.thinnedCounters.count < Self.homesLabelledMax {
                state.thinnedCounters[home] = thinnedCounter(self.home(home))
            }
            if let counter = state.thinnedCounters[home] {
                counter.increment(by: more)
            } else {
                let others = state.thinnedOthers ?? thinnedCounter("other")
                others.increment(by: more)
                state.thinnedOthers = others
            }
        }
        state.thinned = thinnedByHome
    }

    private func thinnedCounter(_ home: String) -> Counter {
        Counter(label: "caring_thinned_readings_total", dimensions: [("home", home)], factory: factory)
    }

    private func takeDegraded(_ reason: String?, _ state: inout State) {
        for meter in state.degraded.values { meter.set(0) }
        guard let reason else { return }
        let label = state.degraded[reason] != nil || state.degraded.count < Self.reasonsMax ? reason : "other"
        let meter = state.degraded[label] ?? Meter(label: "caring_degraded", dimensions: [("reason", label)], factory: factory)
        meter.set(1)
        state.degraded[label] = meter
    }

    /// Of this process, from the kernel; nil where it does not say.
    static func residentBytes() -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? Int(fields[1]).map { $0 * sysconf(Int32(_SC_PAGESIZE)) } : nil
    }

    private static var build: [(String, String)] {
        #if DEBUG
            let kind = "debug"
        #else
            let kind = "release"
        #endif
        return [("kind", kind)]
    }
}
