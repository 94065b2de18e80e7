import Testing

/// What becomes of offers and acceptances when consent ends or comes back.
@Suite struct AlertConsentTranscriptTests {
    @Test func `whoever loses consent loses the offer, and is asked again only when it has come back`() throws {
        let transcript = """
            street: ann ben cat
            permitted:
            coordinators: carla
            12:00 raised
              - raised
              ask ann until 12:02 (o1, helper, time 1)
              ask ben until 12:02 (o2, helper, time 1)
              = offered, look again 12:02
            street: ben cat
            12:01 ann lost
              - retracted ann
              clear ann: retracted
              = offered, look again 12:02
            street: cat
            12:01 ben lost
              - retracted ben
              clear ben: retracted
              ask cat until 12:03 (o3, helper, time 1)
              = offered, look again 12:03
            12:02 ann accepts
              ! notAsked
              = offered, look again 12:03
            street: ann cat
            12:03 recheck
              = offered, look again 12:03
            12:03 due
              - unanswered cat
              clear cat: lapsed
              ask ann until 12:05 (o1, helper, time 2)
              = offered, look again 12:05
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `when the holder loses consent the others are asked, and who regains it may be asked while coordinators are`() throws {
        let transcript = """
            street: ann ben
            permitted:
            coordinators: carla
            12:00 raised
              - raised
              ask ann until 12:02 (o1, helper, time 1)
              ask ben until 12:02 (o2, helper, time 1)
              = offered, look again 12:02
            12:01 ann accepts
              - accepted ann
              - stood-down ben
              clear ben: stood-down
              tell ann what they may know now
              tell the citizen: ann coming
              = accepted, look again 12:31
            12:02 ann arrives
              - arrived ann
              tell ann what they may know now
              tell the citizen: ann arrived
              = attending, look again 14:02
            street: ben
            12:03 ann lost
              - retracted ann
              clear ann: retracted
              tell the citizen: ann not-coming
              ask ben until 12:05 (o2, helper, time 2)
              = offered, look again 12:05
            street:
            12:04 ben lost
              - retracted ben
              clear ben: retracted
              - unanswered
              ask carla until 12:09 (o3, coordinator, time 1)
              = offered, look again 12:09
            street: ann
            12:05 recheck
              ask ann until 12:07 (o1, helper, time 2)
              = offered, look again 12:09
            """
        #expect(try playAlert(transcript) == transcript)
    }
}
