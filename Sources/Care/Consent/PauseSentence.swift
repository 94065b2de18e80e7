/// A pause in words, as its citizen reads it, or hears it read aloud.
public struct PauseWords: Sendable {
    var zone: Zone
    /// What a device is called.
    var device: @Sendable (DeviceID) -> String

    public init(zone: Zone, device: @escaping @Sendable (DeviceID) -> String) {
        self.zone = zone
        self.device = device
    }

    /// "18:00" today, "18:00 on 22 November 2026" on another day.
    public func time(_ instant: Instant, now: Instant) -> String {
        guard let local = zone.local(instant), let today = zone.local(now) else { return instant.iso }
        return local.day == today.day ? local.clock : "\(local.clock) on \(local.day.inWords)"
    }

    /// "everything", "security and health", "hall button".
    public func what(_ pause: Pause) -> String {
        if pause.isOfEverything { return "everything" }
        let names = pause.categories.isEmpty ? pause.devices.map(device) : pause.categories.sorted().map(\.rawValue)
        return names.count > 1 ? names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "") : names.first ?? ""
    }

    /// What is said when it begins: what it does, then what still works.
    public func begun(_ pause: Pause, now: Instant) -> [String] {
        let until = time(pause.until, now: now)
        let first =
            pause.isOfEverything
            ? "Until \(until) nothing is recorded about you, and nobody is called because you seem still."
            : "Until \(until) nothing is recorded of \(what(pause)), and nobody is called because that is silent."
        return [first, works(pause)]
    }

    private func works(_ pause: Pause) -> String {
        if pause.evenSOS { return "A call button among these does not work in that time: to call for help, use a telephone." }
        if pause.exceptsSafety { return "Your call button still works, and so do alarms for smoke, gas, water and falls." }
        guard pause.categories.isEmpty || pause.categories.contains(.safety) else { return "Your call button and your smoke alarm still work." }
        return "Your call button still works; alarms for smoke, gas, water and falls \(pause.isOfEverything ? "" : "of these ")do not, unless you add --except-safety."
    }

    /// One line of a list.
    public func listed(_ pause: Pause, now: Instant) -> String {
        let excepted = pause.evenSOS ? ", even the call button" : pause.exceptsSafety ? ", except safety alarms and the call button" : ", except the call button"
        return "\(pause.id)  Paused until \(time(pause.end, now: now)): \(what(pause))\(excepted)."
    }
}
