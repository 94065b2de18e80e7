/// How long to wait before the next attempt. Doubles with every failure in a row, up to a limit.
struct ReconnectDelay {
    private let firstMilliseconds: Int
    private let maxMilliseconds: Int
    private let jitter: Double
    private var failuresInARow = 0

    init(_ configuration: MQTTConfiguration) {
        firstMilliseconds = configuration.reconnectDelayFirstMilliseconds
        maxMilliseconds = configuration.reconnectDelayMaxMilliseconds
        jitter = configuration.reconnectJitter
    }

    /// Called when a connection has proved stable.
    mutating func reset() { failuresInARow = 0 }

    /// Nanoseconds to wait after one more failure.
    mutating func next() -> Int64 {
        // 2^20 times the shortest delay exceeds any limit that the configuration accepts.
        let doublings = min(failuresInARow, 20)
        failuresInARow += 1
        return lengthened(min(maxMilliseconds, firstMilliseconds << doublings))
    }

    /// Nanoseconds to wait when another client has taken the session.
    mutating func longest() -> Int64 {
        failuresInARow += 1
        return lengthened(maxMilliseconds)
    }

    private func lengthened(_ milliseconds: Int) -> Int64 {
        Int64(Double(milliseconds) * 1_000_000 * (1 + Double.random(in: 0...1) * jitter))
    }
}
