import Testing

/// How an alert ends, and that it then stays ended. Whoever did not end it is told.
@Suite struct AlertEndingTranscriptTests {
    @Test func `the citizen cancels while somebody is on the way`() throws {
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
            12:02 ada cancels: It was the cat.
              - cancelled ada (It was the cat.)
              clear ann: stood-down
              ended: cancelled by ada (It was the cat.)
              = ended
            12:03 ann arrives
              ! alertIsOver
              = ended
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `the citizen cancels while people are asked`() throws {
        let transcript = """
            street: ann ben
            permitted:
            coordinators: carla
            12:00 raised
              - raised
              ask ann until 12:02 (o1, helper, time 1)
              ask ben until 12:02 (o2, helper, time 1)
              = offered, look again 12:02
            12:02 ada cancels
              - cancelled ada
              clear ann: stood-down
              clear ben: stood-down
              ended: cancelled by ada
              = ended
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `an alert that may end by itself does so while nobody is on the way`() throws {
        let transcript = """
            street: ann ben
            permitted:
            coordinators: carla
            12:00 raised
              - raised
              ask ann until 12:02 (o1, helper, time 1)
              ask ben until 12:02 (o2, helper, time 1)
              = offered, look again 12:02
            12:01 over
              - condition-over
              - over
              clear ann: stood-down
              clear ben: stood-down
              ended: over
              = ended
            """
        #expect(try playAlert(transcript, endsWhenOver: true) == transcript)
    }

    @Test func `an alert that somebody holds is theirs to end`() throws {
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
            12:02 over
              - condition-over
              tell ann the news
              = accepted, look again 12:31
            12:20 ann resolves
              - resolved ann
              clear ann: accepted
              ended: resolved by ann
              = ended
            """
        #expect(try playAlert(transcript, endsWhenOver: true) == transcript)
    }

    @Test func `an alert that a person has to end outlives its cause`() throws {
        let transcript = """
            street: ann ben
            permitted:
            coordinators: carla
            12:00 raised
              - raised
              ask ann until 12:02 (o1, helper, time 1)
              ask ben until 12:02 (o2, helper, time 1)
              = offered, look again 12:02
            12:01 over
              - condition-over
              = offered, look again 12:02
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `only who was asked may accept, and a coordinator who was asked may close it`() throws {
        let transcript = """
            street: ann
            permitted:
            coordinators: carla
            12:00 raised
              - raised
              ask ann until 12:02 (o1, helper, time 1)
              = offered, look again 12:02
            12:01 ann resolves
              ! notHolding
              = offered, look again 12:02
            12:01 dan accepts
              ! notAsked
              = offered, look again 12:02
            12:02 due
              - unanswered ann
              clear ann: lapsed
              - unanswered
              ask carla until 12:07 (o2, coordinator, time 1)
              = offered, look again 12:07
            12:03 carla resolves
              - resolved carla
              clear carla: accepted
              ended: resolved by carla
              = ended
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `a replay ends what nobody could answer`() throws {
        let transcript = """
            street: ann
            permitted:
            coordinators: carla
            12:00 raised
              - raised
              ask ann until 12:02 (o1, helper, time 1)
              = offered, look again 12:02
            13:00 replayed
              - assumed
              clear ann: stood-down
              ended: assumed
              = ended
            """
        #expect(try playAlert(transcript) == transcript)
    }
}
