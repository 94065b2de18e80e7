import Care
import Testing

/// Both kinds of absence, told as what came in and, indented, what went out.
@Suite struct AbsenceTranscriptTests {
    @Test func absence() throws {
        let rules = [
            detectorRule(
                "no-movement",
                .absence(
                    quantities: [theQuantity("motion"), theQuantity("steps"), theQuantity("check_in")],
                    lasting: .hours(12)))
        ]
        let expected = """
            07:00 home elm-3
            07:00 device 4
            08:00 series 17 motion of 4
              deadline no-movement/home/elm-3 20:00
            09:00 series 18 steps of 4
            10:00 17 = true
            10:05 17 = false
            20:00 wait
              20:00 due no-movement/home/elm-3
              deadline no-movement/home/elm-3 22:00
            20:01 restart
            22:30 18 = 0
              22:00 due no-movement/home/elm-3
              seen no-movement in elm-3 at 22:00, last seen 10:00
              deadline no-movement/home/elm-3 none
              phase no-movement/home/elm-3 active 22:00
            22:31 17 = true at 09:00
            22:32 17 = true at 22:32
              over no-movement in elm-3 at 22:32, last seen 22:32
              deadline no-movement/home/elm-3 +1 10:32
              phase no-movement/home/elm-3 idle
            +1 00:00 17 = true
            +1 00:10 17 = false
            +1 12:00 wait
              +1 10:32 due no-movement/home/elm-3
              deadline no-movement/home/elm-3 +1 12:00
              +1 12:00 due no-movement/home/elm-3
              seen no-movement in elm-3 at +1 12:00, last seen +1 00:00
              deadline no-movement/home/elm-3 none
              phase no-movement/home/elm-3 active +1 12:00
            +1 13:00 17 = true at +1 14:00
              over no-movement in elm-3 at +1 13:00, last seen +1 13:00
              deadline no-movement/home/elm-3 +2 01:00
              phase no-movement/home/elm-3 idle
            +2 01:01 restart
              +2 01:00 due no-movement/home/elm-3
              seen no-movement in elm-3 at +2 01:00, last seen +1 13:00
              deadline no-movement/home/elm-3 none
              phase no-movement/home/elm-3 active +2 01:00
            +2 01:30 18 = 12
              over no-movement in elm-3 at +2 01:30, last seen +2 01:30
              deadline no-movement/home/elm-3 +2 13:30
              phase no-movement/home/elm-3 idle
            +2 02:00 release 4
              deadline no-movement/home/elm-3 none
              phase no-movement/home/elm-3 idle
            +3 12:00 wait
            """
        #expect(try playTranscript(expected, rules: rules) == expected)
    }

    @Test func absenceOfHandedOverActivity() throws {
        let rules = [
            detectorRule("no-movement", .absence(quantities: [theQuantity("motion")], lasting: .hours(2))),
            detectorRule(
                "not-up",
                .absenceByTime(quantities: [theQuantity("motion")], from: timeOfDay("07:00"), by: timeOfDay("10:00"))),
        ]
        let expected = """
            06:00 home elm-3
            06:00 device 4
            06:00 device 5
            06:00 series 17 motion of 4
              deadline no-movement/home/elm-3 08:00
              deadline not-up/home/elm-3 10:00
            06:00 series 18 motion of 5
            07:30 17 = true
            07:45 release 4
              deadline not-up/home/elm-3 +1 10:00
              phase no-movement/home/elm-3 pending 07:30
              phase not-up/home/elm-3 pending 10:00
            07:46 restart
            09:31 18 = true
              09:30 due no-movement/home/elm-3
              seen no-movement in elm-3 at 09:30, last seen 07:30
              deadline no-movement/home/elm-3 none
              phase no-movement/home/elm-3 active 09:30
              over no-movement in elm-3 at 09:31, last seen 09:31
              deadline no-movement/home/elm-3 11:31
              phase no-movement/home/elm-3 idle
            10:30 wait
            """
        #expect(try playTranscript(expected, rules: rules) == expected)
    }

    @Test func absenceByTime() throws {
        let rules = [
            detectorRule(
                "not-up",
                .absenceByTime(quantities: [theQuantity("motion")], from: timeOfDay("06:00"), by: timeOfDay("10:00")))
        ]
        let expected = """
            08:00 home elm-3
            08:00 device 4
            08:00 series 17 motion of 4
              deadline not-up/home/elm-3 10:00
            10:00 wait
              10:00 due not-up/home/elm-3
              deadline not-up/home/elm-3 +1 10:00
              phase not-up/home/elm-3 pending 10:00
            20:00 17 = true
            +1 10:00 wait
              +1 10:00 due not-up/home/elm-3
              seen not-up in elm-3 at +1 10:00, last seen 20:00
              deadline not-up/home/elm-3 +2 10:00
              phase not-up/home/elm-3 active +1 10:00
            +1 10:01 17 = true at +1 05:00
            +1 10:02 restart
            +1 10:03 17 = true at +1 09:59
              over not-up in elm-3 at +1 10:00, last seen +1 09:59
              phase not-up/home/elm-3 pending +1 10:00
            +2 06:00 17 = true
            +2 10:00 wait
              +2 10:00 due not-up/home/elm-3
              deadline not-up/home/elm-3 +3 10:00
              phase not-up/home/elm-3 pending +2 10:00
            +3 09:00 restart
            +3 10:00 wait
              +3 10:00 due not-up/home/elm-3
              seen not-up in elm-3 at +3 10:00, last seen +2 06:00
              deadline not-up/home/elm-3 +4 10:00
              phase not-up/home/elm-3 active +3 10:00
            +4 10:00 wait
              +4 10:00 due not-up/home/elm-3
              seen not-up in elm-3 at +4 10:00, last seen +2 06:00
              deadline not-up/home/elm-3 +5 10:00
              phase not-up/home/elm-3 active +4 10:00
            +4 11:00 17 = true
              over not-up in elm-3 at +4 11:00, last seen +4 11:00
              phase not-up/home/elm-3 pending +4 10:00
            """
        #expect(try playTranscript(expected, rules: rules) == expected)
    }

    @Test func absenceOverMidnightInLondon() throws {
        let rules = [
            detectorRule(
                "not-in-bed",
                .absenceByTime(
                    quantities: [theQuantity("bed_occupied")], from: timeOfDay("22:00"), by: timeOfDay("02:00")))
        ]
        let expected = """
            +81 20:00 home elm-3
            +81 20:00 device 4
            +81 20:00 series 17 bed_occupied of 4
              deadline not-in-bed/home/elm-3 +82 02:00
            +81 22:30 17 = true
            +82 02:00 17 = false
              +82 02:00 due not-in-bed/home/elm-3
              deadline not-in-bed/home/elm-3 +83 01:00
              phase not-in-bed/home/elm-3 pending +82 02:00
            +82 23:00 wait
            +83 02:00 wait
              +83 01:00 due not-in-bed/home/elm-3
              seen not-in-bed in elm-3 at +83 01:00, last seen +81 22:30
              deadline not-in-bed/home/elm-3 +84 01:00
              phase not-in-bed/home/elm-3 active +83 01:00
            +83 03:00 17 = true
              over not-in-bed in elm-3 at +83 03:00, last seen +83 03:00
              phase not-in-bed/home/elm-3 pending +83 01:00
            +83 22:00 wait
            """
        #expect(try playTranscript(expected, rules: rules, zone: londonFor2026) == expected)
    }

    @Test func absenceByTimeOutsideTheTable() throws {
        let rules = [
            detectorRule(
                "not-up",
                .absenceByTime(quantities: [theQuantity("motion")], from: timeOfDay("06:00"), by: timeOfDay("10:00")))
        ]
        let expected = """
            01:00 home elm-3
            01:00 device 4
            01:00 series 17 motion of 4
              deadline not-up/home/elm-3 +1 01:00
            +3 00:00 wait
              +1 01:00 due not-up/home/elm-3
              deadline not-up/home/elm-3 +2 01:00
              phase not-up/home/elm-3 pending +1 01:00
              +2 01:00 due not-up/home/elm-3
              deadline not-up/home/elm-3 +3 01:00
              phase not-up/home/elm-3 pending +2 01:00
            """
        #expect(try playTranscript(expected, rules: rules, zone: Zone(
            name: "Short", transitions: [.init(at: .distantPast, offsetSeconds: 0)],
            until: transcriptStart + .hours(9))) == expected)
    }
}
