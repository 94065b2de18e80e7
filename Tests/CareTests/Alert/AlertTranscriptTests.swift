import Testing

/// Whom an alert is offered to, and what becomes of the offers. Read the transcripts like a log; `playAlert` says
/// how they are written.
@Suite struct AlertTranscriptTests {
    @Test func `unanswered offers move on two at a time, then to the next step, then to the coordinators again and again`() throws {
        let transcript = """
            street: ann ben cat
            permitted: dan
            coordinators: carla cora
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
              ask cat until 12:04 (o3, helper, time 1)
              = offered, look again 12:04
            12:04 due
              - unanswered cat
              clear cat: lapsed
              ask dan until 12:07 (o4, helper, time 1)
              = offered, look again 12:07
            12:07 due
              - unanswered dan
              clear dan: lapsed
              - unanswered
              ask carla until 12:12 (o5, coordinator, time 1)
              ask cora until 12:12 (o6, coordinator, time 1)
              = offered, look again 12:12
            12:12 due
              ask carla until 12:17 (o5, coordinator, time 2)
              ask cora until 12:17 (o6, coordinator, time 2)
              = offered, look again 12:17
            12:17 due
              ask carla until 12:22 (o5, coordinator, time 3)
              ask cora until 12:22 (o6, coordinator, time 3)
              = offered, look again 12:22
            12:18 cora resolves: I drove there myself.
              - resolved cora (I drove there myself.)
              clear carla: stood-down
              clear cora: accepted
              ended: resolved by cora (I drove there myself.)
              = ended
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `when all have declined the next are asked at once, and nobody who declined is asked again`() throws {
        let transcript = """
            street: ann ben cat
            permitted: dan
            coordinators: carla cora cilla
            12:00 raised
              - raised
              ask ann until 12:02 (o1, helper, time 1)
              ask ben until 12:02 (o2, helper, time 1)
              = offered, look again 12:02
            12:00 ann declines: I am in Leeds.
              - declined ann (I am in Leeds.)
              clear ann: declined
              = offered, look again 12:02
            12:01 ben declines
              - declined ben
              clear ben: declined
              ask cat until 12:03 (o3, helper, time 1)
              = offered, look again 12:03
            12:01 cat declines
              - declined cat
              clear cat: declined
              ask dan until 12:04 (o4, helper, time 1)
              = offered, look again 12:04
            12:01 dan declines
              - declined dan
              clear dan: declined
              - unanswered
              ask carla until 12:06 (o5, coordinator, time 1)
              ask cora until 12:06 (o6, coordinator, time 1)
              = offered, look again 12:06
            12:02 carla declines
              - declined carla
              clear carla: declined
              = offered, look again 12:06
            12:06 due
              ask cora until 12:11 (o6, coordinator, time 2)
              ask cilla until 12:11 (o7, coordinator, time 1)
              = offered, look again 12:11
            12:06 ann accepts: Back after all.
              - accepted ann (Back after all.)
              - stood-down cora
              clear cora: stood-down
              - stood-down cilla
              clear cilla: stood-down
              tell ann what they may know now
              tell the citizen: ann coming
              = accepted, look again 12:36
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `the first acceptance wins, and the others are stood down`() throws {
        let transcript = """
            street: ann ben cat
            permitted:
            coordinators: carla
            12:00 raised
              - raised
              ask ann until 12:02 (o1, helper, time 1)
              ask ben until 12:02 (o2, helper, time 1)
              = offered, look again 12:02
            12:01 ben accepts: On my way.
              - accepted ben (On my way.)
              - stood-down ann
              clear ann: stood-down
              tell ben what they may know now
              tell the citizen: ben coming
              = accepted, look again 12:31
            12:01 ann accepts
              ! somebodyElseGoes
              = accepted, look again 12:31
            12:01 ben accepts
              = accepted, look again 12:31
            12:01 cat accepts
              ! notAsked
              = accepted, look again 12:31
            12:20 ben arrives
              - arrived ben
              tell ben what they may know now
              tell the citizen: ben arrived
              = attending, look again 14:20
            12:21 ben arrives
              = attending, look again 14:20
            12:40 ben resolves: She is fine.
              - resolved ben (She is fine.)
              clear ben: accepted
              ended: resolved by ben (She is fine.)
              = ended
            12:41 ben resolves
              ! alertIsOver
              = ended
            12:41 ada cancels
              ! alertIsOver
              = ended
            12:42 seen again
              = ended
            12:50 due
              = ended
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `a late acceptance is welcome while nobody else goes`() throws {
        let transcript = """
            street: ann ben cat
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
              ask cat until 12:04 (o3, helper, time 1)
              = offered, look again 12:04
            12:03 ann accepts
              - accepted ann
              - stood-down cat
              clear cat: stood-down
              tell ann what they may know now
              tell the citizen: ann coming
              = accepted, look again 12:33
            12:04 ben accepts
              ! somebodyElseGoes
              = accepted, look again 12:33
            """
        #expect(try playAlert(transcript) == transcript)
    }

    @Test func `whom no channel reaches makes room for the next, and may be tried again in the next round`() throws {
        let transcript = """
            street: ann ben cat
            permitted:
            coordinators: carla
            12:00 raised
              - raised
              ask ann until 12:02 (o1, helper, time 1)
              ask ben until 12:02 (o2, helper, time 1)
              = offered, look again 12:02
            12:01 ann unreachable
              - unreachable ann
              clear ann: unreachable
              = offered, look again 12:02
            12:01 ben unreachable
              - unreachable ben
              clear ben: unreachable
              ask cat until 12:03 (o3, helper, time 1)
              = offered, look again 12:03
            12:01 cat unreachable
              - unreachable cat
              clear cat: unreachable
              - unanswered
              ask carla until 12:06 (o4, coordinator, time 1)
              = offered, look again 12:06
            12:01 carla unreachable
              - unreachable carla
              clear carla: unreachable
              = offered, look again 12:06
            12:06 due
              ask carla until 12:11 (o4, coordinator, time 2)
              = offered, look again 12:11
            """
        #expect(try playAlert(transcript) == transcript)
    }
}
