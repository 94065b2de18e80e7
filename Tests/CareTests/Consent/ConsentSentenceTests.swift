import Care
import Testing

/// Records and decisions as people hear them.
@Suite struct ConsentSentenceTests {
    @Test func `a permit about alerts`() throws {
        let record = permit {
            $0.purposes = [.emergencyResponse]
            $0.until = Instant(iso: "2027-06-30T00:00:00Z")
        }
        let zone = Zone.utc
        #expect(
            sentence(record, names: names, zone: zone)
                == "Oak Street's helpers may know that something happened and what (safety), to come and help, "
                + "at any hour, until 30 June 2027.")
    }

    @Test func `a name and address`() {
        let record = permit {
            $0.purposes = [.emergencyResponse]
            $0.data = [.identity]
            $0.stage = .accepted
        }
        #expect(
            said(record)
                == "Oak Street's helpers may know your name and address once they have accepted, to come and help, "
                + "at any hour, until withdrawn.")
        #expect(
            said(record, citizenName: "Ada")
                == "Oak Street's helpers may know Ada's name and address once they have accepted, to come and help, "
                + "at any hour, until withdrawn.")
    }

    @Test(arguments: [
        (Detail.nothing, "nothing about your safety or your heart rate"),
        (.wellbeing, "whether all is well or someone should knock (safety and heart rate)"),
        (.alert, "that something happened and what (safety and heart rate)"),
        (.summary, "that something happened and what, and daily or hourly figures about your safety and your heart rate"),
        (.readings, "everything about your safety and your heart rate, to the single value"),
    ])
    func `permits of every detail`(detail: Detail, words: String) throws {
        let heartRate = try #require(Quantity("heart_rate"))
        let record = permit {
            $0.detail = detail
            $0.data = [.category(.safety), .quantity(heartRate)]
        }
        #expect(
            said(record) == "Oak Street's helpers may know \(words), for any purpose, at any hour, until withdrawn.")
    }

    @Test(arguments: [
        (Detail.nothing, "anything about your safety"), (.wellbeing, "anything about your safety"),
        (.alert, "more about your safety than whether all is well or someone should knock"),
        (.summary, "more about your safety than that something happened and what"),
        (.readings, "more about your safety than daily or hourly figures"),
    ])
    func `refusals of every detail`(detail: Detail, words: String) {
        var record = permit { $0.detail = detail }
        record.effect = .refuse
        let rest = "for any purpose, at any hour, until withdrawn."
        #expect(said(record) == "Oak Street's helpers may not know \(words), \(rest)")
        record.data.append(.identity)
        #expect(said(record) == "Oak Street's helpers may not know \(words), nor your name and address, \(rest)")
        record.recipients = [.anyone, .helper("maria")]
        #expect(said(record) == "Nobody may know \(words), or your name and address, \(rest)")
        record.data = [.identity]
        record.recipients = [.anyHelper, .anyService]
        #expect(said(record) == "Helpers and services may not know your name and address, \(rest)")
    }

    @Test(arguments: [
        ([RecipientPattern.helper("maria")], "Maria"), ([.anyone, .anyHelper], "Anyone"),
        ([.anyHelper, .anyCoordinator, .anyService], "All helpers, all coordinators and all services"),
        ([.service("clinic"), .coordinator("carla")], "The clinic and Carla as coordinator"),
        ([.circle("oak-street"), .helper("maria")], "Oak Street's helpers and Maria"),
    ])
    func `recipients`(recipients: [RecipientPattern], words: String) {
        let record = permit { $0.recipients = recipients }
        #expect(
            said(record)
                == "\(words) may know that something happened and what (safety), for any purpose, at any hour, until withdrawn."
        )
    }

    @Test func `data of all kinds`() throws {
        let (bed, warmth, fine) = try (
            #require(Quantity("bed_occupied")), #require(Quantity("temperature")), #require(Quantity("check_in"))
        )
        let record = permit {
            $0.detail = .readings
            $0.data = [
                .category(.family), .quantity(bed), .quantity(warmth), .quantity(fine), .device(DeviceID(7)), .identity,
            ]
        }
        #expect(
            said(record, citizenName: "Ada")
                == "Oak Street's helpers may know everything about Ada's family life, \u{201C}in bed\u{201D}, temperature, "
                + "\u{201C}I'm OK\u{201D} and what the hall sensor measures, to the single value, and Ada's name and "
                + "address, for any purpose, at any hour, until withdrawn.")
        let all = permit { $0.data = [.everything, .category(.safety)] }
        #expect(
            said(all)
                == "Oak Street's helpers may know that something happened and what, for any purpose, at any hour, until withdrawn."
        )
        var refusal = all
        refusal.effect = .refuse
        refusal.detail = .wellbeing
        #expect(
            said(refusal)
                == "Oak Street's helpers may not know anything about all that your devices notice, for any purpose, "
                + "at any hour, until withdrawn.")
    }

    @Test func `records about nobody or nothing`() {
        #expect(said(permit { $0.recipients = [] }) == "This record names nobody, so it permits nothing.")
        #expect(said(permit { $0.data = [] }) == "This record names no data, so it permits nothing.")
    }

    @Test func `purposes`() {
        #expect(
            said(permit { $0.purposes = Purpose.allCases })
                == "Oak Street's helpers may know that something happened and what (safety), to come and help, to help from "
                + "day to day, to stay in touch with family, to plan services or for research, at any hour, until withdrawn."
        )
    }

    @Test(arguments: [
        (Stage.asked, "once they have been asked"), (.accepted, "once they have accepted"),
        (.attending, "once they are there"),
    ])
    func `stages`(stage: Stage, words: String) {
        #expect(
            said(permit { $0.stage = stage })
                == "Oak Street's helpers may know that something happened and what (safety) \(words), for any purpose, "
                + "at any hour, until withdrawn.")
    }

    @Test(arguments: [
        (["22:00-07:00"], "between 22:00 and 07:00"), (["00:00-24:00"], "at any hour"),
        (["mon-fri 08:00-18:00"], "from Monday to Friday between 08:00 and 18:00"),
        (["sat,sun 10:00-24:00"], "on Saturdays and Sundays between 10:00 and midnight"),
        (["fri 22:00-07:00"], "on Fridays between 22:00 and 07:00 the next day"), (["sun 00:00-24:00"], "on Sundays"),
        (["mon-wed,fri 08:00-09:00"], "from Monday to Wednesday and on Fridays between 08:00 and 09:00"),
        (["08:00-09:00", "20:00-21:00"], "between 08:00 and 09:00 or between 20:00 and 21:00"),
    ])
    func `hours`(texts: [String], words: String) throws {
        let hours = try texts.map { try HourWindow(text: $0) }
        #expect(
            said(permit { $0.hours = hours })
                == "Oak Street's helpers may know that something happened and what (safety), for any purpose, \(words), "
                + "until withdrawn.")
    }

    @Test func `dates are those of the home's calendar`() {
        let zone = consentLondon
        let head = "Oak Street's helpers may know that something happened and what (safety), for any purpose, at any hour, "
        var record = permit { $0.until = Instant(iso: "2026-06-29T23:00:00Z") }
        #expect(sentence(record, names: names, zone: zone) == head + "until 30 June 2026.")
        record.until = Instant(iso: "2026-06-30T17:00:00Z")
        #expect(sentence(record, names: names, zone: zone) == head + "until 18:00 on 30 June 2026.")
        let short = Zone(name: "Short", transitions: [], until: .distantPast)
        #expect(sentence(record, names: names, zone: short) == head + "until 17:00 UTC on 30 June 2026.")

        record.withdrawnAt = Instant(iso: "2026-06-03T13:05:00Z")
        #expect(
            sentence(record, names: names, zone: zone)
                == head + "until 18:00 on 30 June 2026, but withdrawn at 14:05 on 3 June 2026.")
        record.until = nil
        #expect(
            sentence(record, names: names, zone: zone)
                == head + "until withdrawn, which was at 14:05 on 3 June 2026.")
    }

    @Test func `a beginning is mentioned while it lies ahead`() throws {
        let from = try #require(Instant(iso: "2026-07-01T00:00:00Z"))
        let record = permit { $0.from = from }
        let head = "Oak Street's helpers may know that something happened and what (safety), for any purpose, at any hour, "
        #expect(said(record, now: from - .seconds(1)) == head + "from 1 July 2026, until withdrawn.")
        #expect(said(record, now: from) == head + "until withdrawn.")
        #expect(said(record) == head + "until withdrawn.")
    }

    // MARK: Decisions

    @Test(arguments: [
        (Detail.wellbeing, "whether all is well or someone should knock (Ada's safety)"),
        (.alert, "that something happened and what (Ada's safety)"),
        (.summary, "daily or hourly figures about Ada's safety"),
        (.readings, "everything about Ada's safety, to the single value"),
    ])
    func `permitted`(detail: Detail, words: String) {
        #expect(
            why(.permitted, [3], detail: detail, asked: detail)
                == "Maria may be told \(words), because consent c3 permits it.")
        #expect(
            why(.permitted, [3, 4], detail: detail, asked: detail)
                == "Maria may be told \(words), because consents c3 and c4 permit it.")
    }

    @Test func `permitted, but less than asked for`() {
        #expect(
            why(.permitted, [3], detail: .alert)
                == "Maria may be told that something happened and what (Ada's safety) and no more, because consent c3 permits just that."
        )
        #expect(
            why(.permitted, [3, 7], detail: .alert)
                == "Maria may be told that something happened and what (Ada's safety) and no more, because consents c3 and c7 come to just that."
        )
    }

    @Test func `denied`() {
        let head = "Maria may not be told anything about Ada's safety"
        #expect(why(.nothingPermits, []) == head + ": no consent record permits it.")
        #expect(why(.refused, [7]) == head + ", because c7 refuses it.")
        #expect(why(.refused, [7, 8, 9]) == head + ", because c7, c8 and c9 refuse it.")
        #expect(
            why(.notEvaluated, [9])
                == head
                + ", because record c9 could not be understood, and what cannot be understood could be a refusal.")
        #expect(
            why(.nobodyToPermit, [])
                == "Maria may not be told anything: the data belong to no citizen who could permit it.")
    }

    @Test func `decisions about identity, quantities and devices`() throws {
        #expect(
            why(.permitted, [4], detail: .alert, asked: .alert, of: .identity)
                == "Maria may be told Ada's name and address, because consent c4 permits it.")
        #expect(
            why(.nothingPermits, [], of: .identity)
                == "Maria may not be told Ada's name and address: no consent record permits it.")
        let heartRate = try #require(Quantity("heart_rate"))
        #expect(
            why(.refused, [7], of: .data(category: .health, quantity: heartRate, device: DeviceID(7)))
                == "Maria may not be told anything about Ada's heart rate, as the hall sensor measures it, because c7 refuses it."
        )
    }
}

extension ConsentSentenceTests {
    @Test(arguments: [
        (Severity.minor, "only while an alert is open"), (.severe, "only while an alert is open that is severe or worse"),
        (.extreme, "only while an extreme alert is open"),
    ])
    func `a sentence says while which alerts it holds`(severity: Severity, words: String) {
        #expect(
            said(permit { $0.severity = severity })
                == "Oak Street's helpers may know that something happened and what (safety) \(words), for any purpose, at any hour, until withdrawn.")
    }
}

private let names = ConsentNames(
    circle: { $0 == "oak-street" ? "Oak Street" : $0.name },
    person: { ["maria": "Maria", "clinic": "the clinic", "carla": "Carla"][$0.name] ?? $0.name },
    device: { $0 == DeviceID(7) ? "the hall sensor" : "device \($0.number)" })

/// Oak Street's helpers, safety, alert; for any purpose, at any hour, until withdrawn.
private func permit(_ change: (inout ConsentRecord) -> Void) -> ConsentRecord {
    var record = ConsentRecord(
        id: ConsentID(3), citizen: "ada", effect: .permit, recipients: [.circle("oak-street")], purposes: [],
        data: [.category(.safety)], detail: .alert, from: .distantPast)
    change(&record)
    return record
}

private func said(_ record: ConsentRecord, citizenName: String? = nil, now: Instant? = nil) -> String {
    sentence(record, names: names, zone: .utc, citizenName: citizenName, now: now)
}

private func why(
    _ reason: Decision.Reason, _ ids: [Int64], detail: Detail = .nothing, asked: Detail = .readings,
    of data: DataSubject = .data(category: .safety, quantity: nil, device: nil)
) -> String {
    let request = ConsentRequest(
        recipient: Recipient(kind: .helper, person: "maria"), purpose: .emergencyResponse, data: data, detail: asked,
        stage: nil, at: Instant(milliseconds: 0))
    let decision = Decision(detail: detail, reason: reason, decidedBy: ids.map { ConsentID($0) })
    return sentence(decision, for: request, names: names, citizen: "Ada")
}
