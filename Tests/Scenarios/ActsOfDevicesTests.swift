import Care
import CareTesting
import Foundation
import Gateway
import Store
import Testing

/// After a restore each device is whose it was: whatever it has been called since the backup, and whoever or whatever
/// claimed it.
@Suite struct ActsOfDevicesTests {
    /// Ada and Bob in one home, which Zigbee2MQTT tells of its devices.
    private struct House {
        let street: Street

        init() throws {
            street = try Street(permits: false)
            try say(.citizenAdd(citizen: "bob", home: "elm-3", name: "Bob Brown", uid: nil))
        }

        @discardableResult
        func say(_ command: Command, as person: String? = nil) throws -> Reply {
            let reply = try street.gateway.say(command, as: person)
            #expect(reply.outcome == .done, "\(reply.say)")
            return reply
        }
        func announce(_ devices: [String: String]) throws {
            let list = devices.sorted { $0.key < $1.key }.map { identity, name in
                """
                {"ieee_address":"\(identity)","type":"EndDevice","friendly_name":"\(name)","interview_completed":true,"supported":true,
                 "definition":{"vendor":"Aqara","model":"WSDCGQ11LM","description":"sensor","exposes":[
                  {"type":"numeric","name":"temperature","property":"temperature","unit":"°C","access":1}]}}
                """
            }
            try street.gateway.publish("homes/elm-3/zigbee2mqtt/bridge/devices", "[\(list.joined(separator: ","))]")
        }
        func claim(_ name: String, as person: String = "ada", for others: [String] = []) throws {
            try say(.deviceClaim(home: nil, device: name, citizens: others, expected: nil), as: person)
        }
        func release(_ name: String, as person: String = "ada") throws { try say(.deviceRelease(home: nil, device: name), as: person) }
        func hear(_ name: String, _ temperature: Int) throws {
            try street.gateway.publish("homes/elm-3/zigbee2mqtt/\(name)", #"{"temperature": \#(temperature)}"#)
        }
        func temperatures(_ person: String = "ada") throws -> [String] {
            try street.gateway.say(.readingList(citizen: nil, home: nil, quantity: "temperature", since: nil, limit: 100, purpose: nil), as: person).items
                .compactMap { $0["value"]?.text }
        }
        /// Whose each is, by identity.
        func owners() throws -> [String: JSON] {
            var owners: [String: JSON] = [:]
            for person in ["ada", "bob"] {
                for item in try say(.deviceList(home: nil), as: person).items {
                    guard let identity = item["identity"]?.string, case .array(let citizens) = item["citizens"], citizens.contains(.string(person)) else { continue }
                    owners[identity] = item["citizens"]
                }
            }
            return owners
        }
        /// How often any device but the button was this person's, ever.
        func claims(_ person: String) throws -> Int {
            try street.gateway.read { store in try (2...20).map { try store.claims(DeviceID($0), PersonID(person)).count }.reduce(0, +) }
        }
    }

    private func withJournal<T>(_ body: (ActJournal) throws -> T) throws -> T {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("caring-acts-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(ActJournal(folder: folder))
    }

    /// - Parameters:
    ///   - failing: how many acts cannot be done again.
    ///   - before: what the backup holds.
    ///   - after: what only the journal holds.
    private func restored(
        failing: Int = 0, before: (House) throws -> Void, after: (House) throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> House {
        try withJournal { journal in
            let (house, backup) = (try House(), try House())
            try before(house)
            try before(backup)
            try house.street.gateway.advance(.seconds(2))
            let since = house.street.gateway.now
            house.street.gateway.engine.journal = journal
            try after(house)
            try backup.street.gateway.advance(.minutes(1))
            let (_, failed) = try backup.street.gateway.engine.repeatActs(of: journal, since: since)
            #expect(failed == failing, sourceLocation: sourceLocation)
            try backup.street.gateway.settle()
            try backup.street.gateway.advance(.minutes(1))
            return backup
        }
    }

    // MARK: Renamed since

    @Test func `what was renamed and let go since the backup is let go, under its old name and its new one`() throws {
        for isRetired in [false, true] {
            let house = try restored(
                before: {
                    try $0.announce(["0x01": "kitchen"])
                    try $0.claim("zigbee2mqtt/kitchen")
                },
                after: {
                    try $0.announce(["0x01": "bathroom"])
                    try $0.say(isRetired ? .deviceRetire(home: nil, device: "zigbee2mqtt/bathroom") : .deviceRelease(home: nil, device: "zigbee2mqtt/bathroom"), as: "ada")
                })
            try house.hear("kitchen", 20)
            try house.announce(["0x01": "bathroom"])
            try house.hear("bathroom", 21)
            #expect(try house.temperatures().isEmpty)
            #expect(try house.owners().isEmpty)
        }
    }

    @Test func `what was renamed and given away since the backup is the other one's`() throws {
        let house = try restored(
            before: {
                try $0.announce(["0x01": "kitchen"])
                try $0.claim("zigbee2mqtt/kitchen")
            },
            after: {
                try $0.announce(["0x01": "bathroom"])
                try $0.say(.deviceMove(home: nil, device: "zigbee2mqtt/bathroom", to: "bob"), as: "ada")
            })
        try house.hear("kitchen", 20)
        #expect(try house.temperatures("ada").isEmpty)
        #expect(try house.temperatures("bob") == ["20"])
        #expect(try house.owners() == ["0x01": ["bob"]])
    }

    @Test func `of two that changed names since the backup, the one that was meant is let go`() throws {
        let house = try restored(
            before: {
                try $0.announce(["0x01": "kitchen", "0x02": "bathroom"])
                try $0.claim("zigbee2mqtt/kitchen")
                try $0.claim("zigbee2mqtt/bathroom")
            },
            after: {
                try $0.announce(["0x01": "bathroom", "0x02": "kitchen"])
                try $0.release("zigbee2mqtt/kitchen")
            })
        #expect(try house.owners() == ["0x01": ["ada"]])
    }

    @Test func `a refusal that names a device by its new name refuses`() throws {
        let house = try restored(
            before: {
                try $0.announce(["0x01": "kitchen"])
                try $0.claim("zigbee2mqtt/kitchen")
                try $0.claim("zigbee2mqtt/hall button")
            },
            after: {
                try $0.announce(["0x01": "bathroom"])
                try $0.say(.consentRefuse(consent(to: ["anyone"], data: ["safety", "device:zigbee2mqtt/bathroom"])), as: "ada")
            })
        let records = try house.say(.consentList(citizen: nil, all: false), as: "ada").items
        let button = try #require(try house.street.gateway.read { try $0.devices() }.first { $0.device.identity == "0x01" }?.device.id.number)
        #expect(records.map { $0["data"] } == [.strings(["safety", "device:\(button)"])])
    }

    // MARK: Claimed by itself

    @Test func `what the home claimed by itself since the backup is theirs, also before it announces itself again`() throws {
        for isSaidSince in [false, true] {
            let house = try restored(
                before: { if !isSaidSince { try $0.say(.deviceClaimAnnounced(on: true), as: "ada") } },
                after: {
                    if isSaidSince { try $0.say(.deviceClaimAnnounced(on: true), as: "ada") }
                    try $0.announce(["0x01": "kitchen"])
                })
            #expect(try house.owners() == ["0x01": ["ada"]])
            #expect(try house.claims("ada") == 1)
            try house.announce(["0x01": "kitchen", "0x02": "bathroom"])
            try house.hear("kitchen", 20)
            try house.hear("bathroom", 21)
            #expect(try house.temperatures().sorted() == ["20", "21"])
            #expect(try house.claims("ada") == 2)
        }
    }

    @Test func `what was claimed by hand since the backup is theirs without its announcement, too`() throws {
        let house = try restored(
            before: { _ in },
            after: {
                try $0.announce(["0x01": "kitchen"])
                try $0.say(.deviceClaim(home: nil, device: "0x01", citizens: [], expected: "2h", title: "Kitchen"), as: "ada")
                try $0.claim("Kitchen", for: ["bob"])
            })
        #expect(try house.owners() == ["0x01": ["ada", "bob"]])
        let item = try #require(try house.say(.deviceList(home: nil), as: "bob").items.first { $0["identity"] == "0x01" })
        #expect(item["name"] == "Kitchen" && item["expectedSeconds"] == .int(7_200) && item["device"] == "zigbee2mqtt/kitchen")
    }

    @Test func `what was claimed and not kept is not in the journal`() throws {
        try withJournal { journal in
            let house = try House()
            try house.say(.deviceClaimAnnounced(on: true), as: "ada")
            house.street.gateway.engine.journal = journal
            house.street.gateway.storeProblem = .diskFull
            #expect(throws: StoreError.self) { try house.announce(["0x01": "kitchen"]) }
            #expect(try journal.acts(since: .distantPast).acts.isEmpty)
            house.street.gateway.storeProblem = nil
            try house.announce(["0x01": "kitchen"])
            #expect(try journal.acts(since: .distantPast).acts.count == 1)
            // What is announced again claims nothing, and says nothing.
            try house.announce(["0x01": "kitchen"])
            try house.announce(["0x01": "bathroom"])
            #expect(try journal.acts(since: .distantPast).acts.count == 1)
        }
    }

    @Test func `what was let go since the backup is not claimed by itself again, whatever it is called`() throws {
        for isRetired in [false, true] {
            for isAnnouncedBefore in [false, true] {
                let house = try restored(
                    before: {
                        if isAnnouncedBefore { try $0.announce(["0x01": "kitchen"]) } else { try $0.say(.deviceClaimAnnounced(on: true), as: "ada") }
                    },
                    after: {
                        if isAnnouncedBefore { try $0.say(.deviceClaimAnnounced(on: true), as: "ada") } else { try $0.announce(["0x01": "kitchen"]) }
                        try $0.announce(["0x01": "bathroom"])
                        try $0.say(isRetired ? .deviceRetire(home: nil, device: "0x01") : .deviceRelease(home: nil, device: "0x01"), as: "ada")
                    })
                try house.announce(["0x01": "kitchen", "0x02": "attic"])
                try house.announce(["0x01": "cellar", "0x02": "attic"])
                try house.hear("cellar", 20)
                #expect(try house.temperatures().isEmpty)
                #expect(try house.owners() == ["0x02": ["ada"]])
                // Not even for a moment: the attic is all that ever was hers.
                #expect(try house.claims("ada") == 1)
                // Nor when it is said again that everything is hers; by hand she may.
                try house.say(.deviceClaimAnnounced(on: true), as: "ada")
                #expect(try house.owners() == ["0x02": ["ada"]])
                try house.claim("zigbee2mqtt/cellar")
                try house.hear("cellar", 21)
                #expect(try house.temperatures() == ["21"])
            }
        }
    }

    @Test func `what was let go is not claimed by itself, also where its claim could not be written down`() throws {
        let house = try restored(
            before: { try $0.say(.deviceClaimAnnounced(on: true), as: "ada") },
            after: {
                let journal = $0.street.gateway.engine.journal
                $0.street.gateway.engine.journal = nil
                try $0.announce(["0x01": "kitchen"])
                $0.street.gateway.engine.journal = journal
                try $0.release("0x01")
            })
        try house.announce(["0x01": "kitchen"])
        #expect(try house.owners().isEmpty)
    }

    /// A release in the last second before the backup, whose line was damaged.
    @Test func `what is known and nobody's is not claimed by itself`() throws {
        try withJournal { journal in
            let house = try House()
            try house.say(.deviceClaimAnnounced(on: true), as: "ada")
            house.street.gateway.engine.journal = journal
            try house.announce(["0x01": "kitchen"])
            house.street.gateway.engine.journal = nil
            try house.release("0x01")
            _ = try house.street.gateway.engine.repeatActs(of: journal, since: .distantPast)
            #expect(try house.owners().isEmpty)
        }
    }

    @Test func `what was let go before the backup knew its identity is known by it afterwards`() throws {
        let house = try restored(
            before: { try $0.claim("zigbee2mqtt/kitchen") },
            after: {
                try $0.announce(["0x01": "kitchen"])
                try $0.release("zigbee2mqtt/kitchen")
            })
        try house.say(.deviceClaimAnnounced(on: true), as: "ada")
        try house.announce(["0x01": "bathroom"])
        #expect(try house.owners().isEmpty)
    }

    // MARK: Taken away later

    @Test func `a claim that was taken away later is not made again, not even for a moment`() throws {
        let house = try restored(
            before: { try $0.announce(["0x01": "kitchen", "0x02": "bathroom", "0x03": "attic"]) },
            after: {
                for identity in ["0x01", "0x02", "0x03"] { try $0.claim(identity) }
                try $0.release("0x01")
                try $0.say(.deviceMove(home: nil, device: "0x02", to: "bob"), as: "ada")
                try $0.claim("0x03", for: ["bob"])
                try $0.release("0x03", as: "bob")
                try $0.claim("0x03")
            })
        #expect(try house.owners() == ["0x02": ["bob"], "0x03": ["ada"]])
        #expect(try house.claims("ada") == 1)
        #expect(try house.claims("bob") == 1)
    }

    @Test func `what was given away and let go by the heir is nobody's`() throws {
        let house = try restored(
            before: {
                try $0.announce(["0x01": "kitchen"])
                try $0.claim("0x01")
            },
            after: {
                try $0.say(.deviceMove(home: nil, device: "0x01", to: "bob"), as: "ada")
                try $0.release("0x01", as: "bob")
            })
        #expect(try house.owners().isEmpty)
        #expect(try house.claims("ada") == 1)
        #expect(try house.claims("bob") == 0)
    }

    /// In the backup something is going on about Bob, so he cannot be removed there.
    @Test func `who was removed later has nothing for a moment, also where they cannot be removed`() throws {
        for isGoingOn in [false, true] {
            let house = try restored(
                failing: isGoingOn ? 1 : 0,
                before: {
                    try $0.announce(["0x01": "kitchen"])
                    try $0.claim("zigbee2mqtt/bed button", as: "bob")
                    if isGoingOn { try $0.street.gateway.publish("homes/elm-3/zigbee2mqtt/bed button", #"{"action":"emergency"}"#) }
                },
                after: {
                    if isGoingOn { try $0.say(.alertCancel(alert: "a1", note: nil), as: "bob") }
                    try $0.say(.deviceClaimAnnounced(on: true), as: "bob")
                    try $0.say(.consentGrant(consent(to: ["anyone"], data: ["everything"])), as: "bob")
                    try $0.say(.citizenRemove(citizen: "bob"))
                })
            try house.announce(["0x01": "kitchen", "0x02": "attic"])
            let bob = PersonID("bob")
            let claims = try house.street.gateway.read { store in try store.devices().flatMap { try store.claims($0.device.id, bob) } }
            #expect(claims.count == 1 && claims.allSatisfy { $0.until < .distantFuture }, "His button was his, and is not any more.")
            #expect(try house.street.gateway.read { try $0.consents() }.allSatisfy { $0.citizen != bob })
        }
    }

    // MARK: Older journals, and what was cut off

    @Test func `lines that an older gateway wrote are done as before`() throws {
        try withJournal { journal in
            let house = try House()
            try house.announce(["0x01": "kitchen", "0x02": "bathroom", "0x03": "attic"])
            try house.claim("0x02")
            for line in [
                #"{"command":{"deviceClaim":{"device":"zigbee2mqtt/kitchen","citizens":[]}},"by":"ada"}"#,
                #"{"command":{"deviceMove":{"device":"zigbee2mqtt/kitchen","to":"bob"}},"by":"ada"}"#,
                #"{"command":{"deviceRelease":{"device":"zigbee2mqtt/bathroom"}},"by":"ada"}"#,
                #"{"command":{"deviceClaimAnnounced":{"on":true}},"by":"ada"}"#,
                #"{"made":"c1","command":{"consentRefuse":{"_0":{"to":["anyone"],"purposes":[],"data":["device:zigbee2mqtt/kitchen"],"hours":[]}}},"by":"ada"}"#,
            ] { try journal.append(Array(line.utf8), at: house.street.gateway.now) }
            let (done, failed) = try house.street.gateway.engine.repeatActs(of: journal, since: .distantPast)
            #expect(done == 5 && failed == 0)
            #expect(try house.owners() == ["0x01": ["bob"], "0x03": ["ada"]])
            #expect(try house.say(.consentList(citizen: nil, all: false), as: "ada").items.count == 1)
        }
    }

    /// Whatever was done, a restore makes everything whose it was, wherever it was cut off and done anew.
    @Test func `random acts, cut off anywhere, leave every device whose it was`() throws {
        let seed = UInt64.random(in: 0 ..< .max)
        var random = SplitMix(seed)
        for _ in 0..<12 { try randomRestore(&random, "seed \(seed)") }
    }

    private func randomRestore(_ random: inout SplitMix, _ seed: String) throws {
        try withJournal { journal in
            let (house, backup) = (try House(), try House())
            let names = ["kitchen", "bathroom", "attic", "cellar"]
            var called = ["0x01": "kitchen", "0x02": "bathroom"]
            let count = 30
            let copyAfter = Int(random.next(UInt64(count)))
            var since = Instant.distantPast
            var script: [String] = []
            for n in 0..<count {
                if n == copyAfter {
                    try house.street.gateway.advance(.seconds(2))
                    try backup.street.gateway.advance(.seconds(2))
                    since = house.street.gateway.now
                    house.street.gateway.engine.journal = journal
                    script.append("copy")
                }
                let identity = "0x0\(random.next(4) + 1)"
                let person = random.next(2) == 0 ? "ada" : "bob"
                let other = person == "ada" ? "bob" : "ada"
                let command: Command?
                switch random.next(9) {
                case 0, 1:
                    // A thing comes, or is renamed; two may change names.
                    let name = names[Int(random.next(4))]
                    if let holder = called.first(where: { $0.value == name })?.key { called[holder] = called[identity] }
                    called[identity] = name
                    command = nil
                case 2: command = .deviceClaim(home: nil, device: identity, citizens: [], expected: nil)
                case 3: command = .deviceClaim(home: nil, device: identity, citizens: [other], expected: nil)
                case 4, 5: command = .deviceRelease(home: nil, device: called[identity].map { "zigbee2mqtt/\($0)" } ?? identity)
                case 6: command = .deviceMove(home: nil, device: identity, to: other)
                case 7: command = .deviceRetire(home: nil, device: identity)
                default: command = .deviceClaimAnnounced(on: random.next(2) == 0)
                }
                script.append(command.map { "\(person) \($0)" } ?? "\(called)")
                for each in n < copyAfter ? [house, backup] : [house] {
                    // Some of it is refused: then nothing was done.
                    if let command { try each.street.gateway.say(command, as: person) } else { try each.announce(called) }
                    try each.street.gateway.advance(.milliseconds(1_500))
                }
            }
            try backup.street.gateway.advance(.minutes(2))
            let acts = try journal.acts(since: since).acts
            for _ in 0..<2 {
                let cut = Int(random.next(UInt64(acts.count + 1)))
                try withJournal { part in
                    for act in acts.prefix(cut) { try part.append(act.body, at: act.at) }
                    _ = try backup.street.gateway.engine.repeatActs(of: part, since: since)
                }
            }
            let (_, failed) = try backup.street.gateway.engine.repeatActs(of: journal, since: since)
            #expect(failed == 0, "\(seed): \(script)")
            #expect(try backup.owners() == house.owners(), "\(seed): \(script)")
            // So it is once everything has announced itself again, and what comes new is whose it would have been.
            called["0x05"] = "shed"
            for each in [house, backup] { try each.announce(called) }
            #expect(try backup.owners() == house.owners(), "\(seed): \(script)")
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
private struct SplitMix {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next(_ limit: UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return (z ^ (z >> 31)) % limit
    }
}
