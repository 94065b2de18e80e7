import Care
import CareTesting
import Foundation
@testable import Gateway
import GRDB
import Store
import Testing

/// How long readings are kept, as their citizens decide: shown, done in steps, gone from the files, and never undone by accident.
@Suite struct RetentionScenarioTests {
    private func street(_ settings: GatewayConfiguration = GatewayConfiguration()) throws -> Street {
        let street = try Street(rules: Street.rules.replacing("for: 12h", with: "for: 8000h"), settings: settings)
        for device in ["vitals/heart-rate", "zigbee2mqtt/hall motion"] {
            try street.gateway.say(.deviceClaim(home: nil, device: device, citizens: [], expected: nil), as: "ada")
        }
        return street
    }

    private func keep(_ category: String, _ length: String?, _ then: String? = nil, isCheck: Bool = false) -> Command {
        .dataKeep(KeepDraft(categories: [category], length: length, then: then, isCheck: isCheck))
    }

    private func number(_ street: Street, _ sql: String) throws -> Int {
        let queue = try DatabaseQueue(path: street.gateway.folder + "/caring.sqlite")
        defer { try? queue.close() }
        return try queue.read { try Int.fetchOne($0, sql: sql) ?? -1 }
    }

    private func series(_ street: Street, _ quantity: String) throws -> Series {
        try #require(try street.gateway.read { try $0.series() }.first { $0.quantity.name == quantity })
    }

    /// A pulse every six hours and movement with it.
    private func live(_ street: Street, days: Int) throws {
        for n in 0..<days * 4 {
            try street.gateway.publish("homes/elm-3/vitals/heart-rate", "\(60 + n % 40)")
            try street.gateway.publish("homes/elm-3/zigbee2mqtt/hall motion", #"{"occupancy":\#(n % 3 != 0)}"#)
            try street.gateway.advance(.hours(6))
        }
    }

    private func sweep(_ street: Street) throws {
        for _ in 0..<6 {
            while try street.gateway.engine.sweep() {}
            try street.gateway.advance(.minutes(61))
        }
    }

    // MARK: Against a naive computation

    private struct Random {
        var state: UInt64
        mutating func next(_ limit: UInt64) -> UInt64 {
            // SplitMix64 (Steele, Lea and Flood, 2014).
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return (z ^ (z >> 31)) % limit
        }
    }

    private struct Plain: Equatable {
        var count: Int64 = 0
        var sum = 0.0
        var least = Double.infinity
        var most = -Double.infinity
        var first: Double?
        var last = 0.0
        var lasted: Int64 = 0
        var times: Int64 = 0
    }

    /// Over all readings that there ever were, day by day, with the system's own calendar.
    private func naive(_ readings: [(at: Int64, value: Double)], isState: Bool) -> [String: Plain] {
        var calendar = Foundation.Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: "Europe/London") ?? .gmt
        func date(_ at: Int64) -> Date { Date(timeIntervalSince1970: Double(at) / 1_000) }
        func day(_ at: Int64) -> String {
            let parts = calendar.dateComponents([.year, .month, .day], from: date(at))
            return "\(parts.year ?? 0)-\(parts.month ?? 0)-\(parts.day ?? 0)"
        }
        var days: [String: Plain] = [:]
        for (i, reading) in readings.enumerated() {
            var one = days[day(reading.at)] ?? Plain()
            one.count += 1
            one.sum += reading.value
            one.least = min(one.least, reading.value)
            one.most = max(one.most, reading.value)
            one.first = one.first ?? reading.value
            one.last = reading.value
            if isState, reading.value != 0, i == 0 || readings[i - 1].value == 0 { one.times += 1 }
            days[day(reading.at)] = one
            guard isState, reading.value != 0 else { continue }
            let end = min(reading.at + 14 * 3_600_000, i + 1 < readings.count ? readings[i + 1].at : .max)
            // Minute by minute would be as good, but takes long: to the next midnight, and on.
            var from = reading.at
            while from < end {
                let midnight = calendar.startOfDay(for: calendar.date(byAdding: .hour, value: 30, to: calendar.startOfDay(for: date(from))) ?? date(end))
                let until = min(end, Int64((midnight.timeIntervalSince1970 * 1_000).rounded()))
                days[day(from), default: Plain()].lasted += until - from
                from = until
            }
        }
        return days
    }

    private func made(_ street: Street, _ one: Series) throws -> [String: Plain] {
        var days: [String: Plain] = [:]
        for figure in try street.gateway.read({ try $0.figures(one.id.number, from: .distantPast, until: .distantFuture) }) {
            let civil = figure.day.civil
            let key = "\(civil.year)-\(civil.month)-\(civil.day)"
            #expect(days[key] == nil, "Ada alone had it: one part a day.")
            var plain = Plain()
            (plain.lasted, plain.times) = (figure.lasted.milliseconds, figure.times)
            if figure.count > 0 { (plain.count, plain.sum, plain.least, plain.most, plain.first, plain.last) = (figure.count, figure.sum, figure.least, figure.most, figure.first, figure.last) }
            days[key] = plain
        }
        return days
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a year of a home becomes the figures that all readings at once would give`(seed: UInt64) throws {
        print("RetentionScenarioTests seed \(seed)")
        var random = Random(state: seed)
        let street = try street()
        let gateway = street.gateway
        try gateway.publish("homes/elm-3/vitals/heart-rate", "70")
        try gateway.publish("homes/elm-3/zigbee2mqtt/hall motion", #"{"occupancy":true}"#)
        var told: [String: [(at: Int64, value: Double)]] = ["heart_rate": [], "occupancy": []]
        let names = try gateway.read { try $0.series() }.map(\.quantity.name)
        let state = try #require(names.first { $0 == "occupancy" || $0 == "motion" })
        let (pulse, movement) = (try series(street, "heart_rate"), try series(street, state))
        for (name, one) in [("heart_rate", pulse), ("occupancy", movement)] {
            told[name] = try gateway.read { try $0.lastReadings([one]) }.map { ($0.at.milliseconds, $0.value.asNumber) }
        }
        let days = 8 + Int(random.next(60))
        for category in Category.allCases { #expect(try gateway.say(keep(category.rawValue, "\(days)d", "daily"), as: "ada").outcome == .done) }
        let end = gateway.now + .days(370)
        var n = 0
        while gateway.now < end {
            // Into the table itself, where the broker's messages would take minutes.
            let store = gateway.engine.store
            let from = gateway.now
            try store.turn { tx in
                var at = from
                for _ in 0..<(20 + random.next(80)) {
                    at = at + .milliseconds(Int64(1 + random.next(6 * 3_600_000)))
                    guard at < from + .days(5) else { break }
                    let value = Double(400 + random.next(600)) / 8
                    try tx.append(Reading(series: pulse.id, at: at, source: random.next(2) == 0 ? .device : .arrival, value: .number(value)))
                    told["heart_rate"]?.append((at.milliseconds, value))
                    let isTrue = random.next(3) > 0
                    try tx.append(Reading(series: movement.id, at: at, source: .arrival, value: .boolean(isTrue)))
                    told["occupancy"]?.append((at.milliseconds, isTrue ? 1 : 0))
                }
            }
            try gateway.advance(.days(5))
            n += 1
            // Some rounds are cut off by a restart after a step.
            if random.next(3) == 0 {
                _ = try gateway.engine.sweep()
                try gateway.restart()
            }
            while try gateway.engine.sweep() {}
        }
        while try gateway.engine.sweep() {}
        let zone = gateway.engine.world.zones.of("Europe/London")
        let limit = try #require(zone.local(gateway.now - .days(Int64(days)))?.day)
        for (name, one) in [("heart_rate", pulse), ("occupancy", movement)] {
            let wanted = naive(try #require(told[name]), isState: name == "occupancy")
            let figures = try made(street, one)
            var compared = 0
            for (day, plain) in figures {
                let parts = day.split(separator: "-").compactMap { Int($0) }
                let civil = try #require(Day(year: parts[0], month: parts[1], day: parts[2]))
                // The first day that is still there as readings has what lasted into it from the day before.
                guard civil < limit else { continue }
                #expect(plain == wanted[day], "\(name) \(day)")
                compared += 1
            }
            #expect(compared == wanted.keys.filter { key in
                let parts = key.split(separator: "-").compactMap { Int($0) }
                return Day(year: parts[0], month: parts[1], day: parts[2]).map { $0 < limit } ?? false
            }.count && compared > 280, "\(name): \(compared)")
            let left = told[name]?.filter { zone.local(Instant(milliseconds: $0.at)).map { $0.day >= limit } ?? false }.count
            #expect(try number(street, "SELECT count(*) FROM reading WHERE series = \(one.id.number)") == left)
        }
    }

    @Test func `random settings of two who share a device keep no more than the strictest of them`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("RetentionScenarioTests shared seed \(seed)")
        var random = Random(state: seed)
        for _ in 0..<6 {
            let street = try street()
            let gateway = street.gateway
            try gateway.say(.citizenAdd(citizen: "ben", home: "elm-3", name: "Ben Brown", uid: nil))
            try gateway.say(.deviceClaim(home: nil, device: "vitals/heart-rate", citizens: ["ada", "ben"], expected: nil), as: "ada")
            let settings = (0..<2).map { _ in KeepSetting(days: 7 + Int(random.next(50)), then: random.next(2) == 0 ? .erase : .daily) }
            for (person, setting) in zip(["ada", "ben"], settings) {
                #expect(try gateway.say(keep("health", "\(setting.days)d", setting.then.rawValue), as: person).outcome == .done)
            }
            try live(street, days: 70)
            try sweep(street)
            let shortest = settings.map(\.days).min() ?? 0
            let pulse = try series(street, "heart_rate")
            let oldest = try #require(try gateway.read { try $0.oldestReading(pulse.id.number) })
            // Whole days become figures, so up to a day longer.
            let age = (gateway.now - oldest).milliseconds / 3_600_000
            #expect(age <= Int64(shortest + 1) * 24 + 6 && age >= Int64(shortest - 1) * 24, "seed \(seed): \(settings)")
            let erased = settings.filter { $0.then == .erase }.map(\.days).min()
            if let figure = try gateway.read({ try $0.oldestFigure(pulse.id.number) }) {
                #expect(erased.map { gateway.now - figure <= .days(Int64($0 + 1)) } ?? (gateway.now - figure > .days(60)), "seed \(seed): \(settings)")
            } else {
                #expect(erased == shortest || erased.map { $0 <= shortest + 1 } ?? false, "seed \(seed): \(settings)")
            }
            let said = try gateway.say(.dataKeeping(citizen: nil, history: false), as: "ada").say.joined(separator: "\n")
            #expect(said.contains("the shortest time that one of you wants") == (settings[1].days < settings[0].days), "seed \(seed): \(said)")
        }
    }

    // MARK: Deciding

    @Test func `what would go is said before, bounds hold, and everything is a record`() throws {
        let street = try street()
        let gateway = street.gateway
        try live(street, days: 40)
        let check = try gateway.say(keep("health", "20d", "erase", isCheck: true), as: "ada")
        #expect(check.items.first?["goes"] == .int(80), "\(check)")
        #expect(check.say.contains { $0.contains("80 readings from before") } && check.say.contains { $0.contains("cannot be undone") })
        #expect(try number(street, "SELECT count(*) FROM keeping") == 0)
        for (length, then) in [("6d", nil), ("1097d", nil), ("36h", nil), ("20d", "burn"), (nil, nil)] as [(String?, String?)] {
            #expect(try gateway.say(keep("health", length, then), as: "ada").outcome == .failed, "\(length ?? "") \(then ?? "")")
        }
        #expect(try gateway.say(keep("hearing", "20d"), as: "ada").outcome == .failed)
        #expect(try gateway.say(keep("health", "20d"), as: "maria").outcome == .failed)
        #expect(try gateway.say(keep("health", "20d", "daily"), as: "ada").items.first?["longer"] == .bool(false))
        #expect(try gateway.say(keep("health", "30d"), as: "ada").items.first?["then"] == .string("daily"))
        try gateway.say(.dataKeep(KeepDraft(categories: ["health"], isDefault: true)), as: "ada")
        #expect(try gateway.say(.dataKeeping(citizen: nil, history: true), as: "ada").say.count == 3)
        try gateway.say(keep("health", "21d", "daily"), as: "ada")
        try gateway.restart()
        let health = try #require(try gateway.say(.dataKeeping(citizen: nil, history: false), as: "ada").items.first)
        #expect(health["days"] == .int(21) && health["then"] == .string("daily") && health["decidedBy"] == .string("citizen") && health["usualDays"] == .int(90))
        // Each is an entry of her chain, and the chain fits the rows.
        #expect(try number(street, "SELECT count(*) FROM chain WHERE kind = 'keeping' AND body NOT LIKE '%ada%'") == 4)
        let audited = try gateway.say(.audit(.chains(citizen: nil, after: 0)), as: "ada")
        #expect(audited.outcome == .done)
        let pseudonym = try #require(try gateway.read { try $0.pseudonym("ada") })
        #expect(try gateway.read { try $0.chain(pseudonym, after: 0, limit: 1_000) }.allSatisfy { $0.finding == nil })
        #expect(try gateway.read { try $0.unrecorded("ada", pseudonym, after: 0, limit: 1_000) }.findings.isEmpty)
        // Changed by another hand, it is found.
        let other = try DatabaseQueue(path: gateway.folder + "/caring.sqlite")
        try other.write { try $0.execute(sql: "UPDATE keeping SET days = 500 WHERE id = 4") }
        try other.close()
        #expect(try gateway.read { try $0.chain(pseudonym, after: 0, limit: 1_000) }.contains { $0.finding != nil })
    }

    @Test func `a late reading is taken in once, however often it is told`() throws {
        let street = try street()
        let gateway = street.gateway
        try gateway.say(.deviceClaim(home: nil, device: "health/cuff", citizens: [], expected: nil), as: "ada")
        func tell(_ value: Int, _ at: Instant) throws {
            try gateway.publish(
                "homes/elm-3/health/cuff",
                #"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"effectiveDateTime":"\#(at.iso)","valueQuantity":{"value":\#(value),"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"}}"#)
        }
        try gateway.say(keep("health", "7d", "daily"), as: "ada")
        let start = gateway.now
        for n in 0..<40 {
            try tell(60 + n, gateway.now)
            try gateway.advance(.hours(6))
        }
        try sweep(street)
        let late = start + .hours(19)
        let one = try #require(try gateway.read { try $0.series() }.first { $0.quantity.name == "heart_rate" })
        func count() throws -> Int { try number(street, "SELECT sum(count) FROM dailyFigure WHERE series = \(one.id.number) AND at < \((start + .days(2)).milliseconds)") }
        let before = try count()
        #expect(before > 4)
        try tell(200, late)
        try sweep(street)
        #expect(try count() == before + 1)
        #expect(try number(street, "SELECT count(*) FROM dailyFigure WHERE most = 200") == 1)
        for (value, at) in [(200, late), (60, start), (62, start + .hours(12))] {
            try tell(value, at)
            try sweep(street)
            #expect(try count() == before + 1, "\(value) had been told before.")
        }
        try gateway.advance(.days(100))
        try tell(201, start + .hours(21))
        try sweep(street)
        #expect(try number(street, "SELECT count(*) FROM dailyFigure WHERE most = 201") == 0, "So late nobody knows any more whether it was told before.")
    }

    @Test func `what goes by age is gone from the database's files within the hour`() throws {
        let street = try street()
        let gateway = street.gateway
        // A number that stands in no other place: its eight bytes are looked for.
        let mark = 123.456789012345
        try gateway.publish("homes/elm-3/vitals/heart-rate", "\(mark)")
        for n in 0..<300 {
            try gateway.publish("homes/elm-3/vitals/heart-rate", "\(60 + n % 50)")
            try gateway.advance(.minutes(10))
        }
        let bytes = withUnsafeBytes(of: mark.bitPattern.bigEndian) { Data($0) }
        func holding() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: gateway.folder).filter { FileManager.default.contents(atPath: "\(gateway.folder)/\($0)")?.range(of: bytes) != nil }
        }
        #expect(try !holding().isEmpty)
        try gateway.advance(.days(91))
        while try gateway.engine.sweep() {}
        try gateway.advance(.seconds(1))
        while try gateway.engine.sweep() {}
        #expect(try holding() == [])
    }

    @Test func `a choice of less leads to new copies, and then nothing of it is left`() throws {
        let street = try street()
        let gateway = street.gateway
        try live(street, days: 30)
        try gateway.say(keep("health", "10d", "erase"), as: "ada")
        #expect(try gateway.say(.status, as: "ada").outcome == .done)
        while try gateway.engine.sweep() {}
        #expect(try gateway.say(.status, as: "ada").say.contains { $0.contains("no longer want to keep") })
        for _ in 0..<4 {
            try gateway.advance(.seconds(11))
            while try gateway.engine.sweep() {}
        }
        #expect(gateway.engine.copiesHoldErasedSince != nil)
        #expect(try number(street, "SELECT count(*) FROM reading WHERE series = \(series(street, "heart_rate").id.number)") <= 41)
        #expect(try number(street, "SELECT count(*) FROM chain WHERE kind = 'erased'") == 0)
    }

    // MARK: Restore

    @Test func `after a restore the shorter time holds again before anybody is served`() throws {
        let (street, other) = (try street(), try street())
        let journal = try ActJournal(folder: street.gateway.folder)
        street.gateway.engine.journal = journal
        for one in [street, other] { try live(one, days: 40) }
        let since = street.gateway.now
        try street.gateway.say(keep("health", "60d", "daily"), as: "ada")
        try street.gateway.say(keep("health", "12d", "erase"), as: "ada")
        try other.gateway.advance(.minutes(1))
        let before = try number(other, "SELECT count(*) FROM reading")
        let (done, failed) = try other.gateway.engine.repeatActs(of: journal, since: since)
        #expect(done == 2 && failed == 0)
        // Not one step of the rounds that come later was needed.
        #expect(try number(other, "SELECT count(*) FROM reading") <= before - 100)
        let health = try #require(try other.gateway.say(.dataKeeping(citizen: nil, history: false), as: "ada").items.first)
        #expect(health["days"] == .int(12) && health["then"] == .string("erase"))
        #expect(try other.gateway.say(.readingList(citizen: nil, home: nil, quantity: "heart_rate", since: "40d", limit: 1_000, purpose: nil), as: "ada").items.count <= 49)
    }

    @Test func `what went by one choice stays gone after a restore, although more is kept since`() throws {
        let (street, other) = (try street(), try street())
        let journal = try ActJournal(folder: street.gateway.folder)
        street.gateway.engine.journal = journal
        for one in [street, other] { try live(one, days: 40) }
        let since = street.gateway.now
        try street.gateway.say(keep("health", "12d", "erase"), as: "ada")
        try street.gateway.say(.dataKeep(KeepDraft(categories: ["health"], length: nil, then: nil, isDefault: true)), as: "ada")
        try other.gateway.advance(.minutes(1))
        let (done, failed) = try other.gateway.engine.repeatActs(of: journal, since: since)
        #expect(done == 2 && failed == 0)
        #expect(try other.gateway.say(.dataKeeping(citizen: nil, history: false), as: "ada").items.first?["days"] == .int(90))
        #expect(try other.gateway.say(.readingList(citizen: nil, home: nil, quantity: "heart_rate", since: "40d", limit: 1_000, purpose: nil), as: "ada").items.count <= 49)
    }

    @Test func `also with bounds that have become narrower since`() throws {
        let (street, _) = (try street(), 0)
        let journal = try ActJournal(folder: street.gateway.folder)
        street.gateway.engine.journal = journal
        let since = street.gateway.now
        try street.gateway.say(keep("health", "12d", "erase"), as: "ada")
        var settings = GatewayConfiguration()
        settings.retention[.health] = KeepBounds(usual: KeepSetting(days: 90, then: .erase), leastDays: 30, mostDays: 400)
        let narrower = try self.street(settings)
        try narrower.gateway.advance(.minutes(1))
        let (done, failed) = try narrower.gateway.engine.repeatActs(of: journal, since: since)
        #expect(done == 1 && failed == 0)
        #expect(try narrower.gateway.say(.dataKeeping(citizen: nil, history: false), as: "ada").items.first?["days"] == .int(30))
    }

    // MARK: Elsewhere

    @Test func `insights go on from daily figures and say so`() throws {
        let street = try street()
        let gateway = street.gateway
        for category in ["health", "family", "security", "safety"] { try gateway.say(keep(category, "10d", "daily"), as: "ada") }
        try live(street, days: 20)
        let before = try gateway.say(.insights(since: "18d"), as: "ada").items.filter { $0["topic"] == .string("Heart rate") }
        try sweep(street)
        #expect(try number(street, "SELECT count(*) FROM dailyFigure") > 10)
        let reply = try gateway.say(.insights(since: "18d"), as: "ada")
        let after = reply.items.filter { $0["topic"] == .string("Heart rate") }
        #expect(after.count == 19)
        for one in after { if let same = before.first(where: { $0["day"] == one["day"] }) { #expect(one["value"] == same["value"], "\(one)") } }
        #expect(reply.say.contains { $0.hasPrefix("Daily figures only before") }, "\(reply.say)")
        #expect(try gateway.say(.insights(since: "2d"), as: "ada").say.allSatisfy { !$0.hasPrefix("Daily figures only") })
        try gateway.say(keep("health", "10d", "erase"), as: "ada")
        try sweep(street)
        #expect(try gateway.say(.insights(since: "18d"), as: "ada").say.contains { $0.hasPrefix("Nothing is kept of health from before") })
    }

    @Test func `erasing takes the figures and what was decided before`() throws {
        let street = try street()
        let gateway = street.gateway
        for category in Category.allCases { try gateway.say(keep(category.rawValue, "8d", "daily"), as: "ada") }
        try gateway.say(keep("health", "9d", "daily"), as: "ada")
        try live(street, days: 20)
        try sweep(street)
        #expect(try number(street, "SELECT count(*) FROM dailyFigure") > 10)
        try gateway.say(.dataErase(ErasureDraft(all: true)), as: "ada")
        for _ in 0..<20 {
            while try gateway.engine.sweep() {}
            try gateway.advance(.seconds(11))
        }
        #expect(try number(street, "SELECT count(*) FROM dailyFigure") == 0)
        #expect(try number(street, "SELECT count(*) FROM foldedTime") == 0)
        #expect(try number(street, "SELECT count(*) FROM keeping") == Category.allCases.count, "What is in force stays.")
        let pseudonym = try #require(try gateway.read { try $0.pseudonym("ada") })
        #expect(try gateway.read { try $0.chain(pseudonym, after: 0, limit: 1_000) }.allSatisfy { $0.finding == nil })
    }
}
