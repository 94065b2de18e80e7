import Care
import Foundation
import Store

/// Who was told something, or acted in the citizen's name: a line of `who-saw.jsonl`.
struct ToldLine: Codable {
    var origin: String
    /// `t12`: the gateway's 12th disclosure; `o3`: its 3rd act of an operator; `s4`: its 4th count of a day's feed.
    var id: String
    /// `disclosure`, `operator` or `feed`.
    var entry: String
    var at: String
    var recipient: String?
    var name: String?
    var data: String?
    var detail: String?
    var stage: String?
    var state: String?
    /// Told only because of what was decided beforehand for emergencies.
    var emergency: Bool?
    var alert: String?
    var notice: String?
    var decision: String?
    var uid: Int64?
    var command: String?
    var outcome: String?
    /// By which mandate a delegate looked in the citizen's place, and what for.
    var mandate: String?
    var purpose: String?
    /// Of a feed: on which day so many readings or summaries were queued, sent and fetched.
    var day: String?
    var queued: Int64?
    var sent: Int64?
    var fetched: Int64?
}

extension Exporter {
    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    private func instant(_ row: ExportRow, _ column: String) -> String? { row.int(column).map { Instant(milliseconds: $0).iso } }
    private func id(_ prefix: Character, _ number: Int64?) -> String? { number.map { "\(prefix)\($0)" } }

    // MARK: Consents

    /// First what came from elsewhere, as it came; then this gateway's own records, with every column of their table.
    func eachConsent(_ body: (_ line: String, _ isImported: Bool) throws -> Void) throws {
        try disk.imported(person.id, "consent") { try body($0, true) }
        let names = try consentNames()
        try disk.rows("SELECT * FROM consent WHERE citizen = ? ORDER BY id", [person.id.name]) { row in
            let text = row.text("body") ?? ""
            let record = try? JSONDecoder().decode(ConsentRecord.self, from: Data(text.utf8))
            let say = record.map { sentence($0, names: names, zone: zone) } ?? "This record cannot be read by this gateway."
            let stored = row.columns.filter { $0 != "body" }.map { JSON.Member($0, row.json($0)) }
            try body(
                JSON.object([
                    "origin": .string(order.instance), "id": .optional(id("c", row.int("id"))), "say": .string(say),
                    "givenAt": .optional(instant(row, "givenAt")), "withdrawnAt": .optional(instant(row, "withdrawnAt")),
                    "record": (try? JSONDecoder().decode(JSON.self, from: Data(text.utf8))) ?? .string(text), "stored": .object(stored),
                    "versions": try versions(of: row.int("id")),
                ]).text, false)
        }
    }

    /// Each version that there ever was, without what it said: that stands in the receipts of the time and in `record`.
    private func versions(of id: Int64?) throws -> JSON {
        guard let id else { return .array([]) }
        var versions: [JSON] = []
        try disk.rows("SELECT version, state, at, by, reason FROM consentVersion WHERE id = ? ORDER BY version", [id]) { row in
            versions.append(
                .object([
                    "version": .int(row.int("version") ?? 0), "state": .optional(row.text("state")), "at": .optional(instant(row, "at")),
                    "by": .optional(row.text("by")), "reason": .optional(row.text("reason")),
                ]))
        }
        return .array(versions)
    }

    /// The citizen's own chain with its newest proofs.
    func writeAudit() throws {
        guard let citizen = try disk.reader.pseudonym(person.id) else { return }
        try disk.reader.chainLines(of: citizen) { text in try line { $0.add(text) } }
    }

    private func consentNames() throws -> ConsentNames {
        let (people, circles) = (self.people, self.circles)
        let devices = Dictionary(try disk.reader.devices().map { ($0.device.id, $0.device.address) }, uniquingKeysWith: { a, _ in a })
        return ConsentNames(
            circle: { circles[$0]?.title ?? $0.name }, person: { people[$0]?.name ?? $0.name }, device: { devices[$0].map { safeText($0) } ?? "a device" })
    }

    func writeConsents() throws {
        var written: Int64 = 0
        try eachConsent { text, _ in
            try line { $0.add(text) }
            written += 1
        }
        count("consents", written)
    }

    func writeReceipts() throws {
        add("{\"@context\":\(Receipt.context.text),\"@graph\":[\n")
        var isFirst = true
        try eachConsent { text, isImported in
            guard let line = try? JSONDecoder().decode(JSON.self, from: Data(text.utf8)),
                let receipt = Receipt(line, citizen: person.id, at: order.at, isImported: isImported)
            else { return }
            try piece { $0.add((isFirst ? "" : ",\n") + receipt.json.text) }
            isFirst = false
        }
        add("\n]}\n")
    }

    // MARK: Who saw what

    private func eachTold(_ body: (ToldLine, _ text: String?) throws -> Void) throws {
        let decoder = JSONDecoder()
        try disk.imported(person.id, "told") { try body(try decoder.decode(ToldLine.self, from: Data($0.utf8)), $0) }
        try disk.rows("SELECT * FROM disclosure WHERE citizen = ? ORDER BY n", [person.id.name]) { row in
            let recipient = row.text("recipient") ?? ""
            try body(
                ToldLine(
                    origin: order.instance, id: id("t", row.int("n")) ?? "", entry: "disclosure", at: instant(row, "at") ?? "", recipient: recipient,
                    name: name(PersonID(recipient)), data: row.text("data"), detail: row.text("detail"), stage: row.text("stage"),
                    state: row.text("state"), emergency: row.int("emergency") == 1 ? true : nil, alert: id("a", row.int("alert")), notice: id("n", row.int("notice")), decision: id("d", row.int("decision")),
                    mandate: id("m", row.int("mandate")), purpose: row.text("purpose")),
                nil)
        }
        try disk.rows("SELECT * FROM feedDay WHERE citizen = ? ORDER BY id", [person.id.name]) { row in
            let service = row.text("service") ?? ""
            try body(
                ToldLine(
                    origin: order.instance, id: id("s", row.int("id")) ?? "", entry: "feed", at: instant(row, "lastAt") ?? "", recipient: service,
                    name: name(PersonID(service)), data: row.text("quantity"), detail: row.text("detail"), decision: id("d", row.int("decision")),
                    day: row.text("day"), queued: row.int("queued"), sent: row.int("sent"), fetched: row.int("fetched")), nil)
        }
        try disk.rows("SELECT * FROM operatorLog WHERE actingFor = ? ORDER BY n", [person.id.name]) { row in
            try body(
                ToldLine(
                    origin: order.instance, id: id("o", row.int("n")) ?? "", entry: "operator", at: instant(row, "at") ?? "", uid: row.int("uid"),
                    command: row.text("command"), outcome: row.text("outcome")), nil)
        }
    }

    func writeWhoSaw() throws {
        let encoder = Self.encoder
        var written: Int64 = 0
        try eachTold { told, text in
            let text = try text ?? String(decoding: encoder.encode(told), as: UTF8.self)
            try line { $0.add(text) }
            written += 1
        }
        count("disclosures", written)
    }

    func writeWhoSawCSV() throws {
        add(ExportFormat.whoSawHeader + "\n")
        try eachTold { told, _ in
            let fields = [told.at, told.entry, told.recipient, told.name, told.data, told.detail, told.stage, told.state, told.alert, told.decision, told.command]
            try line { $0.add(fields.map { csvField($0 ?? "") }.joined(separator: ",")) }
        }
    }

    // MARK: Decisions and alerts

    /// Those that a line of who saw what names. Of the records that decided only the citizen's own are named.
    func writeDecisions() throws {
        var written: Int64 = 0
        func write(_ text: String) throws {
            try line { $0.add(text) }
            written += 1
        }
        try disk.imported(person.id, "decision", write)
        let own = Set(try disk.texts("SELECT 'c' || id FROM consent WHERE citizen = ?", [person.id.name]))
        try disk.rows(
            "SELECT * FROM decision WHERE id IN (SELECT decision FROM disclosure WHERE citizen = ? AND decision IS NOT NULL) ORDER BY id", [person.id.name]
        ) { row in
            let request = try row.decode(ConsentRequest.self, "request")
            let outcome = try row.decode(Decision.self, "outcome")
            let citizens = try row.decode([PersonID].self, "citizens")
            try write(
                JSON.object([
                    "origin": .string(order.instance), "id": .optional(id("d", row.int("id"))), "at": .string(request.at.iso),
                    "recipient": .string(request.recipient.person.name), "name": .string(name(request.recipient.person)),
                    "purpose": .string(request.purpose.rawValue), "data": .string(Self.words(request.data)), "asked": .string(request.detail.name),
                    "stage": .optional(request.stage?.name), "permitted": .string(outcome.detail.name), "reason": .string(outcome.reason.rawValue),
                    "decidedBy": .strings(outcome.decidedBy.map(\.description).filter(own.contains)), "aboutOthersToo": .bool(citizens.count > 1),
                ]).text)
        }
        count("decisions", written)
    }

    private static func words(_ data: DataSubject) -> String {
        switch data {
        case .data(let category, let quantity, _): quantity?.name ?? category.rawValue
        case .identity: "identity"
        }
    }

    /// An alert is one line and each thing that happened in it another: however long it lasted, no line is long.
    func writeAlerts() throws {
        var written: Int64 = 0
        try disk.imported(person.id, "alert") { text in
            try line { $0.add(text) }
            if text.contains("\"entry\":\"alert\"") { written += 1 }
        }
        let addresses = Dictionary(try disk.reader.devices().map { ($0.device.id, $0.device.address) }, uniquingKeysWith: { a, _ in a })
        try disk.rows("SELECT alert.body FROM alert, json_each(alert.body, '$.citizens') AS c WHERE c.value = ? ORDER BY alert.id", [person.id.name]) { row in
            let alert = try row.decode(Alert.self, "body")
            let text = item(alert, device: alert.device.flatMap { addresses[$0] }).text
            try line { $0.add(text) }
            written += 1
        }
        try disk.rows(
            "SELECT history.n, history.alert, history.body FROM history JOIN alert ON alert.id = history.alert, json_each(alert.body, '$.citizens') AS c WHERE c.value = ? ORDER BY history.n",
            [person.id.name]
        ) { row in
            let entry = try row.decode(HistoryEntry.self, "body")
            let text = JSON.object([
                "origin": .string(order.instance), "id": .optional(id("h", row.int("n"))), "entry": "history", "alert": .optional(id("a", row.int("alert"))),
                "at": .string(entry.at.iso), "what": .string(entry.what.rawValue), "person": .optional(entry.person?.name),
                "name": .optional(entry.person.map { name($0) }), "text": .optional(entry.text),
            ]).text
            try line { $0.add(text) }
        }
        count("alerts", written)
    }

    private func item(_ alert: Alert, device: String?) -> JSON {
        .object([
            "origin": .string(order.instance), "id": .string(alert.id.description), "entry": "alert", "home": .string(alert.home.name),
            "rule": .string(alert.matter.rule.name), "kind": .string(alert.matter.kind), "say": .string(alert.matter.say),
            "category": .string(alert.matter.category.rawValue), "purpose": .string(alert.matter.purpose.rawValue),
            "severity": .string(alert.matter.severity.rawValue), "test": .bool(alert.isTest), "device": .optional(device),
            "quantity": .optional(alert.quantity?.name), "value": alert.value.map { .double($0) } ?? .null, "raisedAt": .string(alert.raisedAt.iso),
            "since": .string(alert.since.iso), "earliest": .optional(alert.earliest?.iso), "lastSeen": .optional(alert.lastSeen?.iso),
            "occurrences": .int(Int64(alert.occurrences)), "state": .string(alert.state.rawValue), "endedAt": .optional(alert.ending?.at.iso),
            "ended": .optional(alert.ending?.how.rawValue), "endedBy": .optional(alert.ending?.by.map { name($0) }), "note": .optional(alert.ending?.note),
            "asked": .strings(alert.offers.map { name($0.person) }), "aboutOthersToo": .bool(alert.citizens.count > 1),
        ])
    }
}
