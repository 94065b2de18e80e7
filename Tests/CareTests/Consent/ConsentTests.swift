import Care
import Testing

/// What consent means, by example. Times are UTC unless a zone says otherwise.
@Suite struct ConsentTests {
    // MARK: Permit and refuse

    @Test func `what nothing permits is denied`() {
        #expect(decide(asking(), of()) == Decision(detail: .nothing, reason: .nothingPermits, decidedBy: []))
    }

    @Test func `data of nobody are denied`() {
        #expect(decide(asking(), holders: []).reason == .nobodyToPermit)
    }

    @Test func `whoever asks for nothing is told nothing`() {
        var request = asking()
        request.detail = .nothing
        #expect(decide(request, of(permit(1))) == Decision(detail: .nothing, reason: .nothingPermits, decidedBy: []))
    }

    @Test func `a permit permits what it says and no more`() {
        let decision = decide(asking(.readings), of(permit(1, .summary)))
        #expect(decision == Decision(detail: .summary, reason: .permitted, decidedBy: [c(1)]))
    }

    @Test func `nobody is told more than they asked for`() {
        #expect(decide(asking(.alert), of(permit(1, .readings))).detail == .alert)
    }

    @Test func `a permit of too little did not decide`() {
        let decision = decide(asking(.readings), of(permit(1, .wellbeing), permit(2, .readings), permit(3, .readings)))
        #expect(decision == Decision(detail: .readings, reason: .permitted, decidedBy: [c(2), c(3)]))
    }

    @Test func `a refusal beats every permit`() {
        let decision = decide(asking(), of(permit(1, .readings), permit(2, .readings), refuse(3, .wellbeing)))
        #expect(decision == Decision(detail: .nothing, reason: .refused, decidedBy: [c(3)]))
    }

    @Test func `a refusal of values leaves a summary to whatever permits it`() {
        let decision = decide(asking(.readings), of(permit(1, .readings), refuse(2, .readings)))
        #expect(decision == Decision(detail: .summary, reason: .permitted, decidedBy: [c(1), c(2)]))
        #expect(decide(asking(.readings), of(refuse(2, .readings))).reason == .nothingPermits)
    }

    @Test func `a refusal that changed nothing did not decide`() {
        #expect(decide(asking(.alert), of(permit(1, .readings), refuse(2, .readings))).decidedBy == [c(1)])
        #expect(decide(asking(.readings), of(permit(1, .summary), refuse(2, .readings))).decidedBy == [c(1)])
    }

    @Test func `to refuse nothing and to refuse wellbeing is to refuse all`() {
        for detail in [Detail.nothing, .wellbeing] {
            #expect(decide(asking(.wellbeing), of(permit(1), refuse(2, detail))).reason == .refused)
        }
    }

    // MARK: Only while an alert is open

    @Test func `what holds while an alert of some severity is open holds from that severity on, and not outside of alerts`() {
        var record = permit(1)
        record.severity = .severe
        var refusal = refuse(2)
        refusal.severity = .severe
        for (severity, holds) in [(Severity?.none, false), (.minor, false), (.moderate, false), (.severe, true), (.extreme, true)] {
            var request = asking()
            request.severity = severity
            #expect(decide(request, of(record)).isPermitted == holds)
            #expect(decide(request, of(permit(1), refusal)).isPermitted == !holds)
        }
    }

    // MARK: Emergencies

    @Test func `what was decided for emergencies is asked only where nothing permits, in an extreme alert, for that circle`() {
        let decided = ConsentRecord(
            id: c(9), citizen: "ada", effect: .emergency, recipients: [.circle("oak-street"), .anyone], purposes: [], data: [.everything, .identity],
            detail: .readings, from: .distantPast)
        var request = asking(.readings)
        request.recipient = Recipient(kind: .helper, person: "maria", circles: ["oak-street"])
        (request.stage, request.severity) = (.asked, .extreme)
        #expect(decide(request, of(decided)) == Decision(detail: .alert, reason: .emergency, decidedBy: [c(9)]))
        #expect(decide(request, of(decided, permit(1, .wellbeing))) == Decision(detail: .wellbeing, reason: .permitted, decidedBy: [c(1)]))
        #expect(decide(request, of(decided, refuse(2))).reason == .refused)
        #expect(decide(request, ConsentHolder(citizen: "ada", zone: .utc, records: [.record(decided), .unreadable(c(3), citizen: "ada", reason: "")])).reason == .notEvaluated)
        #expect(decide(request, holders: [of(decided), holder("bob", [])]).reason == .nothingPermits, "Bob has decided nothing.")
        var identity = request
        (identity.data, identity.detail) = (.identity, .alert)
        #expect(decide(identity, of(decided)).reason == .nothingPermits)
        identity.stage = .accepted
        #expect(decide(identity, of(decided)).reason == .emergency)
        var other = request
        other.severity = .severe
        #expect(!decide(other, of(decided)).isPermitted)
        // An alert that has ended has no severity any more.
        other.severity = nil
        #expect(!decide(other, of(decided)).isPermitted)
        other = request
        other.recipient.circles = ["elm-street"]
        #expect(!decide(other, of(decided)).isPermitted)
    }

    // MARK: Who and what

    @Test func `an ended membership ends the permit`() {
        let record = permit(1) { $0.recipients = [.circle("oak-street")] }
        var request = asking()
        #expect(decide(request, of(record)).isPermitted)
        request.recipient.circles = ["elm-street"]
        #expect(!decide(request, of(record)).isPermitted)
    }

    @Test func `a coordinator is no helper, whatever their name`() {
        let record = permit(1) { $0.recipients = [.anyHelper, .helper("maria"), .circle("oak-street")] }
        var request = asking()
        request.recipient.kind = .coordinator
        #expect(!decide(request, of(record)).isPermitted)
    }

    @Test func `a record for no recipients or no data is about nothing`() {
        let records = [permit(1) { $0.recipients = [] }, permit(2) { $0.data = [] }]
        #expect(decide(asking(), of(records)).reason == .nothingPermits)
    }

    @Test func `another purpose needs another permit`() {
        let record = permit(1) { $0.purposes = [.dailySupport] }
        #expect(!decide(asking(), of(record)).isPermitted)
    }

    @Test func `one quantity is not the category`() throws {
        let fall = try #require(Quantity("fall"))
        let about = permit(1) { $0.data = [.quantity(fall)] }
        let against = refuse(2) { $0.data = [.quantity(fall)] }
        var request = asking()
        #expect(decide(request, of(about)).reason == .nothingPermits)
        #expect(decide(request, of(permit(1), against)).isPermitted)
        request.data = .data(category: .safety, quantity: fall, device: nil)
        #expect(decide(request, of(about)).isPermitted)
        #expect(decide(request, of(permit(1), against)).reason == .refused)
    }

    @Test func `a device is meant only by its own data`() {
        let record = permit(1) { $0.data = [.device(DeviceID(7))] }
        var request = asking()
        #expect(!decide(request, of(record)).isPermitted)
        request.data = .data(category: .safety, quantity: nil, device: DeviceID(7))
        #expect(decide(request, of(record)).isPermitted)
    }

    @Test func `everything does not mean a name and address`() {
        var request = asking(.alert)
        request.data = .identity
        #expect(decide(request, of(permit(1))).reason == .nothingPermits)
        #expect(decide(request, of(permit(1), refuse(2))).reason == .nothingPermits)
    }

    @Test func `a name and address are told or not told`() {
        var request = asking(.readings)
        request.data = .identity
        let named = permit(1, .wellbeing) { $0.data = [.identity] }
        #expect(decide(request, of(named)) == Decision(detail: .readings, reason: .permitted, decidedBy: [c(1)]))
        let against = refuse(2, .readings) { $0.data = [.identity] }
        #expect(decide(request, of(named, against)) == Decision(detail: .nothing, reason: .refused, decidedBy: [c(2)]))
    }

    @Test func `a record with a stage holds from that stage on, and only in alerts`() {
        let record = permit(1) { $0.stage = .accepted }
        let reached: [Stage?: Bool] = [nil: false, .asked: false, .accepted: true, .attending: true]
        for stage in [nil] + Stage.allCases {
            var request = asking()
            request.stage = stage
            #expect(decide(request, of(record)).isPermitted == reached[stage])
        }
    }

    // MARK: When

    @Test func `it holds from its first instant and ends before its last`() {
        let record = permit(1) {
            $0.from = at("2026-06-01T00:00:00Z")
            $0.until = at("2026-07-01T00:00:00Z")
        }
        let expected = [
            "2026-05-31T23:59:59.999Z": false, "2026-06-01T00:00:00Z": true, "2026-06-30T23:59:59.999Z": true,
            "2026-07-01T00:00:00Z": false,
        ]
        for (time, holds) in expected { #expect(decide(asking(at: time), of(record)).isPermitted == holds, "\(time)") }
    }

    @Test func `a withdrawal counts at once`() {
        let record = permit(1) { $0.withdrawnAt = at("2026-06-10T12:00:00Z") }
        #expect(decide(asking(at: "2026-06-10T11:59:59.999Z"), of(record)).isPermitted)
        #expect(!decide(asking(at: "2026-06-10T12:00:00Z"), of(record)).isPermitted)
    }

    @Test func `hours past midnight belong to the day on which they began`() throws {
        let friday = try HourWindow(text: "fri 22:00-07:00")
        let record = permit(1) { $0.hours = [friday] }
        let expected = [
            "2026-06-05T21:59:59.999Z": false, "2026-06-05T22:00:00Z": true, "2026-06-06T06:59:59.999Z": true,
            "2026-06-06T07:00:00Z": false, "2026-06-05T06:00:00Z": false, "2026-06-06T22:00:00Z": false,
        ]
        for (time, holds) in expected { #expect(decide(asking(at: time), of(record)).isPermitted == holds, "\(time)") }
    }

    @Test func `hours that end where they began last a day`() throws {
        let window = try HourWindow(text: "fri 12:00-12:00")
        let record = permit(1) { $0.hours = [window] }
        let expected = [
            "2026-06-05T11:59:00Z": false, "2026-06-05T12:00:00Z": true, "2026-06-06T11:59:00Z": true,
            "2026-06-06T12:00:00Z": false,
        ]
        for (time, holds) in expected { #expect(decide(asking(at: time), of(record)).isPermitted == holds, "\(time)") }
    }

    /// London, 25 October 2026: at 02:00 the clocks go back to 01:00.
    @Test func `in the hour that comes twice the wall clock decides twice`() throws {
        let window = try HourWindow(text: "01:30-02:00")
        let record = permit(1) { $0.hours = [window] }
        let expected = [
            "2026-10-25T00:29:59Z": false, "2026-10-25T00:30:00Z": true, "2026-10-25T00:59:59Z": true,
            "2026-10-25T01:00:00Z": false, "2026-10-25T01:30:00Z": true, "2026-10-25T02:00:00Z": false,
        ]
        for (time, holds) in expected {
            #expect(decide(asking(at: time), of(record, zone: consentLondon)).isPermitted == holds, "\(time)")
        }
    }

    /// London, 29 March 2026: at 01:00 the clocks go forward to 02:00.
    @Test func `in the hour that is skipped nothing begins`() throws {
        let (skipped, night) = (try HourWindow(text: "01:00-02:00"), try HourWindow(text: "00:00-03:00"))
        for time in ["2026-03-29T00:59:59.999Z", "2026-03-29T01:00:00Z"] {
            let request = asking(at: time)
            #expect(!decide(request, of(permit(1) { $0.hours = [skipped] }, zone: consentLondon)).isPermitted)
            #expect(decide(request, of(permit(1) { $0.hours = [night] }, zone: consentLondon)).isPermitted)
        }
    }

    // MARK: Several citizens

    @Test func `a shared device needs everyone's permit, and the least of them counts`() {
        let ada = holder("ada", [permit(1, .readings)])
        let tom = holder("tom", [permit(2, .alert) { $0.citizen = "tom" }])
        let silent = holder("ann", [])
        let both = decide(asking(.readings), holders: [ada, tom])
        #expect(both == Decision(detail: .alert, reason: .permitted, decidedBy: [c(1), c(2)]))
        #expect(decide(asking(.readings), holders: [ada, tom, silent]).reason == .nothingPermits)
    }

    @Test func `one citizen's refusal is enough`() {
        let ada = holder("ada", [permit(1)])
        let tom = holder("tom", [permit(2) { $0.citizen = "tom" }, refuse(3) { $0.citizen = "tom" }])
        let decision = decide(asking(), holders: [ada, tom])
        #expect(decision == Decision(detail: .nothing, reason: .refused, decidedBy: [c(3)]))
    }

    // MARK: What cannot be evaluated

    @Test func `an unreadable record denies`() {
        let holder = ConsentHolder(
            citizen: "ada", zone: .utc,
            records: [.record(permit(1)), .record(refuse(2)), .unreadable(c(9), citizen: "ada", reason: "damaged")])
        let decision = decide(asking(), holders: [holder])
        #expect(decision == Decision(detail: .nothing, reason: .notEvaluated, decidedBy: [c(9)]))
    }

    @Test func `hours outside the zone's table deny, but only where they would decide`() throws {
        let table = Zone(name: "Short", transitions: [], until: .distantFuture)
        let night = try HourWindow(text: "22:00-07:00")
        let against = refuse(2) { $0.hours = [night] }
        #expect(decide(asking(), of(permit(1), against, zone: table)).decidedBy == [c(2)])
        #expect(decide(asking(), of(permit(1), against, zone: table)).reason == .notEvaluated)
        let other = refuse(2) {
            $0.hours = [night]
            $0.recipients = [.anyService]
        }
        #expect(decide(asking(), of(permit(1), other, zone: table)).isPermitted)
    }

    @Test func `another citizen's record among one's own denies`() {
        let decision = decide(asking(), of(permit(1), permit(2) { $0.citizen = "tom" }))
        #expect(decision == Decision(detail: .nothing, reason: .notEvaluated, decidedBy: [c(2)]))
    }
}

// MARK: - Ada's records, Maria's requests

private func c(_ number: Int64) -> ConsentID { ConsentID(number) }

private func at(_ iso: String) -> Instant {
    guard let instant = Instant(iso: iso) else { preconditionFailure("\(iso) is no instant") }
    return instant
}

/// Maria, a helper of Oak Street, asks about the category safety during an alert.
private func asking(_ detail: Detail = .alert, at time: String = "2026-06-10T12:00:00Z") -> ConsentRequest {
    ConsentRequest(
        recipient: Recipient(kind: .helper, person: "maria", circles: ["oak-street"]), purpose: .emergencyResponse,
        data: .data(category: .safety, quantity: nil, device: nil), detail: detail, stage: .asked, at: at(time))
}

private func record(_ effect: ConsentRecord.Effect, _ id: Int64, _ detail: Detail) -> ConsentRecord {
    ConsentRecord(
        id: c(id), citizen: "ada", effect: effect, recipients: [.anyone], purposes: [], data: [.everything],
        detail: detail, from: .distantPast)
}

private func permit(_ id: Int64, _ detail: Detail = .readings, with change: (inout ConsentRecord) -> Void = { _ in })
    -> ConsentRecord
{
    var permit = record(.permit, id, detail)
    change(&permit)
    return permit
}

private func refuse(_ id: Int64, _ detail: Detail = .wellbeing, with change: (inout ConsentRecord) -> Void = { _ in })
    -> ConsentRecord
{
    var refusal = record(.refuse, id, detail)
    change(&refusal)
    return refusal
}

private func holder(_ citizen: PersonID, _ records: [ConsentRecord], zone: Zone = .utc) -> ConsentHolder {
    ConsentHolder(citizen: citizen, zone: zone, records: records.map { .record($0) })
}

private func of(_ records: ConsentRecord..., zone: Zone = .utc) -> ConsentHolder { holder("ada", records, zone: zone) }
private func of(_ records: [ConsentRecord]) -> ConsentHolder { holder("ada", records) }

private func decide(_ request: ConsentRequest, _ holder: ConsentHolder) -> Decision {
    Care.decide(request, holders: [holder])
}

/// British clocks of 2026: forward on 29 March, back on 25 October, both at 01:00 UTC.
let consentLondon = Zone(
    name: "Europe/London",
    transitions: [
        .init(at: .distantPast, offsetSeconds: 0),
        .init(at: Instant(milliseconds: 1_774_746_000_000), offsetSeconds: 3_600),
        .init(at: Instant(milliseconds: 1_792_890_000_000), offsetSeconds: 0),
    ], until: .distantFuture)

/// What is given of a request is as much or less.
@Suite struct NarrowingTests {
    private func record(_ data: [DataPattern], _ detail: Detail = .summary, hours: [String] = [], until: Instant? = nil) throws -> ConsentRecord {
        ConsentRecord(
            id: c(1), citizen: "ada", effect: .permit, recipients: [.service("clinic")], purposes: [.dailySupport], data: data, detail: detail,
            hours: try hours.map { try HourWindow(text: $0) }, from: .distantPast, until: until)
    }

    @Test func `everything includes all but who and where`() throws {
        let asked = try record([.everything])
        let heart = try #require(Quantity("heart_rate"))
        #expect(try record([.category(.health), .quantity(heart), .device(DeviceID(3))]).excess(over: asked) == nil)
        #expect(try record([.identity]).excess(over: asked) != nil)
        #expect(try record([.quantity(heart)]).excess(over: record([.category(.health)])) == nil)
        #expect(try record([.quantity(heart)]).excess(over: record([.category(.safety)])) != nil)
        #expect(try record([.device(DeviceID(3))]).excess(over: record([.category(.health)])) != nil)
    }

    @Test(arguments: [
        (["22:00-07:00"], ["23:00-06:00"], true), (["22:00-07:00"], ["21:59-06:00"], false), (["sun 22:00-07:00"], ["mon 00:00-07:00"], true),
        (["sun 22:00-07:00"], ["mon 00:00-07:01"], false), (["mon-fri 08:00-12:00", "mon-fri 12:00-18:00"], ["wed 11:00-13:00"], true),
        ([], ["wed 11:00-13:00"], true), (["wed 11:00-13:00"], [], false), (["10:00-24:00"], ["sat 23:59-24:00"], true),
    ])
    func `hours lie within the hours asked for`(asked: [String], given: [String], isWithin: Bool) throws {
        #expect((try record([.everything], hours: given).excess(over: record([.everything], hours: asked)) == nil) == isWithin)
    }

    @Test func `neither longer nor more`() throws {
        let (early, late) = (Instant(milliseconds: 1_000), Instant(milliseconds: 2_000))
        #expect(try record([.everything], until: late).excess(over: record([.everything], until: early)) != nil)
        #expect(try record([.everything]).excess(over: record([.everything], until: early)) != nil)
        #expect(try record([.everything], until: early).excess(over: record([.everything], until: late)) == nil)
        #expect(try record([.everything], .readings).excess(over: record([.everything], .summary)) != nil)
        #expect(try record([.everything], .alert).excess(over: record([.everything], .summary)) == nil)
    }
}
