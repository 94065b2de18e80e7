import Care
import Testing

@Suite struct InstantTests {
    @Test func `what is written is read back, to the millisecond and over nine thousand years`() throws {
        let seed = testSeed("InstantTests", usual: 7)
        var random = SeededRandom(state: seed)
        let all = Instant.distantPast.milliseconds...Instant.distantFuture.milliseconds
        let edges: [Int64] = [0, -1, 1, 999, -86_400_000, 951_782_400_000, 4_107_542_400_000, all.lowerBound, all.upperBound]
        let many = (0..<5_000).map { _ in Int64.random(in: all, using: &random) }
        for milliseconds in edges + many {
            let instant = Instant(milliseconds: milliseconds)
            #expect(Instant(iso: instant.iso) == instant, "CARING_SEED=\(seed), \(instant.iso)")
        }
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-21T03:07:05.250+01:00", 1_795_226_825_250), ("2026-11-21t03:07:05z", 1_795_230_425_000),
        ("2026-11-21 03:07:05-0130", 1_795_235_825_000), ("2026-11-21T03:07:05.2509999Z", 1_795_230_425_250),
        ("2024-02-29T23:59:59.9Z", 1_709_251_199_900), ("1969-12-31T23:59:59.999Z", -1),
        // A leap second is the first second of the next minute: Unix time has no place for it.
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
    ] as [(String, Int64)])
    func `RFC 3339 is read with fraction and offset`(text: String, milliseconds: Int64) {
        #expect(Instant(iso: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-11-21T03:07:05", "2026-11-21T03:07Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-11-21T24:00:00Z", "2026-11-21T03:60:00Z", "2026-11-21T03:07:05.Z", "2026-11-21T03:07:05+1:00", "2026-11-21T03:07:05ZZ",
        "2026-11-21T03:07:05+01:00 ", "0000-01-01T00:00:00Z", "２０２６-11-21T03:07:05Z", "2026-11-21T03:07:05.25",
    ])
    func `a time without zone, or none at all, is not guessed`(text: String) { #expect(Instant(iso: text) == nil) }

    @Test func `no sum of times traps`() {
        #expect(Instant.distantFuture + Span(milliseconds: .max) == .distantFuture)
        #expect(Instant(milliseconds: -10) + Span(milliseconds: .min) == .distantPast)
    }

    @Test(arguments: [
        ("500ms", 500), ("90s", 90_000), ("2m", 120_000), ("12h", 43_200_000), ("30d", 2_592_000_000), ("1h30m", 5_400_000),
        ("0s", 0), ("1d1d", 172_800_000), ("36525d", 3_155_760_000_000),
    ] as [(String, Int64)])
    func `a length of time has units`(text: String, milliseconds: Int64) { #expect(Span(text)?.milliseconds == milliseconds) }

    @Test(arguments: [
        "", "5", "m", "1h30", "-5m", "1.5h", "5 m", "5M", "5w", "٥m", "36526d", "99999999999999999999d", "9223372036854775807d", "1hh",
    ])
    func `anything else is no length of time`(text: String) { #expect(Span(text) == nil) }

    @Test(arguments: [
        (Span.seconds(1), "1 second"), (.seconds(89), "89 seconds"), (.seconds(90), "2 minutes"), (.minutes(89), "89 minutes"),
        (.minutes(90), "1 hour 30 minutes"), (.minutes(120), "2 hours"), (.hours(11) + .minutes(40), "12 hours"), (.hours(49), "2 days"),
        (.minutes(-5), "5 minutes"),
    ])
    func `lengths of time are said as people say them`(span: Span, words: String) { #expect(span.inWords == words) }

    @Test func `an expiry is never too early`() {
        #expect(Span.milliseconds(1).secondsRoundedUp == 1)
        #expect(Span.milliseconds(1_000).secondsRoundedUp == 1)
        #expect(Span.milliseconds(1_001).secondsRoundedUp == 2)
    }
}
