import Care
import Foundation
import Testing

@testable import Gateway

@Suite struct RuleBookTests {
    /// A rule with everything, its first line at line 2 and its keys at column 5 of the file.
    private func rule(_ watch: String, _ changes: [String: String?] = [:]) -> String {
        var keys = [
            ("category", "safety"), ("purpose", "emergency-response"), ("severity", "Severe"), ("urgency", "Immediate"),
            ("certainty", "Observed"), ("kind", "fall"), ("say", "Someone has fallen."),
        ]
        for (key, value) in changes.sorted(by: { $0.key < $1.key }) {
            keys.removeAll { $0.0 == key }
            if let value { keys.append((key, value)) }
        }
        return "rules:\n  r1:\n    \(watch)\n" + keys.map { "    \($0.0): \($0.1)\n" }.joined()
    }

    private func mistakes(_ yaml: String) -> [String] { problems { _ = try RuleBook.parse(yaml: yaml, file: "rules.yaml") } }
    private func only(_ yaml: String) throws -> Rule { try #require(try RuleBook.parse(yaml: yaml, file: "r").rules.first) }

    @Test func theShippedRulesParse() throws {
        let book = try RuleBook.load(file: "\(repository)/config/rules.yaml")
        #expect(
            book.rules.map(\.id.name) == [
                "sos", "fall", "smoke", "carbon-monoxide", "gas", "water", "no-movement", "not-up", "cold-room", "hot-room",
                "low-oxygen", "heart-rate", "silent-device", "door-open",
            ])
        #expect(book.plans.map(\.name) == ["standard", "unhurried"])
        // What the file says of the standard plan is what a gateway without a file would do.
        #expect(book.plan(named: "standard") == Plan.standard)
        let sos = try #require(book.rule("sos"))
        #expect(sos.severity == .extreme && sos.urgency == .immediate && sos.certainty == .observed && !sos.endsWhenOver)
        let absence = try #require(book.rule("no-movement"))
        let active = Quantity.all.filter { $0.row.showsActivity }
        #expect(absence.watch == .absence(quantities: active, lasting: .hours(12)) && absence.endsWhenOver)
        let five = try #require(MinuteOfDay(300))
        let eleven = try #require(MinuteOfDay(660))
        #expect(book.rule("not-up")?.watch == .absenceByTime(quantities: active, from: five, by: eleven))
        #expect(book.rule("silent-device")?.watch == .silence(times: 2))
    }

    @Test func eachKindIsRead() throws {
        let event = try only(rule("event: fall", ["severity": "sEVERE", "homes": "[elm-3, elm-4]"]))
        #expect(event.watch == .event(quantities: [try #require(Quantity("fall"))]) && !event.endsWhenOver)
        #expect(event.severity == .severe && event.homes == ["elm-3", "elm-4"] && event.plan == "standard")
        let threshold = try only(rule("threshold: temperature", ["below": "12", "above": "32.5", "return_by": "1", "for": "2h"]))
        #expect(
            threshold.watch
                == .threshold(quantity: try #require(Quantity("temperature")), above: 32.5, below: 12, returnBy: 1, lasting: .hours(2)))
        #expect(threshold.endsWhenOver)
        let plain = try only(rule("threshold: smoke", ["above": "0.5", "ends_when_over": "false"]))
        #expect(!plain.endsWhenOver)
        let absence = try only(rule("absence: [motion, check_in]", ["for": "90m"]))
        #expect(
            absence.watch
                == .absence(quantities: [try #require(Quantity("motion")), try #require(Quantity("check_in"))], lasting: .minutes(90)))
        // Unquoted, YAML 1.1 would make 660 of the time of day.
        let byTime = try only(rule("absence: activity", ["from": "05:00", "by": "11:00"]))
        guard case .absenceByTime(_, let from, let by) = byTime.watch else { return #expect(Bool(false)) }
        #expect(from.clock == "05:00" && by.clock == "11:00")
        #expect(try only(rule("silence: 2.5")).watch == .silence(times: 2.5))
    }

    @Test func aPlanThatIsGoneIsTheStandardOne() throws {
        let yaml =
            rule("event: fall", ["plan": "slow"])
            + "plans:\n  slow:\n    steps: [{who: coordinators, wait: 1h}]\n    arrive_within: 1h\n"
        let book = try RuleBook.parse(yaml: yaml, file: "r")
        let slow = Plan(
            name: "slow", steps: [Step(who: .coordinators, onDutyOnly: false, atOnce: 2, wait: .hours(1))],
            arriveWithin: .hours(1), resolveWithin: Plan.standard.resolveWithin)
        #expect(book.plans == [slow, .standard])
        #expect(book.plan(named: "slow") == slow && book.plan(named: "gone") == .standard)
    }

    @Test(arguments: [
        ("event: fal", [:], "3:12 “fal” is not a quantity; did you mean “fall”?"),
        ("event: [fall, motion]", [:], "3:19 “motion” is of the category family and the rule of safety; consent is given by category, so they must be the same."),
        ("event: [fall, fall]", [:], "3:19 “fall” is there twice; keep one."),
        ("event: temperature", [:], "3:12 “temperature” is a number; watch it with “threshold”."),
        ("event: fall", ["severity": "Severest"], "10:15 “Severest” is not a severity of CAP 1.2; did you mean “Severe”?"),
        ("event: fall", ["urgency": "Unknow"], "10:14 “Unknow” is not an urgency of CAP 1.2; did you mean “Unknown”?"),
        ("event: fall", ["certainty": "Sure"], "10:16 “Sure” is not a certainty of CAP 1.2; use one of: Observed, Likely, Possible, Unlikely, Unknown."),
        ("event: fall", ["purpose": "fun"], "10:14 “fun” is not a purpose; use one of: emergency-response, daily-support, family-contact, service-planning, research."),
        ("event: fall", ["kind": nil], "2:3 This rule needs “kind”."),
        ("event: fall", ["say": "Fallen"], "10:10 “say” is read out to people: write a full sentence that ends with a full stop."),
        ("event: fall", ["ends_when_over": "yes"], "11:21 “yes” is not a yes or no here; write true or false."),
        ("event: fall", ["endsWhenOver": "true"], "11:5 “endsWhenOver” is not a key of rule “r1”; did you mean “ends_when_over”?"),
        ("event: fall", ["plan": "standart"], "11:11 “standart” is not a plan in this file; did you mean “standard”?"),
        ("event: fall", ["homes": "[Elm]"], "11:13 “Elm” cannot be a home's name; use 1 to 40 of a-z, 0-9 and -, not beginning with -."),
        ("event: fall", ["for": "2m"], "11:10 “for” has no meaning in a rule of the kind “event”; take it out."),
        ("event: fall", ["silence": "2"], "2:3 A rule says once what it watches for: one of event, threshold, absence, silence."),
        ("kind: fall", ["kind": nil], "2:3 A rule says once what it watches for: one of event, threshold, absence, silence."),
        ("threshold: temperature", [:], "2:3 A threshold needs “above” or “below” or both."),
        ("threshold: temperature", ["above": "hot"], "11:12 “hot” is not a limit in Cel: a number from -1000000 to 1000000."),
        ("threshold: temperature", ["above": "nan"], "11:12 “nan” is not a limit in Cel: a number from -1000000 to 1000000."),
        ("threshold: temperature", ["above": "10", "below": "20"], "12:12 “below” must be less than “above”, or every value is beyond one of them."),
        ("threshold: temperature", ["above": "20", "below": "10", "return_by": "6"], "13:16 “return_by” must be at most half of the band, 5, or it is never over."),
        ("threshold: temperature", ["above": "20", "for": "2"], "12:10 “2” is not a length of time; write a number with its unit, such as 90s, 2m or 12h."),
        ("threshold: sos", ["above": "0.5"], "3:16 “sos” has no value; watch it with “event”."),
        ("threshold: [gas, smoke]", ["above": "0.5"], "3:16 A threshold watches one quantity; write a rule for each."),
        ("absence: activity", [:], "2:3 An absence needs either “for” or both “from” and “by”."),
        ("absence: activity", ["by": "11:00"], "2:3 An absence needs either “for” or both “from” and “by”."),
        ("absence: activity", ["by": "11", "from": "05:00"], "11:9 “11” is not a time of day from 00:00 to 23:59; write it like 07:30."),
        ("absence: activity", ["for": "0s"], "11:10 “0s” is not from 1 second to 365 days."),
        ("absence: steps", ["for": "12h"], "3:14 “steps” is a number and shows no activity; name booleans or events."),
        ("silence: 0.5", [:], "3:14 “0.5” is not how many expected intervals a device may be silent: a number from 1 to 100."),
    ] as [(String, [String: String?], String)])
    func aMistakeIsToldWithItsPlace(watch: String, changes: [String: String?], expected: String) {
        #expect(mistakes(rule(watch, changes)) == [expected])
    }

    @Test(arguments: [
        ("steps: []", "A plan has 1 to 10 steps; this one has 0."),
        ("arrive_within: 1h", "Plan “p” needs “steps”: who is asked, in which order."),
        ("steps: [{who: own-circle, wait: 1m}]", "The last step must be “who: coordinators”: they are asked until somebody answers."),
        ("steps: [{who: coordinator, wait: 1m}]", "“coordinator” is not a group to ask; did you mean “coordinators”?"),
        ("steps: [{who: coordinators}]", "A step needs “who” and “wait”: whom to ask, and for how long to wait for an answer."),
        ("steps: [{who: coordinators, wait: 0s}]", "“0s” is not from 1 second to 24 hours."),
        ("steps: [{who: coordinators, wait: 1m, at_once: 0}]", "“0” is not a whole number from 1 to 50 (people)."),
        ("steps: [{who: coordinators, wait: 1m, atOnce: 1}]", "“atOnce” is not a key of step; did you mean “at_once”?"),
    ])
    func aMistakeInAPlanIsTold(line: String, expected: String) {
        let found = mistakes(rule("event: fall") + "plans:\n  p:\n    \(line)\n")
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix(expected) == true, "\(found)")
    }

    @Test func allMistakesAtOnceInOrder() {
        let yaml = rule("event: fal", ["say": "no", "purpose": "fun"]) + "  Bad Name: {}\n  r2: nothing\nplan: {}\n"
        #expect(mistakes(yaml).map { $0.prefix { $0 != " " } } == ["3:12", "9:14", "10:10", "11:3", "12:7", "13:1"])
    }

    @Test func noRulesAreAMistake() {
        for yaml in ["", "rules:\n", "plans: {}\n", "[]", "rules: 7"] { #expect(mistakes(yaml).count == 1, "\(yaml)") }
        #expect(problems { _ = try RuleBook.load(file: "/nowhere/rules.yaml") } == ["0:0 This file cannot be opened; check the path and who may read it."])
        #expect(!problems { _ = try RuleBook.load(file: "/tmp") }.isEmpty)
    }
}
