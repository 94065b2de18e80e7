import CoreMetrics
import Synchronization

/// A back end of swift-metrics that writes Prometheus' text exposition format, version 0.0.4.
///
/// Counters and floating-point counters become counters; meters and gauges become gauges; recorders that aggregate
/// and timers become histograms, of timers in seconds. Dimensions become labels. Characters that a name may not
/// have become `_`.
public final class PrometheusRegistry: MetricsFactory {
    /// What is known beforehand of a metric.
    public struct Description: Sendable {
        public var name: String
        /// One sentence, with the unit.
        public var help: String
        /// Upper bounds of a histogram, ascending, without +Inf; empty: those of `boundsUsual`.
        public var bounds: [Double]

        public init(name: String, help: String, bounds: [Double] = []) {
            self.name = name
            self.help = help
            self.bounds = bounds
        }
    }

    /// To be said with the text over HTTP.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"
    /// Series as Prometheus counts them: each line of the text that is no comment.
    public static let seriesMaxDefault = 5_000
    /// Seconds from a millisecond on, for histograms that nobody has described.
    static let boundsUsual = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    static let droppedName = "caring_metrics_dropped_total"

    enum Kind: String {
        case counter, gauge, histogram

        /// The names of a metric's lines. Two metrics must not share one.
        func names(_ name: String) -> [String] {
            self == .histogram ? [name, name + "_bucket", name + "_sum", name + "_count"] : [name]
        }
    }
    private struct Family {
        var kind: Kind
        /// By their labels as text.
        var series: [String: any PrometheusSeries] = [:]
    }
    private struct State {
        var families: [String: Family] = [:]
        /// Which metric has this name of a line.
        var owners = [PrometheusRegistry.droppedName: PrometheusRegistry.droppedName]
        var seriesCount = 1
        var dropped = 0
    }
    private let state = Mutex(State())
    private let descriptions: [String: Description]
    private let seriesMax: Int

    /// - Parameter seriesMax: beyond it a new series records nothing and is counted in `caring_metrics_dropped_total`.
    public init(describing descriptions: [Description] = [], seriesMax: Int = PrometheusRegistry.seriesMaxDefault) {
        self.descriptions = Dictionary(descriptions.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.seriesMax = seriesMax
    }

    // MARK: MetricsFactory

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        make(.counter, label, dimensions) { _ in CounterSeries() } ?? NOOPMetricsHandler.instance
    }
    public func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        make(.counter, label, dimensions) { _ in CounterSeries() } ?? NOOPMetricsHandler.instance
    }
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        make(.gauge, label, dimensions) { _ in GaugeSeries() } ?? NOOPMetricsHandler.instance
    }
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate { return make(.histogram, label, dimensions, HistogramSeries.init) ?? NOOPMetricsHandler.instance }
        return make(.gauge, label, dimensions) { _ in GaugeSeries() } ?? NOOPMetricsHandler.instance
    }
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        make(.histogram, label, dimensions, HistogramSeries.init) ?? NOOPMetricsHandler.instance
    }

    public func destroyCounter(_ handler: any CounterHandler) { destroy(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { destroy(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { destroy(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { destroy(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { destroy(handler) }

    /// The series with this name and these labels, made if it is new; nil when there is no room for it, or the name
    /// is one of another kind's.
    private func make<Series: PrometheusSeries>(
        _ kind: Kind, _ label: String, _ dimensions: [(String, String)], _ makeSeries: ([Double]) -> Series
    ) -> Series? {
        let name = Self.name(label)
        let labels = Self.labels(dimensions, isHistogram: kind == .histogram)
        let described = descriptions[name]?.bounds ?? []
        let bounds = described.isEmpty ? Self.boundsUsual : described
        // A histogram's buckets with +Inf, its sum and its count.
        let lines = kind == .histogram ? bounds.count + 3 : 1
        return state.withLock { state in
            if let there = state.families[name]?.series[labels] as? Series { return there }
            let names = kind.names(name)
            guard state.seriesCount + lines <= seriesMax, state.families[name]?.kind ?? kind == kind,
                names.allSatisfy({ state.owners[$0] ?? name == name }), name != Self.droppedName
            else {
                state.dropped += 1
                return nil
            }
            let series = makeSeries(bounds)
            for one in names { state.owners[one] = name }
            state.families[name, default: Family(kind: kind)].series[labels] = series
            state.seriesCount += lines
            return series
        }
    }

    private func destroy(_ handler: AnyObject) {
        state.withLock { state in
            for (name, family) in state.families {
                guard let labels = family.series.first(where: { $0.value === handler })?.key else { continue }
                state.families[name]?.series[labels] = nil
                let described = descriptions[name]?.bounds ?? []
                let bounds = described.isEmpty ? Self.boundsUsual : described
                state.seriesCount -= family.kind == .histogram ? bounds.count + 3 : 1
                if family.series.count == 1 {
                    state.families[name] = nil
                    for one in family.kind.names(name) { state.owners[one] = nil }
                }
                return
            }
        }
    }

    // MARK: The text

    /// Everything as it is now, by name and labels in order.
    public func text() -> String {
        let (families, dropped) = state.withLock { ($0.families, $0.dropped) }
        var text = ""
        for name in (families.keys + [Self.droppedName]).sorted() {
            let help = name == Self.droppedName ? "Metrics that were not taken up, for want of room or of a free name." : descriptions[name]?.help
            if let help { text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n" }
            guard let family = families[name] else {
                text += "# TYPE \(name) counter\n\(name) \(dropped)\n"
                continue
            }
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) { series.write(name, labels, to: &text) }
        }
        return text
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`, of a label's name without the colon.
    static func name(_ text: String, isLabel: Bool = false) -> String {
        var name = ""
        for scalar in text.unicodeScalars {
            let isDigit = ("0"..."9").contains(scalar)
            if isDigit, name.isEmpty { name = "_" }
            let isFine = isDigit || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_" || (scalar == ":" && !isLabel)
            name.unicodeScalars.append(isFine ? scalar : "_")
        }
        return name.isEmpty ? "_" : name
    }

    /// `a="x",b="y"`, sorted by name: in whatever order they are given, it is the same series. Of a name that is
    /// there twice the first counts.
    static func labels(_ dimensions: [(String, String)], isHistogram: Bool) -> String {
        var labels: [(name: String, value: String)] = []
        for (given, value) in dimensions {
            var name = self.name(given, isLabel: true)
            // `le` is the bound of a bucket.
            if name == "le", isHistogram { name = "le_" }
            if !labels.contains(where: { $0.name == name }) { labels.append((name, value)) }
        }
        return labels.sorted { $0.name < $1.name }.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",")
    }

    static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
