import CoreMetrics
import Synchronization

/// One metric with its labels: what is counted, set or recorded, and its lines in the text.
protocol PrometheusSeries: AnyObject, Sendable {
    /// - Parameter labels: `a="x",b="y"`, escaped, without braces; empty where there are none.
    func write(_ name: String, _ labels: String, to text: inout String)
}

/// Goes up only, from 0 at the start of the process.
final class CounterSeries: PrometheusSeries, CounterHandler, FloatingPointCounterHandler {
    private struct Total {
        var whole: Int64 = 0
        var rest = 0.0
    }
    private let total = Mutex(Total())

    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        total.withLock { total in
            let (sum, overflow) = total.whole.addingReportingOverflow(amount)
            total.whole = overflow ? .max : sum
        }
    }
    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        total.withLock { $0.rest += amount }
    }
    func reset() { total.withLock { $0 = Total() } }

    func write(_ name: String, _ labels: String, to text: inout String) {
        let total = self.total.withLock { $0 }
        // Whole numbers are written as such: a counter of messages may pass what a `Double` can tell apart.
        let value = total.rest == 0 ? "\(total.whole)" : prometheusNumber(Double(total.whole) + total.rest)
        writeSample(name, labels, value, to: &text)
    }
}

/// Goes up and down: the value that was set last.
final class GaugeSeries: PrometheusSeries, MeterHandler, RecorderHandler {
    private let value = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }

    func write(_ name: String, _ labels: String, to text: inout String) {
        writeSample(name, labels, prometheusNumber(value.withLock { $0 }), to: &text)
    }
}

/// How many values were at most so large, for each of its bounds; and their sum. Of a timer in seconds.
final class HistogramSeries: PrometheusSeries, RecorderHandler, TimerHandler {
    /// Ascending; above the last there is +Inf.
    private let bounds: [Double]
    private struct State {
        /// Of each bound those above the bound before it; the last is +Inf.
        var counts: [UInt64]
        var sum = 0.0
    }
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) {
        // One value that is no number would make the sum none for good.
        guard value.isFinite else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func write(_ name: String, _ labels: String, to text: inout String) {
        let state = self.state.withLock { $0 }
        let before = labels.isEmpty ? "" : labels + ","
        var count: UInt64 = 0
        for (index, inBucket) in state.counts.enumerated() {
            count += inBucket
            let bound = index < bounds.count ? prometheusNumber(bounds[index]) : "+Inf"
            writeSample(name + "_bucket", "\(before)le=\"\(bound)\"", "\(count)", to: &text)
        }
        writeSample(name + "_sum", labels, prometheusNumber(state.sum), to: &text)
        writeSample(name + "_count", labels, "\(count)", to: &text)
    }
}

private func writeSample(_ name: String, _ labels: String, _ value: String, to text: inout String) {
    text += name
    if !labels.isEmpty { text += "{\(labels)}" }
    text += " \(value)\n"
}

/// A number as Go's `ParseFloat` reads it, which is what the format asks for.
func prometheusNumber(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    // Whole numbers up to where a `Double` knows each of them, without a point.
    if value.rounded() == value, abs(value) < 9_007_199_254_740_992 { return "\(Int64(value))" }
    return "\(value)"
}
