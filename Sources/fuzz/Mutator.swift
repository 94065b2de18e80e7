import Devices

/// Makes a new case from an old one: what bad devices, bad networks and bad people send.
struct Mutator {
    /// The samples of all profiles.
    let samples: [Case]
    private let messages: [Message]
    private let topics: [[UInt8]]
    /// Names and values that stand in the samples.
    private let words: [[UInt8]]

    /// Every level that a convention gives a meaning to stands in some sample's topic, but for these.
    private static let levels = ["set", "get", "availability", "state", "status", "config", "bridge", "attributes", "homes/rose", "+", "#", "$state", "\u{0}", "ä", " "]
    private static let separators: Set<UInt8> = Set(",:{}[]\" \n=".utf8)

    init(_ sampleMessages: [SampleMessage]) {
        samples = sampleMessages.map { Case($0) }
        messages = samples.flatMap(\.messages)
        topics = Self.unique(messages.map(\.topic))
        words = Self.unique(messages.flatMap { $0.payload.split { Self.separators.contains($0) }.map { Array($0.prefix(64)) } })
    }

    /// In the order of their first place: a `Set`'s would differ from process to process.
    private static func unique(_ all: [[UInt8]]) -> [[UInt8]] {
        var seen: Set<[UInt8]> = []
        return all.filter { seen.insert($0).inserted }
    }

    /// - Parameter other: changes a payload in another way; libFuzzer's own, which knows what the code compares with.
    func mutate(_ old: Case, _ chance: inout Chance, other: (([UInt8], Int) -> [UInt8])? = nil) -> Case {
        if chance.below(Self.casesPerSwollen) == 0 { return swollen(&chance) }
        var new = old
        for _ in 0...chance.below(3) { step(&new, &chance, other) }
        new.messages = Array(new.messages.prefix(Case.messagesMax))
        while new.messages.reduce(0, { $0 + $1.topic.count + $1.payload.count + 4 }) > Case.bytesMax, let last = new.messages.popLast() {
            if new.messages.isEmpty {
                new.messages = [Message(topic: Array(last.topic.prefix(512)), payload: Array(last.payload.prefix(Case.bytesMax / 2)))]
            }
        }
        return new
    }

    /// One in so many cases is as large as a case may be. It costs the time of some ten others, and step by step none would ever
    /// grow so large: what is slow by the length of one text shows only here.
    private static let casesPerSwollen = 256

    /// A sample with one of its words as long as can be.
    private func swollen(_ chance: inout Chance) -> Case {
        guard var new = chance.pick(samples), !new.messages.isEmpty else { return Case([]) }
        let index = chance.below(4) == 0 ? chance.below(new.messages.count) : new.messages.count - 1
        let rest = new.messages.reduce(0) { $0 + $1.topic.count + $1.payload.count + 4 }
        new.messages[index].payload = PayloadMutation(words: words, another: []).swell(new.messages[index].payload, to: Case.bytesMax - rest, &chance)
        return new
    }

    private func step(_ new: inout Case, _ chance: inout Chance, _ other: (([UInt8], Int) -> [UInt8])?) {
        if new.messages.isEmpty, let sample = chance.pick(samples) { new = sample }
        guard !new.messages.isEmpty else { return new.messages = [Message(topic: [0x61], payload: [])] }
        let index = chance.below(new.messages.count)
        switch chance.below(20) {
        case 0: new.messages.insert(contentsOf: chance.pick(samples)?.messages ?? [], at: index)
        case 1: new.messages += chance.pick(samples)?.messages ?? []
        case 2: new.messages.insert(new.messages[index], at: chance.below(new.messages.count + 1))
        case 3 where new.messages.count > 1: new.messages.remove(at: index)
        case 4: new.messages.swapAt(index, chance.below(new.messages.count))
        case 5: new.messages[index].topic = new.messages[chance.below(new.messages.count)].topic
        case 6: new.messages[index].topic = chance.pick(topics) ?? []
        case 7: topic(&new.messages[index].topic, &chance)
        case 8: new.messages[index].payload = chance.pick(messages)?.payload ?? []
        case 9..<13:
            guard let other else { fallthrough }
            new.messages[index].payload = other(new.messages[index].payload, chance.below(12) == 0 ? 4_096 : 64)
        default:
            let own = new.messages[index].payload
            let another = chance.below(2) == 0 ? new.messages[chance.below(new.messages.count)].payload : chance.pick(messages)?.payload ?? []
            new.messages[index].payload = PayloadMutation(words: words, another: another).mutate(own, &chance)
        }
    }

    private func topic(_ topic: inout [UInt8], _ chance: inout Chance) {
        let slash = UInt8(ascii: "/")
        var levels = topic.split(separator: slash, omittingEmptySubsequences: false).map { Array($0) }
        let index = chance.below(levels.count)
        let known = Array((chance.pick(Self.levels) ?? "").utf8)
        let ofAnother = chance.pick(topics).flatMap { chance.pick($0.split(separator: slash).map { Array($0) }) } ?? []
        switch chance.below(9) {
        case 0: levels.append(known)
        case 1: levels.append(ofAnother)
        case 2: levels.insert(known, at: index)
        case 3: levels[index] = ofAnother
        case 4: levels.remove(at: index)
        case 5: levels[index] = []
        case 6: levels[index] += [UInt8](repeating: 0x61, count: 200 + chance.below(120))
        case 7: levels = Array(levels.prefix(index + 1))
        default: levels[index].insert(chance.byte(), at: chance.below(levels[index].count + 1))
        }
        topic = Array(levels.joined(separator: [slash]).prefix(2_048))
    }
}
