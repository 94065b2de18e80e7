import Care
import Foundation

/// One thing that was measured, once in each run.
struct Figure {
    /// Where it stands in the JSON object: `latency.idle.p99Ratio`.
    var key: String
    var values: [Double]
    var unit: String
    var digits = 0
    /// What the issue asks for, as a sentence: "at least 0.5".
    var wanted: String?

    var median: Double { percentile(values, 0.5) }
    /// Largest minus smallest, as a part of the median.
    var spread: Double {
        guard let least = values.min(), let most = values.max(), median != 0 else { return 0 }
        return (most - least) / abs(median)
    }
}

/// - Parameter part: 0 … 1; between two values, the nearer one's share of both.
func percentile(_ values: [Double], _ part: Double) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let place = part * Double(sorted.count - 1)
    let below = Int(place)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
}

/// What the figures are worth: the machine that they were taken on.
struct Machine {
    /// A figure that differs by more than this part of its median from run to run was disturbed by something.
    static let spreadMax = 0.2

    var cores = ProcessInfo.processInfo.activeProcessorCount
    var loadBefore = Machine.load()
    var loadAfter = 0.0

    /// Processes that wanted to run, on average over the last minute.
    static func load() -> Double {
        var loads = [0.0, 0.0, 0.0]
        return getloadavg(&loads, 3) > 0 ? loads[0] : -1
    }
}

/// All figures of one call, as a table for people or one object for programs.
struct Report {
    var figures: [Figure] = []
    var skipped: [String] = []
    var machine: Machine

    var noisy: [Figure] { figures.filter { $0.spread > Machine.spreadMax } }

    var table: String {
        var rows = [["figure", "median", "unit", "spread", "runs", "wanted"]]
        for figure in figures {
            rows.append([
                figure.key, number(figure.median, figure.digits), figure.unit, "\(Int((figure.spread * 100).rounded())) %",
                figure.values.map { number($0, figure.digits) }.joined(separator: " "), figure.wanted ?? "",
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.map { row in
            row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 1 || column == 3 ? space + row[column] : row[column] + space
            }.joined(separator: "  ")
        }
        lines.append("")
        lines.append(
            "\(machine.cores) cores, load average \(number(machine.loadBefore, 2)) before and \(number(machine.loadAfter, 2)) after. "
                + (noisy.isEmpty
                    ? "Quiet: no figure differs by more than 20 % from run to run."
                    : "Noisy: \(noisy.map(\.key).joined(separator: ", ")) differ by more than 20 % from run to run."))
        return (lines + skipped).joined(separator: "\n")
    }

    var json: JSON {
        var object: [JSON.Member] = []
        for figure in figures { put(.double(rounded(figure.median)), at: figure.key.split(separator: ".").map(String.init), in: &object) }
        object.append(
            .init(
                "machine",
                .object([
                    "cores": .int(Int64(machine.cores)), "loadAverageBefore": .double(machine.loadBefore),
                    "loadAverageAfter": .double(machine.loadAfter), "noisy": .bool(!noisy.isEmpty),
                ])))
        object.append(.init("spread", .object(figures.map { .init($0.key, .double(rounded($0.spread))) })))
        object.append(.init("runs", .object(figures.map { .init($0.key, .array($0.values.map { .double(rounded($0)) })) })))
        object.append(.init("skipped", .strings(skipped)))
        return .object(object)
    }

    private func put(_ value: JSON, at path: [String], in object: inout [JSON.Member]) {
        guard let first = path.first else { return }
        guard path.count > 1 else { return object.append(.init(first, value)) }
        let place = object.firstIndex { $0.key == first } ?? object.count
        if place == object.count { object.append(.init(first, .object([JSON.Member]()))) }
        guard case .object(var inner) = object[place].value else { return }
        put(value, at: Array(path.dropFirst()), in: &inner)
        object[place].value = .object(inner)
    }

    private func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
    /// Four decimals are more than any of these figures is worth.
    private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}
