/// What a topic of [Z-Wave JS UI](https://zwave-js.github.io/zwave-js-ui/#/usage/setup?id=gateway) below its prefix names.
///
/// `<location>/<name>/sensor_binary/endpoint_0/Door-Window` with named topics, `<location>/<node>/48/0/Door-Window` with value
/// id topics. Location and name are optional, may hold slashes, and `nodeID_5` stands for a missing name.
struct ZWaveTopic: Hashable {
    /// The levels of location and name.
    var node: String
    /// `sensor_binary/Door-Window`, `notification/Access_Control/Door_state`: class, property and key, whichever way they
    /// were written.
    var value: String
    /// 0 is the device itself.
    var endpoint: Int

    /// Z-Wave's numbers of command classes and the names that Z-Wave JS UI gives them, as far as people are concerned.
    private static let classes: [(number: Int, name: String)] = [
        (0x20, "basic"), (0x25, "switch_binary"), (0x26, "switch_multilevel"), (0x30, "sensor_binary"),
        (0x31, "sensor_multilevel"), (0x32, "meter"), (0x5B, "central_scene"), (0x62, "door_lock"),
        (0x66, "barrier_operator"), (0x6F, "entry_control"), (0x70, "configuration"), (0x71, "notification"), (0x76, "lock"),
        (0x80, "battery"), (0x9C, "sensor_alarm"),
    ]
    /// Smaller numbers are no command class of an application.
    private static let numbers = 0x20...0xFF
    private static let endpointsMax = 127

    /// Nil where no command class stands in it.
    init?(belowPrefix topic: Substring) {
        let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
        guard !levels.contains(where: \.isEmpty), levels.count >= 3 else { return nil }
        // From the end, because a node and its location may have numbers for names.
        for at in stride(from: levels.count - 2, through: 1, by: -1) {
            var (name, endpoint, next): (String?, Int?, Int) = (nil, nil, at + 2)
            if levels[at + 1].hasPrefix("endpoint_") {
                endpoint = Self.number(levels[at + 1].dropFirst("endpoint_".count), 0...Self.endpointsMax)
                name = Self.name(named: levels[at])
            } else if let number = Self.number(levels[at], Self.numbers) {
                endpoint = Self.number(levels[at + 1], 0...Self.endpointsMax)
                name = Self.name(number)
            } else if Self.classes.contains(where: { $0.name == levels[at] }) {
                // Older versions leave out the end point of a device that has only one.
                (name, endpoint, next) = (String(levels[at]), 0, at + 1)
            }
            guard let name, let endpoint, next < levels.count else { continue }
            node = levels[..<at].joined(separator: "/")
            value = ([name[...]] + levels[next...]).joined(separator: "/")
            self.endpoint = endpoint
            return
        }
        return nil
    }

    private static func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
        guard text.utf8.count <= 3, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text) else { return nil }
        return range.contains(number) ? number : nil
    }

    private static func name(_ number: Int) -> String { classes.first { $0.number == number }?.name ?? "class_\(number)" }

    /// `unknownClass_111` is what Z-Wave JS UI calls a class that it has no name for.
    private static func name(named level: Substring) -> String {
        let unknown = "unknownClass_"
        return level.hasPrefix(unknown) ? number(level.dropFirst(unknown.count), numbers).map { name($0) } ?? String(level) : String(level)
    }
}
