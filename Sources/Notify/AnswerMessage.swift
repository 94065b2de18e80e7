import Care
import Foundation

/// Why a message from a person could not be read. One plain sentence; it repeats nothing of the message.
public struct MessageProblem: Error, Hashable, Sendable, CustomStringConvertible {
    public var sentence: String
    public var description: String { sentence }
}

/// What a helper answers, published on `helpers/<helper>/answers`:
/// `{"alert": "a17", "answer": "accept", "note": "…"}`.
public struct AnswerMessage: Hashable, Sendable {
    public var alert: AlertID
    public var answer: Answer
    /// Fit for a terminal, at most `noteCharactersMax`.
    public var note: String?

    public static let payloadBytesMax = 4_096
    public static let noteCharactersMax = 500

    public init(alert: AlertID, answer: Answer, note: String?) {
        self.alert = alert
        self.answer = answer
        self.note = note
    }

    public static func parse(_ payload: UnsafeRawBufferPointer) -> Result<AnswerMessage, MessageProblem> {
        SaidOverMQTT.parse(payload).flatMap { said in
            guard let answer = Answer(rawValue: said.answer) else {
                let known = Answer.allCases.map(\.rawValue).joined(separator: ", ")
                return .failure(MessageProblem(sentence: "The answer must be one of: \(known)."))
            }
            return .success(AnswerMessage(alert: said.alert, answer: answer, note: said.note))
        }
    }

    public static func parse(_ payload: [UInt8]) -> Result<AnswerMessage, MessageProblem> {
        payload.withUnsafeBytes { parse($0) }
    }

    /// Whose answers a topic holds: `helpers/maria/answers` is Maria's. Nil for other topics.
    public static func helper(ofTopic topic: String) -> PersonID? {
        let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
        guard levels.count == 3, levels[0] == "helpers", levels[2] == "answers", isUsableName(String(levels[1])) else {
            return nil
        }
        return PersonID(String(levels[1]))
    }
}

/// What a citizen says to an alert about them, published on `homes/<home>/caring/answers`:
/// `{"alert": "a17", "answer": "cancel", "note": "…"}`. Nobody needs to come.
public struct CitizenAnswerMessage: Hashable, Sendable {
    public var alert: AlertID
    /// As in `AnswerMessage`.
    public var note: String?

    public init(alert: AlertID, note: String?) {
        self.alert = alert
        self.note = note
    }

    public static func parse(_ payload: UnsafeRawBufferPointer) -> Result<CitizenAnswerMessage, MessageProblem> {
        SaidOverMQTT.parse(payload).flatMap { said in
            guard said.answer == "cancel" else {
                return .failure(MessageProblem(sentence: "The answer from a home must be: cancel."))
            }
            return .success(CitizenAnswerMessage(alert: said.alert, note: said.note))
        }
    }

    public static func parse(_ payload: [UInt8]) -> Result<CitizenAnswerMessage, MessageProblem> {
        payload.withUnsafeBytes { parse($0) }
    }

    /// The home that a topic `homes/<home>/caring/answers` belongs to. Nil for other topics.
    public static func home(ofTopic topic: String) -> HomeID? {
        let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
        guard levels.count == 4, levels[0] == "homes", levels[2] == "caring", levels[3] == "answers",
            isUsableName(String(levels[1]))
        else { return nil }
        return HomeID(String(levels[1]))
    }
}

/// What both kinds of answers have in common.
private struct SaidOverMQTT {
    var alert: AlertID
    var answer: String
    var note: String?

    static func parse(_ payload: UnsafeRawBufferPointer) -> Result<SaidOverMQTT, MessageProblem> {
        func refused(_ sentence: String) -> Result<SaidOverMQTT, MessageProblem> {
            .failure(MessageProblem(sentence: sentence))
        }
        guard payload.count <= AnswerMessage.payloadBytesMax else {
            return refused("An answer may have \(AnswerMessage.payloadBytesMax) bytes; this one has \(payload.count).")
        }
        guard let object = try? JSONDecoder().decode(JSON.self, from: Data(payload)), case .object = object else {
            return refused("An answer must be a JSON object such as {\"alert\": \"a17\", \"answer\": \"accept\"}.")
        }
        guard let text = object["alert"]?.string, let alert = AlertID(text: text) else {
            return refused("An answer must name its alert, such as \"alert\": \"a17\".")
        }
        guard let answer = object["answer"]?.string else {
            return refused("An answer must say what it is, such as \"answer\": \"accept\".")
        }
        switch object["note"] {
        case nil, .null?: return .success(SaidOverMQTT(alert: alert, answer: answer, note: nil))
        case .string(let note)?:
            // Cut and not refused: that somebody comes is worth more than all that they say about it.
            // One less, because `safeText` adds an ellipsis.
            let isLong = note.unicodeScalars.count > AnswerMessage.noteCharactersMax
            let safe = safeText(note, charactersMax: AnswerMessage.noteCharactersMax - (isLong ? 1 : 0))
            return .success(SaidOverMQTT(alert: alert, answer: answer, note: safe.isEmpty ? nil : safe))
        default: return refused("The note of an answer must be text.")
        }
    }
}
