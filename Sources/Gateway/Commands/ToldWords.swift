import Care

/// What somebody was told, or would be, in the words of all who say it.
enum ToldWords {
    static let identity = "identity"
    /// That an alert waits for somebody: what coordinators learn without a consent.
    static let openAlert = "an alert is open"

    /// - Parameter data: a quantity, a category, or one of the above, as a disclosure names it.
    static func what(_ data: String, _ detail: Detail) -> String {
        if data == identity { return "your name and address" }
        if data == openAlert { return "that an alert in the circle needs somebody, and nothing more" }
        let words = Quantity(data)?.words ?? data
        return switch detail {
        case .wellbeing: "that somebody should knock (\(words))"
        case .alert: "what happened (\(words))"
        case .summary: "a summary (\(words))"
        case .readings: "the readings (\(words))"
        case .nothing: "nothing (\(words))"
        }
    }
}
