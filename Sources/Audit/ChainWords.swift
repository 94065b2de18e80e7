import Care
import Foundation

/// What an entry's body says, in a few words for people. Unknown keys are passed over, so that an older program can still name an
/// entry of a newer gateway.
public struct ChainWords: Sendable {
    /// Milliseconds since 1970.
    public var at: Int64
    public var text: String

    private struct Body: Decodable {
        var kind: String?
        var at: Int64?
        var act: String?
        var consent: Int64?
        var alert: Int64?
        var event: String?
        var rule: String?
        var data: String?
        var state: String?
        var to: Int64?
        var because: String?
        var backup: Int64?
        var mandate: Int64?
        var category: String?
        var days: Int64?
        var then: String?
    }

    /// Nil where there is no body, or none that can be read.
    public init?(_ entry: ChainEntry) {
        guard let text = entry.body, let body = try? JSONDecoder().decode(Body.self, from: Data(text.utf8)) else { return nil }
        at = body.at ?? 0
        self.text = Self.words(body)
    }

    private static func words(_ body: Body) -> String {
        switch body.kind {
        case "consent": return "consent record c\(body.consent ?? 0) was \(safeText(body.act ?? "changed"))"
        case "alert": return "alert a\(body.alert ?? 0) \(body.event == "ended" ? "ended" : "was raised")\(body.rule.map { " by rule \(safeText($0))" } ?? "")"
        case "disclosure":
            let what = "person \(body.to ?? 0) about \u{201C}\(safeText(body.data ?? "?"))\u{201D}\(body.alert.map { ", alert a\($0)" } ?? "")"
            switch body.state {
            case "queued": return "a word to \(what) was queued"
            case "cancelled": return "a word to \(what) was cancelled"
            case "seen": return "a word to \(what) was read"
            default: return "a word to \(what) was sent"
            }
        case "delegate":
            return "mandate m\(body.mandate ?? 0): \(safeText(body.event ?? "something happened"))"
        case "erased": return "entries were erased\(body.because.map { " (\(safeText($0)))" } ?? "")"
        case "keeping":
            let what = "\(safeText(body.category ?? "?")) is kept"
            guard let days = body.days else { return "\(what) as long as the scheme says" }
            return "\(what) \(days == 1 ? "1 day" : "\(days) days"), then \(body.then == "daily" ? "made into daily figures" : "erased")"
        case "restored": return "the gateway went on from a backup"
        default: return safeText(body.kind ?? "something unknown")
        }
    }

    /// `entry 7 (2026-11-21T03:07:02Z: alert a17 was raised by rule sos)`.
    public static func name(_ entry: ChainEntry) -> String {
        if let words = ChainWords(entry) { return "entry \(entry.n) (\(Instant(milliseconds: words.at).iso): \(words.text))" }
        if let at = entry.hiddenAt { return "entry \(entry.n) (\(Instant(milliseconds: at).iso), of the kind \(safeText(entry.kind)))" }
        return "entry \(entry.n) (of the kind \(safeText(entry.kind))\(entry.isErased ? ", erased" : ", unreadable"))"
    }
}
