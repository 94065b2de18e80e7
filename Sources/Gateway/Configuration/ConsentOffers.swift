import Care
import Foundation

/// The offers in `config/consents/`, one file each, checked.
public enum ConsentOffers {
    public static let offersMax = 100
    public static let recordsMax = 20

    /// The file's name is the offer's.
    ///
    /// - Throws: every mistake of every file, with line and column. An offer with a mistake is not half an offer.
    public static func load(folder: String) throws(ConfigurationProblems) -> [ConsentOffer] {
        var reader = YAMLReader()
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".yaml") }.sorted()
        var offers: [ConsentOffer] = []
        if files.count > offersMax { reader.note(file: folder, "There are more than \(offersMax) offers here; leave some out.") }
        for file in files.prefix(offersMax) {
            let path = folder + "/" + file
            guard let yaml = reader.text(ofFile: path, shownAs: path) else { continue }
            if let offer = read(yaml: yaml, name: String(file.dropLast(5)), file: path, &reader) { offers.append(offer) }
        }
        try reader.check()
        return offers
    }

    public static func parse(yaml: String, name: String, file: String) throws(ConfigurationProblems) -> ConsentOffer? {
        var reader = YAMLReader()
        let offer = read(yaml: yaml, name: name, file: file, &reader)
        try reader.check()
        return offer
    }

    private static func read(yaml: String, name: String, file: String, _ reader: inout YAMLReader) -> ConsentOffer? {
        guard isUsableName(name) else {
            reader.note(file: file, "The file's name is the offer's: use a-z, 0-9 and - before \u{201C}.yaml\u{201D}.")
            return nil
        }
        guard let root = reader.root(of: yaml, file: file) else {
            reader.note(file: file, "There is no offer in this file; write \u{201C}offer:\u{201D}, \u{201C}who:\u{201D} and \u{201C}records:\u{201D}.")
            return nil
        }
        let keys = reader.mapping(root, what: "an offer", keys: ["offer", "who", "until", "records"])
        for key in ["offer", "who", "records"] where keys[key] == nil { reader.note(root, "This offer needs \(quoted(key)).") }
        let say = keys["offer"].flatMap { reader.text($0, "a sentence that reads like an offer", charactersMax: 200) }
        let who: ConsentOffer.Who? = keys["who"].flatMap { reader.choice($0, "kind of recipient") }
        if let value = keys["until"], reader.text(value, "\u{201C}asked\u{201D}") != "asked" {
            reader.note(value, "Only \u{201C}asked\u{201D} is possible here: the citizen says until when.")
        }
        let items = keys["records"].map { reader.list($0, what: "records") } ?? []
        if let value = keys["records"], !(1...recordsMax).contains(items.count) {
            reader.note(value, "An offer has 1 to \(recordsMax) records; this one has \(items.count).")
        }
        var records: [ConsentDraft] = []
        for item in items { if let record = reader.offered(item) { records.append(record) } }
        guard let say, let who, records.count == items.count, !items.isEmpty else { return nil }
        return ConsentOffer(name: name, say: say, who: who, asksUntil: keys["until"] != nil, records: records)
    }
}

extension YAMLReader {
    /// A permit without its recipient.
    fileprivate mutating func offered(_ value: YAMLValue) -> ConsentDraft? {
        let before = problems.count
        let keys = mapping(value, what: "a record of an offer", keys: ["about", "purpose", "detail", "stage", "while", "hours"])
        for key in ["about", "purpose"] where keys[key] == nil && problems.count == before { note(value, "A record of an offer needs \(quoted(key)).") }
        var data: [String] = []
        for item in keys["about"].map({ list($0, what: "data") }) ?? [] {
            guard let text = text(item, "data such as safety", charactersMax: 60) else { continue }
            // Which devices there are is each home's own.
            if text.hasPrefix("device:") { note(item, "An offer is for every home, so it names no device.") }
            do throws(ConsentTextError) { data.append(try DataPattern(text: text).text) } catch { note(item, error.sentence) }
        }
        var purposes: [String] = []
        for item in keys["purpose"].map({ list($0, what: "purposes") }) ?? [] {
            if let purpose: Purpose = choice(item, "purpose") { purposes.append(purpose.rawValue) }
        }
        let detail = keys["detail"].flatMap { named($0, "detail", among: Detail.allCases.filter { $0 > .nothing }.map(\.name)) }
        let stage = keys["stage"].flatMap { named($0, "stage", among: Stage.allCases.map(\.name)) }
        let severity: Severity? = keys["while"].flatMap { choice($0, "severity of CAP 1.2") }
        var hours: [String] = []
        for item in keys["hours"].map({ list($0, what: "hours") }) ?? [] {
            guard let text = text(item, "hours such as 08:00-18:00", charactersMax: 60) else { continue }
            do throws(ConsentTextError) { hours.append(try HourWindow(text: text).text) } catch { note(item, error.sentence) }
        }
        guard problems.count == before else { return nil }
        return ConsentDraft(
            citizen: nil, to: [], purposes: purposes, data: data, detail: detail, stage: stage, severity: severity?.rawValue, hours: hours,
            from: nil, until: nil)
    }

    private mutating func named(_ value: YAMLValue, _ what: String, among names: [String]) -> String? {
        guard let text = text(value, "a \(what)", charactersMax: 40) else { return nil }
        if names.contains(text) { return text }
        note(value, unknown(text, what, among: names))
        return nil
    }
}
