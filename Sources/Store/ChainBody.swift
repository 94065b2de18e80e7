import Audit
import Care
import Crypto
import Foundation

/// The bodies of chain entries: canonical JSON, keys sorted, people as numbers. Made anew from the row when a chain is verified, so
/// what stands here for a row must never change; a new kind of body gets a new kind.
enum ChainBody {
    static func disclosure(_ d: Disclosure, n: Int64, to: Int64) -> String {
        text([
            ("alert", d.alert.map { .int($0.number) }), ("at", .int(d.at.milliseconds)), ("data", .string(d.data)),
            ("decision", d.decision.map { .int($0.number) }), ("detail", .string(d.detail.name)), ("disclosure", .int(n)),
            ("emergency", d.isEmergency ? true : nil),
            ("kind", "disclosure"), ("mandate", d.mandate.map { .int($0.number) }), ("notice", d.notice.map { .int($0.number) }),
            ("purpose", d.purpose.map { .string($0.rawValue) }), ("stage", d.stage.map { .string($0.name) }),
            ("state", .string(d.state.rawValue)), ("to", .int(to)),
        ])
    }

    static func raised(_ alert: Alert) -> String {
        text([
            ("alert", .int(alert.id.number)), ("at", .int(alert.raisedAt.milliseconds)), ("event", "raised"), ("kind", "alert"),
            ("rule", .string(alert.matter.rule.name)), ("test", alert.isTest ? true : nil),
        ])
    }

    /// - Parameter by: who ended it, as a number.
    static func ended(_ alert: Alert, _ ending: Alert.Ending, by: Int64?) -> String {
        text([
            ("alert", .int(alert.id.number)), ("at", .int(ending.at.milliseconds)), ("by", by.map { .int($0) }), ("event", "ended"),
            ("how", .string(ending.how.rawValue)), ("kind", "alert"),
        ])
    }

    /// - Parameters:
    ///   - act: the version's state: `given`, `withdrawn`.
    ///   - record: the row's body with numbers for people; nil where it cannot be read.
    ///   - row: the version's body as it stands; its digest shows a change that the readable part does not.
    static func consent(_ act: String, _ id: ConsentID, at: Instant, by: String, record: JSON?, row: String) -> String {
        text([
            ("act", .string(act)), ("at", .int(at.milliseconds)), ("by", .string(by)), ("consent", .int(id.number)), ("kind", "consent"),
            ("record", record), ("row", .string(digest(row))),
        ])
    }

    /// - Parameters:
    ///   - by: who, with numbers for people.
    ///   - n: the number of the row that this records.
    ///   - row: what it says beside this; only its digest is here.
    static func delegate(_ event: String, _ mandate: MandateID, _ act: DelegateActID?, at: Instant, by: String, n: Int64, row: String) -> String {
        text([
            ("act", act.map { .int($0.number) }), ("at", .int(at.milliseconds)), ("by", .string(by)), ("entry", .int(n)), ("event", .string(event)),
            ("kind", "delegate"), ("mandate", .int(mandate.number)), ("row", .string(digest(row))),
        ])
    }

    static func erased(_ ranges: [ClosedRange<Int64>], because: String, at: Instant) -> String {
        text([
            ("at", .int(at.milliseconds)), ("because", .string(because)),
            ("entries", .array(ranges.map { .array([.int($0.lowerBound), .int($0.upperBound)]) })), ("kind", "erased"),
        ])
    }

    /// How long readings of a category are kept from then on.
    static func keeping(_ choice: KeepChoice, by: String) -> String {
        text([
            ("at", .int(choice.at.milliseconds)), ("by", .string(by)), ("category", .string(choice.category.rawValue)),
            ("days", choice.setting.map { .int(Int64($0.days)) }), ("keeping", .int(choice.id)), ("kind", "keeping"),
            ("then", choice.setting.map { .string($0.then.rawValue) }),
        ])
    }

    static func restored(backup: Instant, at: Instant) -> String {
        text([("at", .int(at.milliseconds)), ("backup", .int(backup.milliseconds)), ("kind", "restored")])
    }

    /// Marks a body whose entry was made later than what it records. Sorted behind all other keys.
    static func writtenLater(_ body: String, at: Instant) -> String { "\(body.dropLast()),\"written\":\(at.milliseconds)}" }

    /// Whether an entry's body is this one, whenever it was entered.
    static func isSame(_ stored: String, _ body: String) -> Bool {
        guard stored.hasPrefix(body.dropLast()) else { return false }
        let rest = stored.utf8.dropFirst(body.utf8.count - 1)
        if rest.elementsEqual("}".utf8) { return true }
        guard rest.starts(with: ",\"written\":".utf8), rest.last == UInt8(ascii: "}") else { return false }
        return rest.dropFirst(11).dropLast().allSatisfy { (48...57).contains($0) }
    }

    static func digest(_ text: String) -> String { Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString() }

    private static func text(_ members: [(String, JSON?)]) -> String {
        JSON.object(members.compactMap { key, value in value.map { JSON.Member(key, $0) } }).text
    }

    // MARK: People in texts

    /// Keys under which a record names a person.
    private static let personKeys: Set<String> = ["citizen", "by", "person", "delegate", "recipient", "requestedBy", "for"]
    private static let personKinds: Set<String> = ["helper", "coordinator", "service", "citizen", "delegate", "person"]

    /// A record with numbers in the place of names.
    static func pseudonymous(_ json: JSON, key: String = "", _ number: (String) throws -> Int64) rethrows -> JSON {
        switch json {
        case .object(let members):
            return .object(try members.map { JSON.Member($0.key, try pseudonymous($0.value, key: $0.key, number)) })
        case .array(let values): return .array(try values.map { try pseudonymous($0, key: key, number) })
        case .string(let text):
            if personKeys.contains(key), isUsableName(text) { return .int(try number(text)) }
            let parts = text.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, personKinds.contains(String(parts[0])), isUsableName(String(parts[1])) else { return json }
            return .string("\(parts[0]):\(try number(String(parts[1])))")
        default: return json
        }
    }

    /// `operator 1000 for ada` becomes `operator 1000 for 3`.
    static func pseudonymous(by text: String, _ number: (String) throws -> Int64) rethrows -> String {
        let words = text.split(separator: " ").map(String.init)
        return try words.enumerated().map { i, word in
            if words.count > 1, word == "operator" || word == "for" || i > 0 && words[i - 1] == "operator" { return word }
            return isUsableName(word) ? String(try number(word)) : word
        }.joined(separator: " ")
    }
}
