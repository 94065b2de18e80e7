import Testing

/// What becomes of an alert that somebody has accepted.
@Suite struct AlertHoldingTranscriptTests {
    @Test func `an acceptance without an arrival lapses, and the others are asked before the one who let it`() throws {
        let transcript = """
            street: ann ben
            permitted: dan
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
            12:31 due
              - late-for-arrival ann
              clear ann: lapsed
              tell the citizen: ann not-coming
              - asking-again
              ask ben until 12:33 (o2, helper, time 2)
              = offered, look again 12:33
            12:32 ann accepts
              - accepted ann
              - stood-down ben
              clear ben: stood-down
              tell ann what they may know now
              tell the citizen: ann coming
              = accepted, look again 13:02
            13:02 due
              - late-for-arrival ann
              clear ann: lapsed
              tell the citizen: ann not-coming
              - asking-again
              ask ben until 13:04 (o2, helper, time 3)
              = offered, look again 13:04
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `an attendance without an end lapses, too, and arriving without accepting counts as both`() throws {
        let transcript = """
            street: ann ben
            permitted:
            coordinators: carla
            12:00 raised
              - raised
              ask ann until 12:02 (o1, helper, time 1)
              ask ben until 12:02 (o2, helper, time 1)
              = offered, look again 12:02
            12:01 ann arrives
              - accepted ann
              - stood-down ben
              clear ben: stood-down
              tell ann what they may know now
              tell the citizen: ann coming
              - arrived ann
              tell ann what they may know now
              tell the citizen: ann arrived
              = attending, look again 14:01
            14:01 due
              - late-for-resolution ann
              clear ann: lapsed
              - asking-again
              ask ben until 14:03 (o2, helper, time 2)
              = offered, look again 14:03
            14:02 ann resolves
              ! notHolding
              = offered, look again 14:03
            14:02 ben arrives
              - accepted ben
              tell ben what they may know now
              tell the citizen: ben coming
              - arrived ben
              tell ben what they may know now
              tell the citizen: ben arrived
              = attending, look again 16:02
            14:03 ann resolves
              ! notHolding
              = attending, look again 16:02
            14:04 ben resolves
              - resolved ben
              clear ben: accepted
              ended: resolved by ben
              = ended
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `an alert that is given back is offered to the others`() throws {
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
            12:10 ann declines: My car is dead.
              - gave-back ann (My car is dead.)
              clear ann: declined
              tell the citizen: ann not-coming
              ask ben until 12:12 (o2, helper, time 2)
              = offered, look again 12:12
            12:11 ben declines
              - declined ben
              clear ben: declined
              - unanswered
              ask carla until 12:16 (o3, coordinator, time 1)
              = offered, look again 12:16
            12:12 carla accepts
              - accepted carla
              tell carla what they may know now
              tell the citizen: carla coming
              = accepted, look again 12:42
            12:15 carla arrives
              - arrived carla
              tell carla what they may know now
              tell the citizen: carla arrived
              = attending, look again 14:15
            12:30 carla resolves
              - resolved carla
              clear carla: accepted
              ended: resolved by carla
              = ended
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `who was stood down may go when the holder gives it back`() throws {
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
            12:02 ben accepts
              ! somebodyElseGoes
              = accepted, look again 12:31
            12:03 ann declines
              - gave-back ann
              clear ann: declined
              tell the citizen: ann not-coming
              ask ben until 12:05 (o2, helper, time 2)
              = offered, look again 12:05
            12:04 ben accepts
              - accepted ben
              tell ben what they may know now
              tell the citizen: ben coming
              = accepted, look again 12:34
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `while somebody attends a new event starts the offers again, once; a repeated state does not`() throws {
        let transcript = """
            street: ann ben cat
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
            12:05 seen still
              - seen-again
              = accepted, look again 12:31
            12:06 seen again
              - seen-again
              tell ann the news
              = accepted, look again 12:31
            12:20 ann arrives
              - arrived ann
              tell ann what they may know now
              tell the citizen: ann arrived
              = attending, look again 14:20
            12:25 seen again
              - seen-again
              tell ann the news
              - asking-again
              ask ben until 12:27 (o2, helper, time 2)
              ask cat until 12:27 (o3, helper, time 1)
              = attending, look again 12:27
            12:26 seen again
              - seen-again
              tell ann the news
              = attending, look again 12:27
            12:27 cat accepts
              - accepted cat
              - stood-down ben
              clear ben: stood-down
              tell cat what they may know now
              tell the citizen: cat coming
              = attending, look again 12:57
            12:50 ann resolves
              - resolved ann
              clear ann: accepted
              clear cat: stood-down
              ended: resolved by ann
              = ended
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `an event half an hour after the last offer starts the offers again although somebody is on the way`() throws {
        let transcript = """
            street: ann ben cat
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
            12:29 seen again
              - seen-again
              tell ann the news
              = accepted, look again 12:31
            12:30 seen again
              - seen-again
              tell ann the news
              - asking-again
              ask ben until 12:32 (o2, helper, time 2)
              ask cat until 12:32 (o3, helper, time 1)
              = accepted, look again 12:31
            """
        #expect(try playAlert(transcript) == transcript)
    }
}
