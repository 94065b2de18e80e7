import Care
import Crypto
import Foundation

/// A consent receipt after ISO/IEC TS 27560:2023, in the terms of the W3C community group's Data Privacy Vocabulary:
/// its guide "Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV" says which term says what.
///
/// What the gateway does not know is left out and not made up: who runs it, its address, its jurisdiction. Those fields
/// are required by the specification, so a receipt is only whole once whoever runs the gateway has added them.
struct Receipt {
    static let context: JSON = .object([
        "dpv": "https://w3id.org/dpv#", "dct": "http://purl.org/dc/terms/", "schema": "https://schema.org/",
    ])
    private static let schema = "https://w3id.org/dpv/schema/dpv-27560"

    let json: JSON

    /// - Parameters:
    ///   - line: of `consents.jsonl`.
    ///   - isImported: it came from another gateway and is not in force here.
    init?(_ line: JSON, citizen: PersonID, at now: Instant, isImported: Bool) {
        guard let origin = line["origin"]?.string, let id = line["id"]?.string, let say = line["say"]?.string,
            let text = line["record"]?.text, let record = try? JSONDecoder().decode(ConsentRecord.self, from: Data(text.utf8))
        else { return nil }
        let givenAt = line["givenAt"]?.string ?? record.from.iso
        let identifier = Self.uuid("receipt", origin, id)
        let recordID = Self.uuid("record", origin, id)
        var members: [JSON.Member] = [
            .init("@id", .string("urn:uuid:\(identifier)")), .init("@type", "dpv:ConsentReceipt"), .init("dct:identifier", .string(identifier)),
            .init("dpv:hasIdentifier", .string(identifier)), .init("dct:conformsTo", .string(Self.schema + "#receipt")),
            .init("dct:created", .string(now.iso)), .init("schema:recipient", "dpv:DataSubject"),
        ]
        if isImported {
            members.append(.init("dct:provenance", "Taken in from another gateway. It is the past: it is not in force here until it is given again."))
        }
        members.append(
            .init(
                "dpv:hasRecordOfActivity",
                .object([
                    "@id": .string("urn:uuid:\(recordID)"), "@type": "dpv:ConsentRecord", "dct:identifier": .string(recordID),
                    "dct:conformsTo": .string(Self.schema + "#record"),
                    "dpv:hasDataSubject": .object(["@type": "dpv:DataSubject", "dct:identifier": .string(citizen.name)]),
                    "dpv:hasProcess": Self.process(record),
                    "dpv:hasConsentControl": .object(["@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": .string("caring consent withdraw \(id)")]),
                    "dpv:hasNotice": .object([
                        "@type": "dpv:ConsentNotice", "dct:date": .string(givenAt), "dct:language": "en", "dct:description": .string(say),
                        "dct:valid": .string("\(record.from.iso)/\(record.until?.iso ?? "..")"),
                    ]),
                    "dpv:hasConsentStatus": .array(Self.statuses(line, record, givenAt, now)),
                ])))
        json = .object(members)
    }

    private static func process(_ record: ConsentRecord) -> JSON {
        let purposes = record.purposes.isEmpty ? ["every purpose"] : record.purposes.map { $0.rawValue.replacing("-", with: " ") }
        return .object([
            "@type": "dpv:Process",
            "dpv:hasRecipient": .array(record.recipients.map { .object(["@type": "dpv:Recipient", "dct:identifier": .string($0.text)]) }),
            "dpv:hasPurpose": .array(purposes.map { .object(["@type": "dpv:Purpose", "dct:title": .string($0)]) }),
            "dpv:hasPersonalData": .array(record.data.map { .object(["@type": .string(type(of: $0)), "dct:identifier": .string($0.text)]) }),
        ])
    }

    /// Health is a special category wherever it is meant.
    private static func type(of data: DataPattern) -> String {
        switch data {
        case .everything, .category(.health): "dpv:SpecialCategoryPersonalData"
        case .quantity(let quantity) where quantity.category == .health: "dpv:SpecialCategoryPersonalData"
        default: "dpv:PersonalData"
        }
    }

    private static func statuses(_ line: JSON, _ record: ConsentRecord, _ givenAt: String, _ now: Instant) -> [JSON] {
        func status(_ types: [String], _ at: String, by: String?) -> JSON {
            var members: [JSON.Member] = [
                .init("@type", types.count == 1 ? .string(types[0]) : .strings(types)), .init("dpv:isIndicatedAtTime", .string(at)),
            ]
            if let by { members.append(.init("dpv:isIndicatedBy", .string(by))) }
            return .object(members)
        }
        let stored = line["stored"]
        // What is decided beforehand for emergencies permits, too.
        let isPermit = record.effect != .refuse
        var all = [status(isPermit ? ["dpv:ConsentGiven", "dpv:ExpressedConsent"] : ["dpv:ConsentRefused"], givenAt, by: stored?["givenBy"]?.string)]
        if let at = line["withdrawnAt"]?.string {
            all.append(status(["dpv:ConsentWithdrawn"], at, by: stored?["withdrawnBy"]?.string))
        } else if isPermit, let until = record.until, until <= now {
            all.append(status(["dpv:ConsentExpired"], until.iso, by: nil))
        }
        return all
    }

    /// The same for the same record, whoever exports it. A UUID of version 8, which is for such things.
    static func uuid(_ parts: String...) -> String {
        var bytes = Array(SHA256.hash(data: Array(parts.joined(separator: "\u{1F}").utf8)).prefix(16))
        bytes[6] = 0x80 | bytes[6] & 0x0F
        bytes[8] = 0x80 | bytes[8] & 0x3F
        let hex = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        return [hex[0..<4], hex[4..<6], hex[6..<8], hex[8..<10], hex[10..<16]].map { $0.joined() }.joined(separator: "-")
    }
}
