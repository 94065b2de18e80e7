import CareTesting
import CoreMetrics
import Foundation
import Testing

@testable import Gateway

/// The back end, through swift-metrics and read again by a strict reader.
@Suite struct PrometheusRegistryTests {
    @Test func eachKindIsWrittenAsItsOwn() throws {
        let registry = PrometheusRegistry(describing: [
            .init(name: "doors_total", help: "Doors."), .init(name: "wait_seconds", help: "Waiting.", bounds: [0.1, 0.5]),
        ])
        Counter(label: "doors_total", dimensions: [("room", "kitchen")], factory: registry).increment(by: 3)
        Counter(label: "doors_total", dimensions: [("room", "bath")], factory: registry).increment(by: 1)
        FloatingPointCounter(label: "litres_total", factory: registry).increment(by: 1.25)
        Meter(label: "warmth", factory: registry).set(-3.5)
        Gauge(label: "light", factory: registry).record(7)
        let wait = Timer(label: "wait_seconds", factory: registry)
        wait.recordNanoseconds(100_000_000)
        wait.recordMilliseconds(400)
        wait.recordSeconds(2)
        let expected = """
            # HELP caring_metrics_dropped_total Metrics that were not taken up, for want of room or of a free name.
            # TYPE caring_metrics_dropped_total counter
            caring_metrics_dropped_total 0
            # HELP doors_total Doors.
            # TYPE doors_total counter
            doors_total{room="bath"} 1
            doors_total{room="kitchen"} 3
            # TYPE light gauge
            light 7
            # TYPE litres_total counter
            litres_total 1.25
            # HELP wait_seconds Waiting.
            # TYPE wait_seconds histogram
            wait_seconds_bucket{le="0.1"} 1
            wait_seconds_bucket{le="0.5"} 2
            wait_seconds_bucket{le="+Inf"} 3
            wait_seconds_sum 2.5
            wait_seconds_count 3
            # TYPE warmth gauge
            warmth -3.5

            """
        #expect(registry.text() == expected)
        let read = try PrometheusText(registry.text())
        #expect(try read.value("doors_total", ["room": "kitchen"]) == 3)
        #expect(try read.value("wait_seconds_bucket", ["le": "0.5"]) == 2)
    }

    @Test func whatIsAskedForTwiceIsTheSame() throws {
        let registry = PrometheusRegistry()
        Counter(label: "a", dimensions: [("x", "1"), ("y", "2")], factory: registry).increment()
        // In another order it is the same series.
        Counter(label: "a", dimensions: [("y", "2"), ("x", "1")], factory: registry).increment()
        Counter(label: "a", dimensions: [("x", "1"), ("y", "3")], factory: registry).increment()
        let read = try PrometheusText(registry.text())
        #expect(try read.value("a", ["y": "2"]) == 2)
        #expect(try read.value("a", ["y": "3"]) == 1)
    }

    @Test(arguments: ["plain", "a\"b", "a\\b", "a\nb", "\\n", "\\\"", "\\", "{le=\"1\"}", "Größe ☂", "", "a b,c=d"])
    func aLabelComesBackAsItWas(value: String) throws {
        let registry = PrometheusRegistry(describing: [.init(name: "a", help: "Help: \(value)")])
        Counter(label: "a", dimensions: [("room", value)], factory: registry).increment()
        let read = try PrometheusText(registry.text())
        #expect(read.samples.first { $0.name == "a" }?.labels == ["room": value])
        #expect(read.helps["a"] == "Help: \(value)")
    }

    @Test func namesThatCannotBeAreMadeSo() throws {
        let registry = PrometheusRegistry()
        for name in ["http.server-requests", "9lives", "", "über", "a{b}\n"] {
            Counter(label: name, dimensions: [("le", "x"), ("1 2", "y"), ("1.2", "z")], factory: registry).increment()
        }
        let read = try PrometheusText(registry.text())
        #expect(read.types.keys.sorted() == ["_", "_9lives", "_ber", "a_b__", "caring_metrics_dropped_total", "http_server_requests"])
        // Of two labels that become the same the first counts.
        #expect(read.samples.first { $0.name == "_9lives" }?.labels == ["le": "x", "_1_2": "y"])
        Recorder(label: "sizes", dimensions: [("le", "mine")], factory: registry).record(1)
        #expect(try PrometheusText(registry.text()).value("sizes_count", ["le_": "mine"]) == 1)
    }

    @Test func aHistogramsBucketsAddUp() throws {
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0 ... .max, using: &random)
        var state = seed
        func next() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 40) / 1_000
        }
        let bounds = [0.5, 1, 10, 100, 1_000, 10_000]
        let registry = PrometheusRegistry(describing: [.init(name: "sizes", help: "Sizes.", bounds: bounds)])
        let sizes = Recorder(label: "sizes", factory: registry)
        // What lies on a bound is within it.
        var values: [Double] = [0, 0.5, 1, 10_000, 10_000.001, -4]
        for _ in 0..<2_000 { values.append(next()) }
        for value in values { sizes.record(value) }
        for value in [Double.nan, .infinity, -.infinity] { sizes.record(value) }
        let read = try PrometheusText(registry.text())
        for bound in bounds {
            let expected = Double(values.count { $0 <= bound })
            #expect(try read.value("sizes_bucket", ["le": prometheusNumber(bound)]) == expected, "seed \(seed)")
        }
        #expect(try read.value("sizes_bucket", ["le": "+Inf"]) == Double(values.count))
        let sum = try #require(try read.value("sizes_sum"))
        #expect(abs(sum - values.reduce(0, +)) < 0.001, "seed \(seed)")
    }

    @Test func beyondTheLimitASeriesIsDroppedAndCounted() throws {
        // One for the count of the dropped, five for a histogram of two bounds, four left.
        let registry = PrometheusRegistry(describing: [.init(name: "h", help: "", bounds: [1, 2])], seriesMax: 10)
        let kept = Recorder(label: "h", factory: registry)
        for number in 0..<7 { Counter(label: "c", dimensions: [("n", "\(number)")], factory: registry).increment() }
        Recorder(label: "h", dimensions: [("n", "1")], factory: registry).record(1)
        kept.record(1)
        // Those that are there go on.
        Counter(label: "c", dimensions: [("n", "0")], factory: registry).increment()
        let read = try PrometheusText(registry.text())
        #expect(read.samples.count == 10)
        #expect(try read.value("caring_metrics_dropped_total") == 4)
        #expect(try read.value("c", ["n": "0"]) == 2)
        #expect(try read.value("c", ["n": "4"]) == nil)
        #expect(try read.value("h_count") == 1)
    }

    @Test func whatIsDestroyedMakesRoom() throws {
        let registry = PrometheusRegistry(seriesMax: 2)
        let first = Counter(label: "first", factory: registry)
        Counter(label: "second", factory: registry).increment()
        first.destroy()
        Counter(label: "third", factory: registry).increment()
        let read = try PrometheusText(registry.text())
        #expect(try read.value("first") == nil && read.value("second") == nil && read.value("third") == 1)
    }

    /// A name that two metrics would share makes text that Prometheus refuses as a whole.
    @Test func aNameBelongsToOneKind() throws {
        let registry = PrometheusRegistry()
        Recorder(label: "size", factory: registry).record(1)
        Counter(label: "size_count", factory: registry).increment()
        Meter(label: "size", factory: registry).set(1)
        Counter(label: "wait_sum", factory: registry).increment()
        Timer(label: "wait", factory: registry).recordSeconds(1)
        Counter(label: "caring_metrics_dropped_total", factory: registry).increment(by: 100)
        let read = try PrometheusText(registry.text())
        #expect(try read.value("caring_metrics_dropped_total") == 4)
        #expect(read.types == ["caring_metrics_dropped_total": "counter", "size": "histogram", "wait_sum": "counter"])
    }

    @Test func aCounterOnlyGoesUp() throws {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "a", factory: registry)
        counter.increment(by: Int64.max - 1)
        counter.increment(by: -5)
        counter.increment(by: 10)
        #expect(registry.text().contains("\na 9223372036854775807\n"))
        let litres = FloatingPointCounter(label: "b", factory: registry)
        for amount in [0.5, -2, .nan, .infinity, 0.25] { litres.increment(by: amount) }
        #expect(try PrometheusText(registry.text()).value("b") == 0.75)
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "0"), (1, "1"), (-2, "-2"), (0.1, "0.1"), (1e-7, "1e-07"), (1e300, "1e+300"), (.infinity, "+Inf"),
        (-.infinity, "-Inf"), (.nan, "NaN"), (9_007_199_254_740_991, "9007199254740991"),
    ])
    func numbersAreWrittenAsGoReadsThem(value: Double, text: String) { #expect(prometheusNumber(value) == text) }

    @Test func manyThreadsLoseNothing() async throws {
        let registry = PrometheusRegistry()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<500 {
                        Counter(label: "a", dimensions: [("n", "\((task + number) % 20)")], factory: registry).increment()
                        Recorder(label: "b", factory: registry).record(1)
                        if number % 100 == 0 { _ = registry.text() }
                    }
                }
            }
        }
        let read = try PrometheusText(registry.text())
        #expect(read.samples.filter { $0.name == "a" }.map(\.value).reduce(0, +) == 4_000)
        #expect(try read.value("b_count") == 4_000)
    }
}
