import Care

/// What every result keeps to, whatever bytes came. `scripts/fuzz` and the tests ask it of damaged messages, because the gateway
/// stores, shows and logs what stands here without asking again.
extension Trial.Result {
    /// Longer reasons are no sentence that somebody reads.
    static let reasonCharactersMax = 600
    /// Channels are stored with every series.
    static let channelBytesMax = Route.deviceBytesMax

    /// The first rule that is broken, in a sentence with nothing from the payload; nil when all is well.
    public var brokenRule: String? {
        brokenReason ?? brokenReading ?? brokenAnnouncement
            ?? availabilityOf.flatMap { Self.broken(address: $0) }
            ?? ((availability == nil) != (availabilityOf == nil) ? "An availability is of no device." : nil)
    }

    private var brokenReason: String? {
        if let convention, !Catalogue.conventionNames.contains(convention) { return "The convention is none of ours." }
        guard let reason else { return isUnderstood ? nil : "What is not understood has no reason." }
        if reason.isEmpty { return "A reason is empty." }
        if reason.count > Self.reasonCharactersMax { return "A reason is longer than \(Self.reasonCharactersMax) characters." }
        if reason.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) || (0x2028...0x2029).contains($0.value) }) {
            return "A reason has a control character."
        }
        return reason.hasSuffix(".") || reason.hasSuffix("\u{2026}") ? nil : "A reason is not a sentence."
    }

    private var brokenReading: String? {
        for (device, reading) in readings {
            if let broken = Self.broken(address: device) ?? Self.broken(channel: reading.channel) { return broken }
            switch (reading.quantity.kind, reading.value) {
            case (.number, .number(let number)): if !number.isFinite { return "A value is not finite." }
            case (.boolean, .boolean), (.event, .boolean(true)): break
            default: return "A value is not of its quantity's kind."
            }
            if let time = reading.deviceTime, time < .distantPast || time > .distantFuture { return "A device's time is outside of all years." }
        }
        return nil
    }

    private var brokenAnnouncement: String? {
        for (device, declared) in announces {
            if let broken = Self.broken(address: device) ?? Self.broken(channel: declared.channel) { return broken }
        }
        return nil
    }

    private static func broken(address: String) -> String? {
        if address.isEmpty { return "An address is empty." }
        return address.utf8.count > Route.deviceBytesMax ? "An address has more than \(Route.deviceBytesMax) bytes." : nil
    }

    private static func broken(channel: String) -> String? {
        channel.utf8.count > channelBytesMax ? "A channel has more than \(channelBytesMax) bytes." : nil
    }
}
