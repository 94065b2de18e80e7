import Testing

/// When there is nobody to ask: an alert is never dropped.
@Suite struct AlertNobodyTranscriptTests {
    @Test func `a step with nobody to ask takes no time, and whoever may be asked later is asked then`() throws {
        let transcript = """
            street:
            permitted:
            coordinators: carla
            12:00 raised
              - raised
              - uncovered
              ask carla until 12:05 (o1, coordinator, time 1)
              = offered, look again 12:05
            12:05 due
              ask carla until 12:10 (o1, coordinator, time 2)
              = offered, look again 12:10
            permitted: dan
            12:10 due
              ask dan until 12:13 (o2, helper, time 1)
              ask carla until 12:15 (o1, coordinator, time 3)
              = offered, look again 12:15
            12:11 dan accepts
              - accepted dan
              - stood-down carla
              clear carla: stood-down
              tell dan what they may know now
              tell the citizen: dan coming
              = accepted, look again 12:41
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `an alert that nobody may be asked about is looked at again, for ever`() throws {
        let transcript = """
            street:
            permitted:
            coordinators:
            12:00 raised
              - raised
              - uncovered
              - nobody-to-ask
              = raised, look again 12:05
            12:05 due
              = raised, look again 12:10
            coordinators: carla
            12:10 due
              ask carla until 12:15 (o1, coordinator, time 1)
              = offered, look again 12:15
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `when the last coordinator says no as well, those who did not answer and the coordinators are asked once more`() throws {
        let transcript = """
            street: ann ben
            permitted:
            coordinators: carla
            12:00 raised
              - raised
              ask ann until 12:02 (o1, helper, time 1)
              ask ben until 12:02 (o2, helper, time 1)
              = offered, look again 12:02
            12:02 due
              - unanswered ann
              clear ann: lapsed
              - unanswered ben
              clear ben: lapsed
              - unanswered
              ask carla until 12:07 (o3, coordinator, time 1)
              = offered, look again 12:07
            12:03 ben declines
              - declined ben
              = offered, look again 12:07
            12:04 carla declines
              - declined carla
              clear carla: declined
              = offered, look again 12:07
            12:07 due
              - nobody-to-ask
              = offered, look again 12:12
            12:12 due
              ask ann until 12:14 (o1, helper, time 2)
              ask carla until 12:17 (o3, coordinator, time 2)
              = offered, look again 12:17
            """
        #expect(try playAlert(transcript) == transcript)
    }
}
