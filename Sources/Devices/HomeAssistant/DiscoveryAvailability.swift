import Care

/// Whether an entity's device can be reached, as one of its availability topics says it.
struct DiscoveryAvailability: AvailabilityReader {
    /// Topics in one list.
    static let topicsMax = 16

    var template: Template?
    var available: [UInt8]
    var notAvailable: [UInt8]

    func isAvailable(_ payload: UnsafeRawBufferPointer) -> Bool? {
        if case .availability(let isOnline) = outcome(payload) { isOnline } else { nil }
    }

    func outcome(_ payload: UnsafeRawBufferPointer) -> Outcome {
        var outcome = Outcome.nothing
        func take(_ text: UnsafeRawBufferPointer?) {
            guard let text, !text.isEmpty else { return }
            outcome =
                text.elementsEqual(available) ? .availability(true)
                : text.elementsEqual(notAvailable) ? .availability(false) : .undecodable(reason: "The availability is neither of its two words.")
        }
        guard let template else {
            take(trimmed(payload))
            return outcome
        }
        if let reason = template.text(payload, take) { return .undecodable(reason: reason) }
        return outcome
    }
}

extension DiscoveryEntity {
    /// The entity's availability topics, in either of the two forms; and templates among them that are not understood.
    func availability() -> (listens: [(topic: String, how: Listening)], notUnderstood: String?) {
        let mode = text("availability_mode").flatMap { AvailabilityMode(rawValue: $0) } ?? .latest
        var listens: [(topic: String, how: Listening)] = []
        var notUnderstood: String?
        func add(_ topic: String, _ yes: String?, _ no: String?, _ text: String?) {
            guard yes?.utf8.count ?? 0 <= Self.wordBytesMax, no?.utf8.count ?? 0 <= Self.wordBytesMax else {
                notUnderstood = Self.longWord
                return
            }
            switch Self.template(text) {
            case .failure(let fault): notUnderstood = notUnderstood ?? fault.reason
            case .success(let template):
                let reader = DiscoveryAvailability(
                    template: template, available: Array((yes ?? "online").utf8), notAvailable: Array((no ?? "offline").utf8))
                listens.append((topic, .availability(reader, mode)))
            }
        }
        for entry in self["availability"]?.items ?? [] {
            guard let topic = entry["topic"]?.string, !topic.isEmpty else { continue }
            add(topic, entry["payload_available"]?.asText, entry["payload_not_available"]?.asText, entry["value_template"]?.asText)
        }
        if listens.isEmpty, notUnderstood == nil, let topic = topic("availability_topic") {
            add(topic, text("payload_available"), text("payload_not_available"), text("availability_template"))
        }
        return (listens, notUnderstood)
    }

    static let longWord = "It names a payload of more than \(wordBytesMax) bytes."

    /// A template and, where it is not understood, the sentence that says so. May repeat the template: it is the home's own.
    static func template(_ text: String?) -> Result<Template?, DiscoveryRefusal> {
        guard let text, text.utf8.count > Template.bytesMax || !text.allSatisfy(\.isWhitespace) else { return .success(nil) }
        do throws(TemplateProblem) {
            return .success(try Template(text))
        } catch {
            return .failure(DiscoveryRefusal(reason: "Its template is not understood: \(error.what) (\(safeText(text, charactersMax: 300)))."))
        }
    }
}
