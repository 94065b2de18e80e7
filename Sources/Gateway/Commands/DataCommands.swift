import Care
import Foundation
import Store

/// One's own data: taking them along, and what was taken in.
extension Engine {
    /// Whose data may be taken along, and as what; the data are read beside the turns.
    func dataExport(_ name: String?, _ actor: Actor, _ tx: StoreTurn) throws -> Reply {
        let person = try citizen(name, actor)
        return Reply(
            say: ["The data of \(person.id) may be taken along. caring data export --out FILE.zip does it."],
            items: [.object(["citizen": .string(person.id.name), "at": .string(now.iso), "gateway": .string(try instance(tx))])])
    }

    /// A name for this gateway that no other has: exports say where an entry was written, and `a17` is an alert of many.
    func instance(_ tx: StoreTurn) throws -> String {
        if let known = try tx.reader.meta("instance") { return known }
        let new = (0..<16).map { _ in String(UInt8.random(in: 0...255), radix: 16) }.map { $0.count == 1 ? "0" + $0 : $0 }.joined()
        try tx.setMeta("instance", new)
        return new
    }

    /// Of one answer: it is one frame on its way to the command line.
    static var pastBytesMax: Int { 4 << 20 }

    /// What was taken in from another gateway, newest last, read beside the turns.
    func dataPast(_ name: String?, _ kind: String?, _ actor: Actor) throws -> @Sendable () -> Reply {
        let person = try citizen(name, actor)
        guard kind == nil || ImportPart.kinds.contains(kind ?? "") else {
            throw CommandProblem.failed("\u{201C}\(safeText(kind ?? ""))\u{201D} is nothing that is taken in; it is one of \(ImportPart.kinds.joined(separator: ", ")).")
        }
        let (id, aside) = (person.id, store.aside)
        return {
            do {
                var (say, items): ([String], [JSON]) = ([], [])
                var left = Self.pastBytesMax
                var isCut = false
                try aside.read { reader in
                    for one in kind.map({ [$0] }) ?? ImportPart.kinds {
                        let (texts, hasMore) = try reader.imported(id, one, limit: Self.readingsMax, bytesMax: left)
                        isCut = isCut || hasMore
                        for text in texts {
                            left -= text.utf8.count
                            guard let line = try? JSONDecoder().decode(JSON.self, from: Data(text.utf8)) else { continue }
                            items.append(line)
                            if let sentence = Self.pastSentence(line, one) { say.append(sentence) }
                        }
                    }
                }
                if say.isEmpty { say = ["Nothing was taken in from another gateway."] }
                if isCut { say.append("There is more, which is older\(kind == nil ? ": --kind shows more of one kind" : ""). An export has all of it.") }
                return Reply(say: say, items: items)
            } catch {
                return .failed("What was taken in could not be read. The gateway's log says why.")
            }
        }
    }

    private static func pastSentence(_ line: JSON, _ kind: String) -> String? {
        func text(_ key: String) -> String { safeText(line[key]?.string ?? "", charactersMax: 500) }
        switch kind {
        case "consent": return "\(text("givenAt"))  Not in force here, but it was there: \(text("say")) (\(text("id")))"
        case "alert" where line["entry"]?.string == "alert":
            return "\(text("raisedAt"))  \(text("say")) Ended\(line["ended"]?.string.map { " (\(safeText($0)))" } ?? " by being taken along"). (\(text("id")))"
        case "told" where line["entry"]?.string == "disclosure": return "\(text("at"))  \(text("name")): \(text("data")), \(text("detail")), \(text("state")). (\(text("id")))"
        case "told" where line["entry"]?.string == "feed":
            return "\(text("at"))  \(text("name")) received \(line["sent"]?.int ?? 0) of \(text("data")), \(text("detail")), on \(text("day")). (\(text("id")))"
        case "told": return "\(text("at"))  An operator there acted for you: \(text("command")). (\(text("id")))"
        case "keeping": return "\(text("at"))  How long readings were to be kept there: \(text("say")) (\(text("id")))"
        case "decision": return "\(text("at"))  \(text("name")) asked for \(text("data")) and was permitted \(text("permitted")). (\(text("id")))"
        case "delegate" where line["entry"]?.string == "mandate":
            return "\(text("from"))  \(text("name")) could act for you there, until \(text("until")): \(text("authority")). (\(text("id")))"
        case "delegate": return "\(text("at"))  \(text("name")) acted for you there: \(text("what")) (\(text("id")))"
        default: return nil
        }
    }
}

extension ImportPart {
    static let kinds = ["consent", "decision", "told", "alert", "delegate", "keeping"]
}
