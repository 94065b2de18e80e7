import Care
import CareTesting
import Foundation
import Gateway
import Store

/// What consent costs: one decision against a book of many citizens' records, `consent preview` of a month of one home, and
/// `who-saw` over a million disclosures. The production code in this process; the last two with a store of their own on disk.
struct ConsentSpeed {
    static let citizens = 10_000
    static let recordsPerCitizen = 20
    /// Single decisions that are timed, each of another citizen than the one before.
    static let decisions = 200_000
    static let days = 30
    static let alerts = 500
    static let readings = 100_000
    static let disclosures = 1_000_000

    let runs: Int
    let say: (String) -> Void

    func measure() throws -> [Figure] { decide() + (try preview()) + (try whoSaw()) }

    // MARK: One decision

    private func decide() -> [Figure] {
        var figures: [Figure] = []
        var medians: [Int: [Double]] = [:]
        for citizens in [Self.citizens, 10 * Self.citizens] {
            let book = Self.book(citizens)
            var (median, high): ([Double], [Double]) = ([], [])
            for _ in 0..<runs {
                let nanoseconds = Self.decide(book)
                median.append(percentile(nanoseconds, 0.5))
                high.append(percentile(nanoseconds, 0.99))
            }
            medians[citizens] = median
            let isIssue = citizens == Self.citizens
            figures += [
                Figure(key: "consent.decision.of\(citizens).p50Nanoseconds", values: median, unit: "ns", wanted: isIssue ? "at most 1000" : nil),
                Figure(key: "consent.decision.of\(citizens).p99Nanoseconds", values: high, unit: "ns", wanted: isIssue ? "at most 5000" : nil),
            ]
            say("consent: a decision in a book of \(citizens) citizens, \(Self.recordsPerCitizen) records each: p50 \(Int(median.last ?? 0)) ns, p99 \(Int(high.last ?? 0)) ns")
        }
        let ratios = zip(medians[10 * Self.citizens] ?? [], medians[Self.citizens] ?? []).map { $0 / $1 }
        return figures + [Figure(key: "consent.decision.tenTimesTheCitizens", values: ratios, unit: "", digits: 2, wanted: "about 1")]
    }

    /// As the gateway keeps them: the records of each citizen, found by their name.
    private static func book(_ citizens: Int) -> [PersonID: [StoredConsent]] {
        var book: [PersonID: [StoredConsent]] = [:]
        let purposes: [[Purpose]] = [[.emergencyResponse], [.dailySupport], [.familyContact], [.research, .servicePlanning], []]
        for n in 0..<citizens {
            let citizen = PersonID("citizen-\(n)")
            book[citizen] = (0..<recordsPerCitizen).map { k in
                let recipients: [[RecipientPattern]] = [
                    [.circle(CircleID("street-\(n % 100)"))], [.helper(PersonID("helper-\(k)"))], [.service(PersonID("clinic"))],
                    [.anyCoordinator], [.helper(PersonID("helper-\(n % 7)")), .circle(CircleID("street-\(n % 100)"))],
                ]
                let data: [[DataPattern]] = [[.category(.safety)], [.identity], [.category(.health), .category(.family)], [.everything]]
                return .record(
                    ConsentRecord(
                        id: ConsentID(Int64(n * recordsPerCitizen + k + 1)), citizen: citizen, effect: k % 9 == 8 ? .refuse : .permit,
                        recipients: recipients[k % 5], purposes: purposes[(k + n) % 5], data: data[k % 4], detail: k % 9 == 8 ? .readings : .alert,
                        stage: k % 6 == 5 ? .accepted : nil,
                        hours: k % 10 == 7 ? [MinuteOfDay(480)].compactMap { $0 }.map { HourWindow(days: [], from: $0, to: nil) } : [],
                        from: Instant(milliseconds: 1_790_000_000_000), until: k % 4 == 3 ? Instant(milliseconds: 1_792_000_000_000) : nil))
            }
        }
        return book
    }

    private static func decide(_ book: [PersonID: [StoredConsent]]) -> [Double] {
        let citizens = book.count
        var nanoseconds: [Double] = []
        nanoseconds.reserveCapacity(decisions)
        var permitted = 0
        // What looking at the clock takes is no decision.
        let clock = percentile(
            (0..<decisions).map { _ in
                let began = DispatchTime.now().uptimeNanoseconds
                return Double(DispatchTime.now().uptimeNanoseconds - began)
            }, 0.5)
        for i in 0..<decisions {
            // A prime far from the number of citizens: the next one is never in the processor's cache.
            let n = i * 7_919 % citizens
            let citizen = PersonID("citizen-\(n)")
            let request = ConsentRequest(
                recipient: Recipient(kind: .helper, person: PersonID("helper-\(i % 9)"), circles: [CircleID("street-\(n % 100)")]),
                purpose: i % 3 == 0 ? .dailySupport : .emergencyResponse,
                data: .data(category: i % 2 == 0 ? .safety : .health, quantity: nil, device: nil), detail: .alert, stage: .asked,
                at: Instant(milliseconds: 1_795_000_000_000))
            let began = DispatchTime.now().uptimeNanoseconds
            let decision = Care.decide(request, holders: [ConsentHolder(citizen: citizen, zone: .utc, records: book[citizen] ?? [])])
            nanoseconds.append(Double(DispatchTime.now().uptimeNanoseconds - began) - clock)
            if decision.isPermitted { permitted += 1 }
        }
        // Without a use of what was decided the decisions could be left out by the compiler.
        precondition(permitted > 0 && permitted < decisions)
        return nanoseconds
    }

    // MARK: The past of one home

    private static let rules = """
        rules:
          sos: {event: sos, category: safety, purpose: emergency-response, severity: Extreme, urgency: Immediate, certainty: Observed, kind: sos, say: Someone has pressed their alarm button.}
        plans:
          standard:
            steps:
              - {who: own-circle, on_duty_only: true, at_once: 2, wait: 2m}
              - {who: coordinators, at_once: 8, wait: 5m}
            arrive_within: 30m
            resolve_within: 2h
        """

    private func street() throws -> TestGateway {
        let gateway = try TestGateway(rules: Self.rules)
        try gateway.say(.circleAdd(circle: "oak-street", title: "Oak Street"))
        try gateway.say(.homeAdd(home: "elm-3", circle: "oak-street", zone: "Europe/London", address: "3 Elm Road", latitude: nil, longitude: nil))
        try gateway.say(.citizenAdd(citizen: "ada", home: "elm-3", name: "Ada Brown", uid: nil))
        for n in 1...8 {
            try gateway.say(.helperAdd(helper: "helper-\(n)", name: "Helper \(n)", circles: ["oak-street"], uid: nil, latitude: nil, longitude: nil, hours: [], ntfy: nil))
        }
        try gateway.say(.coordinatorAdd(coordinator: "carla", name: "Carla Stone", uid: nil, ntfy: nil))
        for device in ["hall button", "hall climate"] { try gateway.say(.deviceClaim(home: nil, device: "zigbee2mqtt/\(device)", citizens: [], expected: nil), as: "ada") }
        try gateway.say(.consentGrant(Self.draft(["safety"])), as: "ada")
        return gateway
    }

    private static func draft(_ data: [String]) -> ConsentDraft {
        ConsentDraft(citizen: nil, to: ["circle:oak-street"], purposes: ["emergency-response"], data: data, detail: nil, stage: nil, hours: [], from: nil, until: nil)
    }

    private func preview() throws -> [Figure] {
        let gateway = try street()
        let batch = Self.readings / Self.alerts / 2
        for alert in 1...Self.alerts {
            try gateway.publish(
                burst: (0..<batch).map { ("homes/elm-3/zigbee2mqtt/hall climate", #"{"temperature":\#(20 + Double($0 % 40) / 10),"humidity":\#(40 + $0 % 9)}"#) })
            try gateway.publish("homes/elm-3/zigbee2mqtt/hall button", #"{"action":"emergency"}"#)
            try gateway.say(.alertCancel(alert: "a\(alert)", note: nil), as: "ada")
            try gateway.advance(.seconds(Int64(Self.days * 86_400 / Self.alerts - 60)))
        }
        let change = ConsentChange(draft: Self.draft(["identity"]), isRefusal: false, without: [], since: nil, citizen: nil)
        var seconds: [Double] = []
        for _ in 0..<runs {
            let began = DispatchTime.now().uptimeNanoseconds
            let reply = gateway.sayOnly(.consentPreview(change), as: "ada")
            seconds.append(Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9)
            guard reply.outcome == .done, reply.say.contains(where: { $0.contains("\(Self.alerts) alerts about you") }) else {
                throw BenchProblem(description: "The preview did not see \(Self.alerts) alerts: \(reply.say.joined(separator: " "))")
            }
        }
        say("consent: preview of \(Self.days) days, \(Self.readings) readings, \(Self.alerts) alerts: \(String(format: "%.2f", seconds.last ?? 0)) s")
        return [Figure(key: "consent.preview.seconds", values: seconds, unit: "s", digits: 2, wanted: "at most 1")]
    }

    // MARK: Who saw

    /// All of one citizen, each with its entry in their chain.
    private func whoSaw() throws -> [Figure] {
        let gateway = try street()
        let start = gateway.now
        let step = 20_000
        for first in stride(from: 0, to: Self.disclosures, by: step) {
            try gateway.write { tx in
                for i in first..<first + step {
                    try tx.append(
                        Disclosure(
                            at: start + .seconds(Int64(i)), citizen: "ada", recipient: PersonID("helper-\(1 + i % 8)"), alert: nil, notice: nil, decision: nil,
                            data: i % 3 == 0 ? "identity" : "sos", detail: .alert, stage: .asked, state: i % 2 == 0 ? .sent : .seen))
                }
            }
        }
        try gateway.advance(.seconds(Int64(Self.disclosures)))
        var milliseconds: [Double] = []
        for _ in 0..<runs {
            let began = DispatchTime.now().uptimeNanoseconds
            let reply = gateway.sayOnly(.whoSaw(citizen: nil, since: nil), as: "ada")
            milliseconds.append(Double(DispatchTime.now().uptimeNanoseconds - began) / 1e6)
            guard reply.outcome == .done, reply.items.count >= 1_000 else { throw BenchProblem(description: "who-saw said \(reply.items.count) disclosures.") }
        }
        say("consent: who-saw over \(Self.disclosures) disclosures: \(String(format: "%.1f", milliseconds.last ?? 0)) ms")
        return [Figure(key: "consent.whoSaw.milliseconds", values: milliseconds, unit: "ms", digits: 1, wanted: "at most 50")]
    }
}
