import Care
import Testing

/// Each machine, told as what came in and, indented, what went out.
@Suite struct DetectorTranscriptTests {
    @Test func eventsAndEdges() throws {
        let rules = [
            detectorRule("sos", .event(quantities: [theQuantity("sos")])),
            detectorRule("door-open", .event(quantities: [theQuantity("door")]), homes: ["elm-3"]),
        ]
        let expected = """
            08:00 home oak-1
            08:00 device 9
            08:00 series 20 door of 9
            08:00 home elm-3
            08:00 device 4
            08:00 series 16 sos of 4
            08:00 series 17 door of 4
            08:01 20 = true
            08:02 16 = true
              seen sos in elm-3 at 08:02, series 16, device 4, true
            08:03 16 = true
              seen sos in elm-3 at 08:03, series 16, device 4, true
            08:04 17 = false
            08:05 17 = true
              seen door-open in elm-3 at 08:05, series 17, device 4, true
              phase door-open/series/17 active 08:05
            08:06 17 = true
            08:07 17 = false at 08:05:30
            08:08 17 = false
              over door-open in elm-3 at 08:08, series 17, device 4, false
              phase door-open/series/17 idle
            08:09 17 = true at 08:05:45
              seen door-open in elm-3 at 08:05:45, series 17, device 4, true
              phase door-open/series/17 active 08:05:45
            08:10 17 = false at 08:05:50
              over door-open in elm-3 at 08:05:50, series 17, device 4, false
              phase door-open/series/17 idle
            08:11 17 = true at 09:00
              seen door-open in elm-3 at 08:11, series 17, device 4, true
              phase door-open/series/17 active 08:11
            08:12 restart
            08:13 17 = true
            08:14 17 = false
              over door-open in elm-3 at 08:14, series 17, device 4, false
              phase door-open/series/17 idle
            08:15 17 = true
              seen door-open in elm-3 at 08:15, series 17, device 4, true
              phase door-open/series/17 active 08:15
            08:16 release 4
              phase door-open/series/17 idle
            08:17 17 = true
            """
        #expect(try playTranscript(expected, rules: rules) == expected)
    }

    @Test func thresholds() throws {
        let rules = [
            detectorRule(
                "too-hot",
                .threshold(
                    quantity: theQuantity("temperature"), above: 38, below: nil, returnBy: 0.5, lasting: .minutes(10)))
        ]
        let expected = """
            08:00 home elm-3
            08:00 device 4
            08:00 series 17 temperature of 4
            08:01 17 = 38
            08:02 17 = 38.1
              deadline too-hot/series/17 08:12
              phase too-hot/series/17 pending 08:02
            08:04 17 = 37.9
              deadline too-hot/series/17 none
              phase too-hot/series/17 idle
            08:05 17 = 38.1
              deadline too-hot/series/17 08:15
              phase too-hot/series/17 pending 08:05
            08:06 17 = 39 at 08:04:30
            08:07 17 = 20 at 08:04:30
            08:08 restart
            08:10 17 = 40
            08:20 wait
              08:15 due too-hot/series/17
              seen too-hot in elm-3 at 08:15, series 17, device 4, 40.0
              deadline too-hot/series/17 none
              phase too-hot/series/17 active 08:15
            08:21 17 = 37.6
            08:22 17 = 20 at 08:20
            08:23 restart
            08:24 17 = 37.5
              over too-hot in elm-3 at 08:24, series 17, device 4, 37.5
              phase too-hot/series/17 idle
            08:30 17 = 39
              deadline too-hot/series/17 08:40
              phase too-hot/series/17 pending 08:30
            08:31 17 = nan
            08:35 release 4
              deadline too-hot/series/17 none
              phase too-hot/series/17 idle
            09:00 wait
            """
        #expect(try playTranscript(expected, rules: rules) == expected)
    }

    @Test func thresholdAtOnceAndInABand() throws {
        let rules = [
            detectorRule(
                "at-once",
                .threshold(quantity: theQuantity("heart_rate"), above: nil, below: 40, returnBy: 5, lasting: .zero)),
            detectorRule(
                "band",
                .threshold(quantity: theQuantity("temperature"), above: 20, below: 18, returnBy: 9, lasting: .zero)),
        ]
        let expected = """
            08:00 home elm-3
            08:00 device 4
            08:00 series 17 heart_rate of 4
            08:00 series 18 temperature of 4
            08:01 17 = 39
              seen at-once in elm-3 at 08:01, series 17, device 4, 39.0
              phase at-once/series/17 active 08:01
            08:02 17 = 30
            08:03 17 = 44
            08:04 17 = 45
              over at-once in elm-3 at 08:04, series 17, device 4, 45.0
              phase at-once/series/17 idle
            08:05 18 = 21
              seen band in elm-3 at 08:05, series 18, device 4, 21.0
              phase band/series/18 active 08:05
            08:06 18 = 17
            08:07 18 = 18.9
            08:08 18 = 19
              over band in elm-3 at 08:08, series 18, device 4, 19.0
              phase band/series/18 idle
            """
        #expect(try playTranscript(expected, rules: rules) == expected)
    }

    @Test func silence() throws {
        let rules = [detectorRule("silent", .silence(times: 3))]
        let expected = """
            08:00 home elm-3
            08:00 device 3
            08:00 device 4 every 10m
              deadline silent/device/4 08:30
            08:00 device 5 every 1h
              deadline silent/device/5 11:00
            08:20 heard 4
            08:31 heard 3
              08:30 due silent/device/4
              deadline silent/device/4 08:50
            08:40 wait
            08:51 restart
              08:50 due silent/device/4
              seen silent in elm-3 at 08:50, device 4, last seen 08:20
              deadline silent/device/4 none
              phase silent/device/4 active 08:50
            09:30 heard 4
              over silent in elm-3 at 09:30, device 4, last seen 09:30
              deadline silent/device/4 10:00
              phase silent/device/4 idle
            10:10 restart
              10:00 due silent/device/4
              seen silent in elm-3 at 10:00, device 4, last seen 09:30
              deadline silent/device/4 none
              phase silent/device/4 active 10:00
            11:30 wait
              11:00 due silent/device/5
              seen silent in elm-3 at 11:00, device 5
              deadline silent/device/5 none
              phase silent/device/5 active 11:00
            11:31 heard 5
              over silent in elm-3 at 11:31, device 5, last seen 11:31
              deadline silent/device/5 14:31
              phase silent/device/5 idle
            12:00 device 5 every 2h
              deadline silent/device/5 18:00
            12:30 release 4
              phase silent/device/4 idle
            12:31 heard 4
            12:32 leave elm-3
              deadline silent/device/5 none
            +1 00:00 wait
            """
        #expect(try playTranscript(expected, rules: rules) == expected)
    }
}
