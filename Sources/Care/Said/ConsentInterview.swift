/// A consent asked for step by step: one question at a time, each answer checked at once. Pure, so that a terminal, or
/// later a page, only shows and reads.
public struct ConsentInterview: Sendable {
    private enum Step: Int, Sendable { case who, what, purpose, detail, hours, until, done }
    private var step = Step.who
    /// What has been said so far; complete when there is no question left.
    public private(set) var draft = ConsentDraft(
        citizen: nil, to: [], purposes: [], data: [], detail: nil, stage: nil, hours: [], from: nil, until: nil)

    public init() {}

    /// Nil: all has been asked.
    public var question: String? {
        switch step {
        case .who: "Who may learn something? For example circle:oak-street, helper:maria or service:clinic."
        case .what: "About what? \(Category.allCases.map(\.rawValue).joined(separator: ", ")), a quantity such as heart_rate, identity (your name and address), or everything."
        case .purpose: "What for? \(Self.numbered(Purpose.allCases.map(\.rawValue)))"
        case .detail: "How much at most? \(Self.numbered(Self.details)) (nothing typed: alert, which is that something happened and what)"
        case .hours: "When? For example mon-fri 08:00-18:00; several with \u{201C};\u{201D} between (nothing typed: at any hour)"
        case .until: "Until when? A day such as 2027-06-30, or for how long, such as 30d (nothing typed: until you withdraw it)"
        case .done: nil
        }
    }

    private static var details: [String] { Detail.allCases.filter { $0 > .nothing }.map(\.name) }
    private static func numbered(_ names: [String]) -> String {
        names.enumerated().map { "\($0.offset + 1) \($0.element)" }.joined(separator: ", ")
    }
    /// By its number or its name.
    private static func choice(_ text: String, among names: [String]) -> String? {
        if let number = Int(text), names.indices.contains(number - 1) { return names[number - 1] }
        return names.first { $0 == text }
    }

    /// - Returns: what is wrong with the answer, in a sentence; nil when it was taken and the next question stands.
    public mutating func answer(_ text: String) -> String? {
        let words = text.split { $0 == " " || $0 == "," || $0 == "\t" }.map(String.init)
        let line = words.joined(separator: " ")
        do throws(ConsentTextError) {
            switch step {
            case .who:
                if words.isEmpty { return "Somebody has to be named; to stop, press Ctrl-C." }
                for word in words { _ = try RecipientPattern(text: word) }
                draft.to = words
            case .what:
                if words.isEmpty { return "Something has to be named; to stop, press Ctrl-C." }
                // Devices are known to the gateway.
                for word in words where !word.hasPrefix("device:") { _ = try DataPattern(text: word) }
                draft.data = words
            case .purpose:
                let named = words.compactMap { Self.choice($0, among: Purpose.allCases.map(\.rawValue)) }
                guard !words.isEmpty, named.count == words.count else { return "Type a number or a name of these." }
                draft.purposes = named
            case .detail where !words.isEmpty:
                guard let detail = Self.choice(line, among: Self.details) else { return "Type a number or a name of these." }
                draft.detail = detail
            case .hours where !words.isEmpty:
                let windows = text.split(separator: ";").map { $0.split(separator: " ").joined(separator: " ") }.filter { !$0.isEmpty }
                for window in windows { _ = try HourWindow(text: window) }
                draft.hours = windows
            case .until where !words.isEmpty: draft.until = line
            case .detail, .hours, .until, .done: break
            }
        } catch {
            return error.sentence
        }
        step = Step(rawValue: step.rawValue + 1) ?? .done
        return nil
    }
}
