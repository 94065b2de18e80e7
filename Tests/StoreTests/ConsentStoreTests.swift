import Care
import Store
import Testing

/// What cannot be understood could be a refusal, so it must not vanish.
@Suite struct ConsentStoreTests {
    private func record(_ id: Int64, until: Instant? = nil) -> ConsentRecord {
        ConsentRecord(
            id: ConsentID(id), citizen: "ada", effect: .permit, recipients: [.circle("oak-street"), .anyHelper],
            purposes: [.emergencyResponse], data: [.everything, .identity], detail: .readings, stage: .accepted,
            from: start, until: until)
    }

    @Test func `a record comes back as it was given, with its withdrawal beside it`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { tx in
            try tx.save(record(1), givenBy: "ada", at: start)
            try tx.save(record(2, until: start + .days(1)), givenBy: "operator 0 for ada", at: start)
            try tx.withdraw(ConsentID(1), by: "ada", at: start + .hours(1))
            // Withdrawn is withdrawn: a second time changes nothing.
            try tx.withdraw(ConsentID(1), by: "somebody else", at: start + .hours(2))
        }
        var withdrawn = record(1)
        withdrawn.withdrawnAt = start + .hours(1)
        #expect(try store.read { try $0.consents() }.map(\.stored) == [.record(withdrawn), .record(record(2, until: start + .days(1)))])
        let giving = try #require(try store.read { try $0.consentGiving(ConsentID(2)) })
        #expect(giving.givenBy == "operator 0 for ada")
        #expect(try store.read { try $0.consentGiving(ConsentID(1)) }?.withdrawnBy == "ada")
        try store.close()
    }

    /// What older versions wrote has no severity, and is written without one still: it stays readable to both.
    @Test func `a record from before there were severities is read, and one without is written as it was`() throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { try $0.save(record(1), givenBy: "ada", at: start) }
        let old = #"{"citizen":"ada","data":["everything","identity"],"detail":"readings","effect":"permit","from":\#(start.milliseconds),"hours":[],"id":"c1","purposes":["emergency-response"],"recipients":["circle:oak-street","helper:*"],"stage":"accepted"}"#
        try folder.run("UPDATE consent SET body = '\(old)'")
        #expect(try store.read { try $0.consents() }.map(\.stored) == [.record(record(1))])
        try store.close()
    }

    @Test(arguments: [
        "not json", "{}", "", #"{"effect":"refuse"}"#,
        // A newer version's word, and a body that belongs to another record or another citizen.
        #"replace(body, '"permit"', '"permit-with-regret"')"#, #"replace(body, '"c1"', '"c7"')"#, #"replace(body, '"ada"', '"bob"')"#,
        #"replace(body, 'readings', 'everything-there-is')"#, #"replace(body, '"citizen"', '"butNotOn":"sundays","citizen"')"#,
    ])
    func `a body that cannot be understood comes back as unreadable`(damage: String) throws {
        let folder = Folder()
        let store = try folder.open()
        try settle(store)
        try store.turn { try $0.save(record(1), givenBy: "ada", at: start) }
        try folder.run("UPDATE consent SET body = " + (damage.hasPrefix("replace") ? damage : "'\(damage)'"))
        let found = try store.read { try $0.consents() }
        #expect(found.count == 1)
        #expect(found.first?.citizen == "ada")
        guard case .unreadable(let id, let citizen, _)? = found.first?.stored, id == ConsentID(1), citizen == "ada" else {
            Issue.record("\(found) is not unreadable")
            return
        }
        // Its citizen can still take it back, and then it refuses nothing any more.
        try store.turn { try $0.withdraw(ConsentID(1), by: "ada", at: start) }
        #expect(try store.read { try $0.consents() }.isEmpty)
        try store.close()
    }
}
