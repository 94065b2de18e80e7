import Care
import Foundation
import Testing

/// `decide` and the specification agree on many random cases.
///
/// `CARING_SEED=17 swift test --filter ConsentComparison` repeats a run. The worlds are small on purpose (two
/// people, two circles, instants that coincide with beginnings and ends), so that records meet requests and
/// every outcome occurs; the counts at the end fail a generator that has become one-sided.
@Suite struct ConsentComparisonTests {
    @Test func `decide says what the specification says`() {
        let environment = ProcessInfo.processInfo.environment
        // The long run meets other cases each time.
        let isLong = environment["CARING_LONG"] == "1"
        let seed = environment["CARING_SEED"].flatMap { UInt64($0) } ?? (isLong ? UInt64.random(in: 1...(.max)) : 20_260_601)
        let cases = isLong ? 1_200_000 : 100_000
        print("ConsentComparisonTests: seed \(seed), \(cases) cases")
        var random = SplitMix64(state: seed)
        var reasons: [Decision.Reason: Int] = [:]
        var details: [Detail: Int] = [:]
        var (lowered, ended, began) = (0, 0, 0)
        var mismatches = 0
        for number in 1...cases {
            let (request, holders) = random.consentCase()
            let expected = specified(request, holders)
            let actual = decide(request, holders: holders)
            reasons[expected.reason, default: 0] += 1
            details[expected.detail, default: 0] += 1
            let records = holders.flatMap(\.records).compactMap { if case .record(let r) = $0 { r } else { nil } }
            if records.contains(where: { $0.until == request.at || $0.withdrawnAt == request.at }) { ended += 1 }
            if records.contains(where: { $0.from == request.at }) { began += 1 }
            if expected.isPermitted, expected.detail < request.detail,
                specified(request, holders.map(withoutRefusals)).detail > expected.detail
            {
                lowered += 1
            }
            guard actual != expected else { continue }
            mismatches += 1
            guard mismatches <= 3 else { continue }
            Issue.record(
                """
                CARING_SEED=\(seed), case \(number)
                decide:        \(actual)
                specification: \(expected)
                \(request)
                \(holders.map(shown).joined(separator: "\n"))
                """)
        }
        #expect(mismatches == 0, "CARING_SEED=\(seed)")
        for reason: Decision.Reason in [.permitted, .emergency, .nothingPermits, .refused, .notEvaluated, .nobodyToPermit] {
            let count = reasons[reason, default: 0]
            print("  \(reason): \(count)")
            #expect(count >= 500, "\(reason) occurred too seldom")
        }
        for detail in Detail.allCases {
            let count = details[detail, default: 0]
            print("  \(detail): \(count)")
            #expect(count >= 500, "\(detail) occurred too seldom")
        }
        print("  lowered by a refusal: \(lowered); at the instant of an end: \(ended), of a beginning: \(began)")
        #expect(lowered >= 500)
        #expect(ended >= 500)
        #expect(began >= 500)
    }

    private func withoutRefusals(_ holder: ConsentHolder) -> ConsentHolder {
        var holder = holder
        holder.records.removeAll { if case .record(let record) = $0 { record.effect == .refuse } else { false } }
        return holder
    }

    private func shown(_ holder: ConsentHolder) -> String {
        "\(holder.citizen), \(holder.zone.name):\n" + holder.records.map { "  \($0)" }.joined(separator: "\n")
    }
}

/// Sebastiano Vigna, `splitmix64.c` (2015).
private struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ n: Int) -> Int { Int(next() % UInt64(n)) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }
    /// Up to `most` items, perhaps none, perhaps doubles.
    mutating func some<T>(_ items: [T], atMost most: Int) -> [T] { (0..<below(most + 1)).map { _ in pick(items) } }
}

private let people: [PersonID] = ["ada", "maria"]
private let circles: [CircleID] = ["oak-street", "elm-street"]
private let categories: [Care.Category] = [.safety, .health]
private let quantities: [Quantity] = ["fall", "heart_rate"].compactMap { Quantity($0) }
private let halfHours = (0..<48).compactMap { MinuteOfDay($0 * 30) }
private let devices = [DeviceID(1), DeviceID(2)]

private let ended = Zone(
    name: "Ended", transitions: [.init(at: .distantPast, offsetSeconds: -18_000)],
    until: Instant(milliseconds: 1_700_000_000_000))
/// Midnights on which the clocks change or do not.
private let nights: [Int64] = [1_774_742_400_000, 1_792_886_400_000, 1_784_000_000_000, 1_780_272_000_000]

extension SplitMix64 {
    fileprivate mutating func consentCase() -> (ConsentRequest, [ConsentHolder]) {
        let kind = pick(Recipient.Kind.allCases + [.helper])
        let request = ConsentRequest(
            recipient: Recipient(
                kind: kind, person: pick(people),
                circles: kind == .helper || chance(20) ? circles.filter { _ in chance(60) } : []),
            purpose: pick([.emergencyResponse, .dailySupport]),
            data: chance(20)
                ? .identity
                : .data(
                    category: pick(categories), quantity: chance(60) ? pick(quantities) : nil,
                    device: chance(60) ? pick(devices) : nil),
            detail: chance(3) ? .nothing : pick([.wellbeing, .alert, .summary, .readings, .readings]),
            stage: chance(30) ? nil : pick(Stage.allCases),
            severity: chance(25) ? nil : pick(Severity.allCases + [.extreme, .extreme, .extreme, .extreme]),
            at: Instant(milliseconds: pick(nights) + Int64(below(48) - 12) * 1_800_000 + pick([-1, 0, 0, 1])))
        let count = pick([0, 1, 1, 1, 1, 1, 1, 2, 2, 3])
        return (request, (0..<count).map { _ in consentHolder(request, count: count) })
    }

    private mutating func consentHolder(_ request: ConsentRequest, count: Int) -> ConsentHolder {
        let citizen = pick(people)
        let records = (0..<below(count > 1 ? 6 : 7)).map { index -> StoredConsent in
            let id = ConsentID(Int64(index + 1 + below(2) * 10))
            if chance(1) { return .unreadable(id, citizen: citizen, reason: "damaged") }
            return .record(consentRecord(id, citizen, request))
        }
        return ConsentHolder(
            citizen: citizen, zone: pick([consentLondon, consentLondon, .utc, ended]), records: records)
    }

    /// Each part fits the request more often than not, or nearly all records would be about something else.
    private mutating func consentRecord(_ id: ConsentID, _ citizen: PersonID, _ request: ConsentRequest)
        -> ConsentRecord
    {
        let effect: ConsentRecord.Effect = chance(25) ? .refuse : chance(25) ? .emergency : .permit
        return ConsentRecord(
            id: id, citizen: chance(1) && chance(50) ? pick(people) : citizen, effect: effect,
            recipients: some(recipients(request), atMost: 2) + (effect == .emergency ? circles.filter { _ in chance(90) }.map { .circle($0) } : chance(70) ? [.anyone] : []),
            purposes: chance(50) ? [] : some(Purpose.allCases, atMost: 2) + (chance(80) ? [request.purpose] : []),
            data: some(data, atMost: 2) + (chance(60) ? [.everything] : []) + (chance(40) ? [.identity] : []),
            detail: chance(5) ? .nothing : pick([.wellbeing, .alert, .summary, .readings]),
            stage: chance(60) ? nil : pick(Stage.allCases), severity: chance(85) ? nil : pick(Severity.allCases),
            hours: chance(70) ? [] : (0...below(2)).map { _ in hours() },
            from: request.at + .milliseconds(pick([-86_400_000, -86_400_000, -1_800_000, -1, 0, 0, 0, 1])),
            until: chance(65) ? nil : request.at + .milliseconds(pick([-1, 0, 1, 1, 1_800_000])),
            withdrawnAt: chance(85) ? nil : request.at + .milliseconds(pick([-1_800_000, -1, 0, 1, 1_800_000])))
    }

    private mutating func recipients(_ request: ConsentRequest) -> [RecipientPattern] {
        [
            .anyHelper, .anyCoordinator, .anyService, .helper(request.recipient.person), .helper(pick(people)),
            .coordinator(pick(people)), .service(pick(people)), .circle(pick(circles)), .circle(pick(circles)),
        ]
    }

    private var data: [DataPattern] {
        categories.map { .category($0) } + quantities.map { .quantity($0) } + devices.map { .device($0) } + [.identity]
    }

    private mutating func hours() -> HourWindow {
        HourWindow(
            days: chance(40) ? [] : some(Weekday.allCases, atMost: 5),
            from: pick(halfHours), to: chance(20) ? nil : pick(halfHours))
    }
}
