/// What is usual for one person or home, and how far a figure lies from it. Of their own past only: nobody is compared with others.
///
/// The middle is the median and the width the median absolute deviation, because one strange day must not move either
/// (P. J. Rousseeuw and C. Croux, "Alternatives to the Median Absolute Deviation", 1993, for the factor 1.4826).
public struct Usual: Hashable, Sendable {
    public var middle: Double
    /// About as far as two of three days lie from the middle at most.
    public var width: Double
    public var count: Int

    /// Fewer days than this show no usual.
    public static let daysMin = 7

    public init?(_ values: [Double]) {
        guard values.count >= Self.daysMin else { return nil }
        middle = Self.median(values)
        let centre = middle
        width = 1.4826 * Self.median(values.map { abs($0 - centre) })
        count = values.count
    }

    public enum Comparison: Hashable, Sendable { case less, asUsual, more }

    /// - Parameter least: what is nothing to speak of, in the value's unit; figures that hardly ever change have no width.
    public func compare(_ value: Double, least: Double) -> Comparison {
        let bound = max(2 * width, least)
        if value > middle + bound { return .more }
        return value < middle - bound ? .less : .asUsual
    }

    /// Zero for no values.
    public static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard let last = sorted.last else { return 0 }
        let half = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + (half < sorted.count ? sorted[half] : last)) / 2
    }
}

/// A row of bars, one a value; a gap where there is none. For terminals: eight heights of U+2581 … U+2588.
public func plot(_ values: [Double?]) -> String {
    // Beyond this a difference might not be a number any more.
    let values = values.map { $0.flatMap { abs($0) < 1e15 ? $0 : nil } }
    let known = values.compactMap { $0 }
    guard let least = known.min(), let most = known.max() else { return "" }
    let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    return String(
        values.map { value -> Character in
            guard let value else { return "·" }
            guard most > least else { return bars[3] }
            return bars[min(7, max(0, Int(((value - least) / (most - least) * 7).rounded())))]
        })
}
