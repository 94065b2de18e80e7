import Care
import CareTesting
import Foundation
import Gateway
import Testing

/// Citizens who change their minds at the worst moment: presses, answers, grants, withdrawals, refusals, ends of consents, a
/// broker that goes and comes, and restarts, drawn from a seed; between any two of them what is queued may or may not have gone.
///
/// Whatever goes out is held against records that the test keeps by itself, as of the moment at which it goes out. And
/// whenever the broker is there and nothing waits, no client shows what may not be known any more.
///
/// `CARING_SEED=17 swift test --filter ConsentRace` repeats one; `CARING_LONG=1` draws more, and others each time.
@Suite struct ConsentRaceTests {
    @Test func `nothing goes out that is not permitted at that moment`() throws {
        let environment = ProcessInfo.processInfo.environment
        let isLong = environment["CARING_LONG"] == "1"
        let first = environment["CARING_SEED"].flatMap { UInt64($0) } ?? (isLong ? UInt64.random(in: 0...(.max >> 1)) : 1)
        let seeds = environment["CARING_SEED"] == nil ? (isLong ? 1_500 : 25) : 1
        print("ConsentRaceTests: \(seeds) seeds from \(first)")
        var (told, withdrawn, cancelled, ended) = (0, 0, 0, 0)
        for seed in first..<first + UInt64(seeds) {
            var race = try Race(seed)
            for _ in 0..<60 { if try !race.step() { break } }
            told += race.told
            withdrawn += race.withdrawn
            ended += race.ended
            cancelled += try race.cancelled()
        }
        print("  \(told) words told, \(withdrawn) records withdrawn, \(cancelled) words cancelled before they went, \(ended) ends while a client showed something")
        // A generator in which nothing meets would prove nothing.
        #expect(told > 3 * seeds && withdrawn > seeds && cancelled > seeds / 4 && ended > seeds / 10)
    }
}

private struct Race {
    /// A record as the test knows it.
    struct Known {
        var id: String
        var isRefusal: Bool
        var helpers: [String]
        var isIdentity: Bool
        var until: Instant?
    }

    static let circle = ["maria", "tom", "uma"]
    let seed: UInt64
    let street: Street
    var random: UInt64
    var records: [Known] = []
    var seen = 0
    var (told, withdrawn, ended) = (0, 0, 0)
    var steps: [String] = []

    init(_ seed: UInt64) throws {
        (self.seed, random) = (seed, seed)
        street = try Street(permits: false)
        try grant(0)
        try grant(1)
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    mutating func next(_ limit: UInt64) -> Int {
        random &+= 0x9E37_79B9_7F4A_7C15
        var z = random
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % limit)
    }

    // MARK: What is permitted

    func mayKnow(_ helper: String, who: Bool = false) -> Bool {
        let now = street.gateway.now
        let holding = records.filter { $0.helpers.contains(helper) && ($0.until.map { now < $0 } ?? true) }
        if holding.contains(where: \.isRefusal) { return false }
        return holding.contains { !$0.isIdentity } && (!who || holding.contains(where: \.isIdentity))
    }

    // MARK: Steps

    /// - Returns: false when something was wrong.
    mutating func step() throws -> Bool {
        let gateway = street.gateway
        let live = records.indices.filter { records[$0].until.map { gateway.now < $0 } ?? true }
        var kind = next(100)
        // With many records at once the end of one would seldom change anything.
        if live.count > 2, 38..<50 ~= kind { kind = 50 }
        switch kind {
        case 0..<18:
            note("press")
            try gateway.engine.take(gateway.burst([(street.button, #"{"action":"emergency"}"#)]))
        case 18..<38:
            let helper = pick(Self.circle + ["vera"])
            let answer = pick(["accept", "accept", "accept", "decline", "arrive"])
            guard let alert = try open() else { break }
            note("\(helper): \(answer) \(alert)")
            try gateway.engine.take(gateway.burst([("helpers/\(helper)/answers", #"{"alert":"\#(alert)","answer":"\#(answer)"}"#)]))
        case 38..<50: try grant(next(4))
        case 50..<64:
            if live.isEmpty { break }
            let index = live[next(UInt64(live.count))]
            note("withdraw \(records[index].id)")
            let reply = gateway.sayOnly(.consentWithdraw(id: records[index].id), as: "ada")
            #expect(reply.outcome == .done, "seed \(seed): \(reply.say)")
            records.remove(at: index)
            withdrawn += 1
        case 64..<69:
            let helper = pick(Self.circle + ["vera"])
            note("refuse \(helper)")
            try add(.consentRefuse(consent(to: ["helper:\(helper)"], data: ["everything"])), Known(id: "", isRefusal: true, helpers: [helper], isIdentity: false))
        case 69..<73:
            note("the broker \(gateway.isBrokerThere ? "goes" : "comes")")
            gateway.isBrokerThere.toggle()
        case 98..<100 where !gateway.isBrokerThere:
            note("the broker comes")
            gateway.isBrokerThere = true
        case 73..<77:
            note("restart")
            try gateway.restart(after: .seconds(Int64(next(3))))
        case 77..<92:
            let span = Span.milliseconds(Int64(1 + next(40_000)))
            note("\(span.milliseconds) ms")
            if try !advance(span) { return false }
        case 92..<98:
            guard let alert = try open() else { break }
            note("cancel \(alert)")
            _ = gateway.sayOnly(.alertCancel(alert: alert, note: nil), as: "ada")
        default: break
        }
        // Half of the time nothing is sent before something else happens.
        let goes = next(2) == 0
        if goes { try gateway.settle() }
        return check(isSettled: goes)
    }

    /// Time goes by, up to each end of a record in turn, so that what went out before it is looked at before it.
    private mutating func advance(_ span: Span) throws -> Bool {
        let end = street.gateway.now + span
        while let next = records.compactMap(\.until).filter({ $0 > street.gateway.now && $0 <= end }).min() {
            if next - street.gateway.now > .milliseconds(1) { try street.gateway.advance(next - street.gateway.now - .milliseconds(1)) }
            if !check(isSettled: true) { return false }
            let showing = (Self.circle + ["vera"]).filter { !street.gateway.outbound.shown(to: $0).isEmpty }
            try street.gateway.advance(.milliseconds(1))
            if street.gateway.isBrokerThere, showing.contains(where: { !mayKnow($0) }) { ended += 1 }
            if !check(isSettled: true) { return false }
        }
        if end > street.gateway.now { try street.gateway.advance(end - street.gateway.now) }
        return true
    }

    private mutating func grant(_ which: Int) throws {
        let until = next(3) > 0 ? 1 + next(90) : nil
        var known = Known(id: "", isRefusal: false, helpers: Self.circle, isIdentity: false, until: until.map { street.gateway.now + .seconds(Int64($0)) })
        let draft: ConsentDraft
        let end = until.map { "\($0)s" }
        switch which {
        case 0: draft = consent(to: ["circle:oak-street"], data: ["safety"], until: end)
        case 1:
            draft = consent(to: ["circle:oak-street", "helper:vera"], data: ["identity"], stage: "accepted", until: end)
            known.helpers.append("vera")
            known.isIdentity = true
        case 2:
            draft = consent(to: ["helper:tom"], data: ["safety"], until: end)
            known.helpers = ["tom"]
        default:
            draft = consent(to: ["helper:vera"], data: ["safety"], until: end)
            known.helpers = ["vera"]
        }
        note("grant \(which)\(end.map { " for \($0)" } ?? "")")
        try add(.consentGrant(draft), known)
    }

    private mutating func add(_ command: Command, _ known: Known) throws {
        let reply = street.gateway.sayOnly(command, as: "ada")
        var known = known
        let ids = reply.items.compactMap { $0["consent"]?.string }
        known.id = try #require(ids.first, "seed \(seed): \(reply.say)")
        records.append(known)
    }

    private mutating func note(_ step: String) { steps.append(step) }
    private mutating func pick(_ names: [String]) -> String { names[next(UInt64(names.count))] }

    // MARK: What must hold

    private mutating func check(isSettled: Bool) -> Bool {
        let outbound = street.gateway.outbound
        for publication in outbound.publications[seen...] where !publication.payload.isEmpty {
            let levels = publication.topic.split(separator: "/").map(String.init)
            guard levels.count == 4, levels[0] == "helpers", levels[1] != "carla" else { continue }
            told += 1
            let tellsWho = publication.payload.contains("Ada") || publication.payload.contains("Elm Road")
            if !mayKnow(levels[1], who: tellsWho) { return fail("\(levels[1]) was told \(publication.payload)") }
        }
        seen = outbound.publications.count
        // While the broker is away, or before anything is sent, a client may still show what is being taken back.
        guard isSettled, street.gateway.isBrokerThere else { return true }
        for helper in Self.circle + ["vera"] {
            for shown in outbound.shown(to: helper) where !mayKnow(helper, who: shown.contains("Ada") || shown.contains("Elm Road")) {
                return fail("\(helper)'s client still shows \(shown)")
            }
        }
        for shown in outbound.shown(to: "carla") where shown.contains("Ada") || shown.contains("Elm Road") { return fail("carla's client shows \(shown)") }
        return true
    }

    private func fail(_ what: String) -> Bool {
        Issue.record("CARING_SEED=\(seed): \(what)\n\(steps.suffix(25).joined(separator: "\n"))\n\(records)")
        return false
    }

    private func open() throws -> String? { try street.gateway.read { try $0.openAlerts() }.last?.id.description }

    func cancelled() throws -> Int {
        try street.gateway.read { try $0.disclosures(about: "ada", since: .distantPast, limit: 10_000) }.count { $0.state == .cancelled }
    }
}
