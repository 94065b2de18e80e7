import Care
import Foundation
import Store

/// Who acts for a citizen, and what they did: lines of `delegates.jsonl`.
extension Exporter {
    /// What came from elsewhere, then mandates, then acts, each with what happened to it.
    func writeDelegates() throws {
        var written: Int64 = 0
        func write(_ text: String) throws {
            try line { $0.add(text) }
            written += 1
        }
        try disk.imported(person.id, "delegate", write)
        for mandate in try disk.reader.mandates(of: person.id) {
            try write(
                JSON.object([
                    "origin": .string(order.instance), "id": .string(mandate.id.description), "entry": "mandate", "delegate": .string(mandate.delegate.name),
                    "name": .string(name(mandate.delegate)), "categories": .strings(mandate.categories.map(\.rawValue)),
                    "purposes": .strings(mandate.purposes.map(\.rawValue)), "from": .string(mandate.from.iso), "until": .string(mandate.until.iso),
                    "endedAt": .optional(mandate.endedAt?.iso), "authority": .string(mandate.authority), "by": .string(mandate.giver.rawValue),
                    "two": .strings(mandate.needsTwo.map(\.rawValue)), "events": try events(mandate.id, nil),
                ]).text)
        }
        try disk.rows("SELECT body FROM delegateAct WHERE citizen = ? ORDER BY id", [person.id.name]) { row in
            let deed = try row.decode(DelegateAct.self, "body")
            try write(
                JSON.object([
                    "origin": .string(order.instance), "id": .string(deed.id.description), "entry": "act", "mandate": .string(deed.mandate.description),
                    "delegate": .string(deed.delegate.name), "name": .string(name(deed.delegate)), "at": .string(deed.at.iso), "kind": .string(deed.kind.rawValue),
                    "effect": .string(deed.effect.rawValue), "made": .optional(deed.made), "what": .string(deed.what), "state": .string(deed.state.rawValue),
                    "settledBy": .optional(deed.settledBy), "settledAt": .optional(deed.settledAt?.iso), "events": try events(deed.mandate, deed.id),
                ]).text)
        }
        count("delegates", written)
    }

    private func events(_ mandate: MandateID, _ act: DelegateActID?) throws -> JSON {
        .array(
            try disk.reader.delegateEntries(mandate, act: act).map {
                .object(["event": .string($0.event.rawValue), "at": .string($0.at.iso), "by": .string($0.by)])
            })
    }
}
