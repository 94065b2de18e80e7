import Foundation

/// Makes a finding small, so that somebody sees what it is: messages, then parts of payloads, are left out as long as it stays
/// the same kind of finding.
struct Shrinker {
    /// Each is a process.
    static let attemptsMax = 250
    static let secondsMax = 20.0

    let devices: String
    let place: String

    func shrink(_ finding: FindingFolder.Finding) throws {
        let end = Date().addingTimeInterval(Self.secondsMax)
        var attempts = 0
        var best = try Case(file: finding.file)
        func stays(_ one: Case) -> Bool {
            attempts += 1
            guard attempts <= Self.attemptsMax, Date() < end else { return false }
            return (try? kind(of: one)) == finding.kind
        }
        // What does not show again alone is kept as it was.
        guard stays(best) else { return }
        for index in best.messages.indices.reversed() where best.messages.count > 1 {
            var less = best
            less.messages.remove(at: index)
            if stays(less) { best = less }
        }
        // Parts of what is slow or large make it less slow and less large.
        if finding.kind == .crash || finding.kind == .rule {
            for index in best.messages.indices { shorten(&best, \.payload, index, stays) }
            for index in best.messages.indices { shorten(&best, \.topic, index, stays) }
        }
        try best.write(finding.file)
    }

    private func shorten(_ best: inout Case, _ part: WritableKeyPath<Message, [UInt8]>, _ index: Int, _ stays: (Case) -> Bool) {
        var length = best.messages[index][keyPath: part].count / 2
        while length > 0 {
            var at = 0
            while at < best.messages[index][keyPath: part].count {
                var less = best
                less.messages[index][keyPath: part].removeSubrange(at..<min(at + length, less.messages[index][keyPath: part].count))
                if stays(less) { best = less } else { at += length }
            }
            length /= 2
        }
    }

    /// Nil: nothing is wrong with it.
    func kind(of one: Case) throws -> FindingFolder.Kind? {
        let file = place + "/shrinking.json"
        let found = place + "/shrinking"
        try? FileManager.default.removeItem(atPath: found)
        try one.write(file)
        let child = try FuzzChild(["replay", file, found, devices], log: nil)
        switch child.wait(watching: nil, caseSecondsMax: Supervisor.caseSecondsMax, secondsMax: Supervisor.caseSecondsMax) {
        case .done: return try FindingFolder(found).all.first?.kind
        case .endless: return .endless
        case .died: return .crash
        }
    }
}
