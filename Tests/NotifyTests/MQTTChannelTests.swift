import Care
import Testing

@testable import Notify

@Suite struct MQTTChannelTests {
    private let now = Instant(milliseconds: 1_795_230_000_000)

    @Test func aCardWithEverything() throws {
        let card = AlertCard(
            alert: AlertID(17), say: "Someone may have \"fallen\".\n", severity: .severe, urgency: .immediate, category: .safety,
            kind: "fall", place: "Elm Street 3", since: now - .minutes(2), answerBy: now + .minutes(2), stage: .asked, test: true,
            news: true)
        let publication = card.publication(to: "maria", now: now)
        #expect(publication.topic == "helpers/maria/alerts/a17" && publication.retain && publication.qos == 1)
        #expect(publication.expirySeconds == 120)
        #expect(
            publication.payload
                == #"{"alert":"a17","say":"Someone may have \"fallen\".\n","severity":"Severe","urgency":"Immediate","category":"safety","kind":"fall","where":"Elm Street 3","since":"2026-11-21T02:58:00Z","answerBy":"2026-11-21T03:02:00Z","stage":"asked","test":true}"#
        )
    }

    @Test func whatMayNotBeToldIsLeftOut() {
        let card = AlertCard(alert: AlertID(3), say: "Please knock.", stage: .attending)
        let publication = card.publication(to: "carla", now: now)
        #expect(publication.payload == #"{"alert":"a3","say":"Please knock.","stage":"attending"}"#)
        #expect(publication.expirySeconds == nil)
    }

    @Test(arguments: [(1, 1), (1_000, 1), (1_001, 2), (119_999, 120), (0, 1), (-5_000, 1), (Int64.max / 4, Int64(UInt32.max))] as [(Int64, Int64)])
    func expiryIsRoundedUp(milliseconds: Int64, seconds: Int64) {
        let card = AlertCard(alert: AlertID(1), say: "x", answerBy: now + .milliseconds(milliseconds), stage: .asked)
        #expect(card.publication(to: "m", now: now).expirySeconds == UInt32(clamping: min(seconds, 253_402_300_800 - 1_795_230_000)))
    }

    @Test func clearingAndNotices() {
        let cleared = Publication.cleared(person: "maria", alert: AlertID(17))
        #expect(cleared == Publication(topic: "helpers/maria/alerts/a17", payload: "", retain: true, expirySeconds: nil, qos: 1))
        #expect(cleared == Publication.cleared(topic: "helpers/maria/alerts/a17"))
        let notice = Publication.citizenNotice(home: "elm-3", alert: AlertID(2), say: "Maria is coming.", at: now)
        #expect(notice.topic == "homes/elm-3/caring/notices" && !notice.retain && notice.expirySeconds == nil && notice.qos == 1)
        #expect(notice.payload == #"{"alert":"a2","say":"Maria is coming.","at":"2026-11-21T03:00:00Z"}"#)
    }

    private func parse(_ text: String) -> Result<AnswerMessage, MessageProblem> { AnswerMessage.parse(Array(text.utf8)) }

    @Test func answersAreRead() throws {
        #expect(parse(#"{"alert":"a17","answer":"accept"}"#) == .success(.init(alert: AlertID(17), answer: .accept, note: nil)))
        #expect(
            parse(#" {"note":"in 5\u0007 min","answer":"arrive","alert":"17","more":[1,{}]} "#)
                == .success(.init(alert: AlertID(17), answer: .arrive, note: "in 5\u{FFFD} min")))
        #expect(parse(#"{"alert":"a1","answer":"decline","note":null}"#) == .success(.init(alert: AlertID(1), answer: .decline, note: nil)))
        #expect(parse(#"{"alert":"a1","answer":"resolve","note":""}"#) == .success(.init(alert: AlertID(1), answer: .resolve, note: nil)))
        let exact = String(repeating: "ö", count: 500)
        #expect(try parse(#"{"alert":"a1","answer":"accept","note":"\#(exact)"}"#).get().note == exact)
        // A note that is too long is cut; the answer counts.
        let cut = try? parse(#"{"alert":"a1","answer":"accept","note":"\#(exact)x"}"#).get().note
        #expect(cut?.unicodeScalars.count == 500 && cut?.hasSuffix("\u{2026}") == true)
    }

    @Test(arguments: [
        "", " ", "null", "[]", "\"accept\"", "{", "{}", #"{"alert":"a17"}"#, #"{"answer":"accept"}"#, #"{"alert":17,"answer":"accept"}"#,
        #"{"alert":"b17","answer":"accept"}"#, #"{"alert":"a0","answer":"accept"}"#, #"{"alert":"a-1","answer":"accept"}"#,
        #"{"alert":"a99999999999999999999","answer":"accept"}"#, #"{"alert":"a1","answer":"Accept"}"#,
        #"{"alert":"a1","answer":"cancel"}"#, #"{"alert":"a1","answer":true}"#, #"{"alert":"a1","answer":"accept","note":5}"#,
        #"{"alert":"a1","answer":"accept"} x"#, String(repeating: "[", count: 4_000),
        String(repeating: #"{"a":"#, count: 800), #"{"alert":"a1","answer":"accept","x":1e999}"#,
    ])
    func whatIsNoAnswerIsRefused(text: String) {
        guard case .failure(let problem) = parse(text) else {
            // Foundation may take 1e999 for infinity, which harms nobody.
            #expect(text.contains("1e999"))
            return
        }
        #expect(problem.sentence.hasSuffix("."))
    }

    @Test func bytesThatAreNoTextAndTooManyOfThem() {
        for bytes in [[0xFF, 0xFE], [0], [0xC3], [0xEF, 0xBB, 0xBF]] as [[UInt8]] {
            #expect(throws: MessageProblem.self) { try AnswerMessage.parse(bytes).get() }
        }
        let padding = String(repeating: " ", count: 4_096)
        #expect(throws: MessageProblem(sentence: "An answer may have 4096 bytes; this one has 4127.")) {
            try parse(#"{"alert":"a1","answer":"accept"}"#.dropLast() + padding).get()
        }
    }

    @Test func aHomeCancels() {
        func parse(_ text: String) -> Result<CitizenAnswerMessage, MessageProblem> { CitizenAnswerMessage.parse(Array(text.utf8)) }
        #expect(parse(#"{"alert":"a4","answer":"cancel","note":"all well"}"#) == .success(.init(alert: AlertID(4), note: "all well")))
        #expect(throws: MessageProblem.self) { try parse(#"{"alert":"a4","answer":"accept"}"#).get() }
    }

    @Test func topicsSayWhoAnswers() {
        #expect(AnswerMessage.helper(ofTopic: "helpers/maria/answers") == "maria")
        #expect(CitizenAnswerMessage.home(ofTopic: "homes/elm-3/caring/answers") == "elm-3")
        for topic in ["helpers//answers", "helpers/maria/answers/x", "helpers/maria/alerts", "x/helpers/maria/answers", "helpers/Ma ria/answers", ""] {
            #expect(AnswerMessage.helper(ofTopic: topic) == nil)
        }
        for topic in ["homes/elm-3/answers", "homes//caring/answers", "homes/elm-3/caring/answers/", "homes/elm-3/caring/notices"] {
            #expect(CitizenAnswerMessage.home(ofTopic: topic) == nil)
        }
    }
}
