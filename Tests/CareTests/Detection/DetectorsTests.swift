import Care
import Testing

/// What no transcript shows: calls out of turn.
@Suite struct DetectorsTests {
    private let start = transcriptStart
    private let hot = detectorRule(
        "hot",
        .threshold(quantity: theQuantity("temperature"), above: 30, below: nil, returnBy: 1, lasting: .minutes(10)))

    private func one(_ rule: Rule, _ name: String, into output: inout DetectorOutput) -> Detectors {
        var detectors = Detectors(rules: [rule])
        detectors.addHome("elm-3", zone: .utc, at: start, into: &output)
        detectors.addDevice(DeviceID(4), home: "elm-3", expected: .minutes(10), claimedAt: start, into: &output)
        detectors.addSeries(SeriesID(17), device: DeviceID(4), quantity: theQuantity(name), at: start, into: &output)
        return detectors
    }

    private func reading(_ value: Double, _ minutes: Int64) -> Reading {
        Reading(series: SeriesID(17), at: start + .minutes(minutes), source: .device, value: .number(value))
    }

    @Test func aReadingAloneShowsThatItHeld() {
        var output = DetectorOutput()
        var detectors = one(hot, "temperature", into: &output)
        for (value, minutes) in [(31.0, 0), (32, 9), (33, 10)] as [(Double, Int64)] {
            #expect(output.detections.isEmpty)
            detectors.observe(reading(value, minutes), now: start + .minutes(minutes), into: &output)
        }
        #expect(output.detections.map(detectionText) == ["seen hot in elm-3 at 00:10, series 17, device 4, 33.0"])
        #expect(output.deadlines.last?.at == nil)
        #expect(detectors.deadlines().isEmpty)
    }

    /// The rule may be new, so that no phase says what the last reading does.
    @Test func whatWasTrueBeforeAStartIsNoEdge() {
        var output = DetectorOutput()
        let rule = detectorRule("open", .event(quantities: [theQuantity("door")]))
        var detectors = one(rule, "door", into: &output)
        func door(_ isOpen: Bool, _ minutes: Int64) -> Reading {
            Reading(
                series: SeriesID(17), at: start + .minutes(minutes), source: .device, value: .boolean(isOpen))
        }
        detectors.restore(lastReading: door(true, 1))
        for (isOpen, minutes) in [(true, 2), (false, 3), (true, 4)] as [(Bool, Int64)] {
            detectors.observe(door(isOpen, minutes), now: start + .minutes(minutes), into: &output)
        }
        #expect(
            output.detections.map(detectionText) == [
                "over open in elm-3 at 00:03, series 17, device 4, false",
                "seen open in elm-3 at 00:04, series 17, device 4, true",
            ])
    }

    @Test func whatNobodyAskedForDoesNothing() {
        var output = DetectorOutput()
        var detectors = one(hot, "temperature", into: &output)
        detectors.addDevice(DeviceID(5), home: "oak-1", expected: nil, claimedAt: start, into: &output)
        detectors.addSeries(
            SeriesID(18), device: DeviceID(5), quantity: theQuantity("temperature"), at: start, into: &output)
        for id in [-1, 0, 18, 9_999] as [Int32] {
            detectors.observe(
                Reading(series: SeriesID(id), at: start, source: .arrival, value: .number(99)), now: start,
                into: &output)
            detectors.heard(DeviceID(id), at: start, into: &output)
            detectors.removeDevice(DeviceID(id), into: &output)
        }
        detectors.removeHome("oak-1", into: &output)
        #expect(output.isEmpty)
        #expect(detectors.lastHeard(DeviceID(5)) == nil)
    }

    /// A row on disk whose rule has gone from the configuration must not come due for ever.
    @Test(arguments: ["gone/series/17", "hot/series/18", "hot/home/elm-3", "hot/device/4"])
    func aRowThatNobodyWantsGoes(_ text: String) throws {
        var output = DetectorOutput()
        var detectors = one(hot, "temperature", into: &output)
        let key = try #require(DetectorKey(text: text))
        detectors.restore(phase: .active(since: start), for: key)
        detectors.due(key, now: start, into: &output)
        #expect(output.deadlines.map(\.key) == [key])
        #expect(output.deadlines.map(\.at) == [nil])
        #expect(output.detections.isEmpty)
    }

    @Test func afterALongStandstillOnlyTheLastDayIsAsked() throws {
        var output = DetectorOutput()
        let rule = detectorRule(
            "not-up",
            .absenceByTime(quantities: [theQuantity("motion")], from: timeOfDay("06:00"), by: timeOfDay("10:00")))
        var detectors = one(rule, "motion", into: &output)
        output.removeAll()
        let key = try #require(DetectorKey(text: "not-up/home/elm-3"))
        detectors.due(key, now: start + .days(30) + .hours(9), into: &output)
        #expect(output.detections.map(detectionText) == ["seen not-up in elm-3 at +29 10:00"])
        #expect(output.deadlines.map { $0.at.map(transcriptClock) } == ["+30 10:00"])
    }

    @Test func theStateBeforeATurnIsNotTouchedByIt() {
        var output = DetectorOutput()
        var detectors = one(hot, "temperature", into: &output)
        let before = detectors
        detectors.observe(reading(31, 0), now: start, into: &output)
        detectors.heard(DeviceID(4), at: start, into: &output)
        #expect(before.deadlines().isEmpty)
        #expect(before.lastHeard(DeviceID(4)) == nil)
        #expect(detectors.deadlines().map(\.0.text) == ["hot/series/17"])
    }

    @Test func aNewTableOfTheZoneMovesTheNextLook() {
        var output = DetectorOutput()
        let rule = detectorRule(
            "not-up",
            .absenceByTime(quantities: [theQuantity("motion")], from: timeOfDay("06:00"), by: timeOfDay("10:00")))
        var detectors = one(rule, "motion", into: &output)
        output.removeAll()
        let east = Zone(
            name: "East", transitions: [.init(at: .distantPast, offsetSeconds: 3_600)], until: .distantFuture)
        detectors.addHome("elm-3", zone: east, at: start, into: &output)
        #expect(output.deadlines.map { $0.at.map(transcriptClock) } == ["09:00"])
    }
}
