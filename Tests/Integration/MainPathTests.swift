import Care
import Foundation
import Testing

extension RealProcesses {
    /// From a device's message to a helper at the door, over the real broker.
    @Suite struct MainPath {
        @Test func anSOSIsStoredOfferedAcceptedAttendedAndResolved() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            try street.addHelpers()
            try street.adaPermits()
            let home = try Client(street, "oak-1", subscribe: ["homes/oak-1/caring/notices"])
            let maria = try Client(street, "maria", subscribe: ["helpers/maria/alerts/#"])
            let tom = try Client(street, "tom", subscribe: ["helpers/tom/alerts/#"])

            try home.publish(Street.sosTopic, Street.sosPayload)
            let offer = try maria.receive("the offer") { $0.json?["stage"]?.string == "asked" }
            let alert = try #require(offer.json?["alert"]?.string)
            #expect(offer.topic == "helpers/maria/alerts/\(alert)")
            // Every key that the issue names is there, and beside them only the stage.
            #expect(
                keys(of: offer.payload) == [
                    "alert", "say", "severity", "urgency", "category", "kind", "where", "since", "answerBy", "stage",
                ])
            #expect(offer.json?["where"]?.string == "Oak Street")
            #expect(!offer.payload.contains("Ada") && !offer.payload.contains("1 Oak Street"))
            try tom.receive("Tom's offer") { $0.json?["stage"]?.string == "asked" }
            let readings = try street.ask("reading", "list", "--as", "ada", "--quantity", "sos")
            #expect(readings.count == 1)
            #expect(readings.first?["device"]?.string == "zigbee2mqtt/SOS button")
            try expectRetainedWithExpiry(street, alert)

            try maria.publish("helpers/maria/answers", #"{"alert":"\#(alert)","answer":"accept","note":"coming"}"#)
            let accepted = try maria.receive("the address") { $0.json?["stage"]?.string == "accepted" }
            #expect(accepted.json?["where"]?.string == "Ada Brown, 1 Oak Street")
            try tom.receive("Tom to be stood down") { $0.topic == "helpers/tom/alerts/\(alert)" && $0.payload.isEmpty }
            #expect(try Client.retained(street, "tom", "helpers/tom/alerts/#").isEmpty)
            try home.receive("that someone comes") { $0.payload.contains("Maria Lopez is on the way to you.") }

            try maria.publish("helpers/maria/answers", #"{"alert":"\#(alert)","answer":"arrive"}"#)
            try maria.receive("the last stage") { $0.json?["stage"]?.string == "attending" }
            try home.receive("that someone is there") { $0.payload.contains("Maria Lopez has arrived.") }
            try maria.publish("helpers/maria/answers", #"{"alert":"\#(alert)","answer":"resolve","note":"tea"}"#)
            try maria.receive("the end") { $0.topic == "helpers/maria/alerts/\(alert)" && $0.payload.isEmpty }
            try home.receive("that it is closed") { $0.payload.contains("Your alert is closed, Maria Lopez says.") }
            #expect(try Client.retained(street, "maria", "helpers/maria/alerts/#").isEmpty)

            let ended = try street.ask("alert", "list", "--all", "--as", "ada")
            #expect(ended.map { $0["ended"]?.string } == ["resolved"])
            let why = try street.sentences("why", alert, "--as", "ada")
            #expect(why.contains("Rule \u{201C}sos\u{201D} saw") && why.contains("zigbee2mqtt/SOS button"))
            #expect(why.contains("Maria Lopez") && why.contains("consent"))
            let saw = try street.sentences("who-saw", "--as", "ada")
            #expect(saw.contains("Maria Lopez has read your name and address"))
            #expect(saw.contains("Tom Field was told what happened"))
            #expect(!saw.contains("Tom Field was told your name") && !saw.contains("Tom Field has read your name"))
        }

        /// What the client library does not show: how long the broker keeps the offer.
        private func expectRetainedWithExpiry(_ street: Street, _ alert: String) throws {
            let listener = try Running(
                Places.tool("mosquitto_sub"),
                [
                    "-h", "127.0.0.1", "-p", "\(street.broker.port)", "-V", "mqttv5", "-u", "maria", "-P",
                    street.passwords["maria"] ?? "", "-t", "helpers/maria/alerts/#", "-C", "1", "-W", "20", "-F", "%r %E %t",
                ], folder: street.folder, name: "expiry")
            let heard = try listener.ended().out.split(separator: "\n").first?.split(separator: " ") ?? []
            try #require(heard.count == 3)
            #expect(heard[0] == "1" && heard[2] == "helpers/maria/alerts/\(alert)")
            let seconds = try #require(Int(heard[1]))
            #expect((1...120).contains(seconds))
        }

        @Test func ofARefusedHomeNoHelperLearnsAnythingAndTheCoordinatorOnlyThatItIsUncovered() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            try street.addHelpers()
            try street.ask("consent", "refuse", "--as", "ada", "--to", "anyone", "--about", "everything", "identity")
            // The gateway's own login sees what goes to any helper at all.
            let everybody = try Client(street, "gateway", subscribe: ["helpers/+/alerts/+"])
            let home = try Client(street, "oak-1")
            try home.publish(Street.sosTopic, Street.sosPayload)
            let told = try everybody.receive("the coordinator to be told") { $0.topic.hasPrefix("helpers/carla/alerts/") }
            #expect(keys(of: told.payload) == ["alert", "say", "where", "answerBy", "stage"])
            #expect(told.json?["say"]?.string?.hasPrefix("An alert in Oak Street is uncovered") == true)
            for secret in ["Ada", "oak-1", "1 Oak", "sos", "SOS", "button", "alarm"] { #expect(!told.payload.contains(secret)) }
            // Once everything that was to be sent is sent, still nobody else has been told.
            try eventually("the outbox to be empty") { try street.status("waiting") == .int(0) }
            #expect(everybody.messages.allSatisfy { $0.topic.hasPrefix("helpers/carla/") })
            #expect(try Client.retained(street, "gateway", "helpers/+/alerts/+").count == 1)
            let saw = try street.ask("who-saw", "--as", "ada").filter { $0["operator"] == nil }
            #expect(!saw.isEmpty && saw.allSatisfy { $0["recipient"]?.string == "carla" && $0["data"]?.string == "an alert is open" })
            let alert = try #require(told.json?["alert"]?.string)
            #expect(try street.sentences("why", alert, "--as", "ada").contains("refuses"))
            #expect(!(try street.sentences("alert", "show", alert, "--as", "carla").contains("Ada")))
            #expect(street.caring("alert", "show", alert, "--as", "maria").code == 1)
        }

        @Test func aPhoneGetsThePost() throws {
            let phone = try PhoneServer()
            defer { phone.stop() }
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            try street.addHelpers(phone: phone.address)
            try street.adaPermits()
            let home = try Client(street, "oak-1")
            try home.publish(Street.sosTopic, Street.sosPayload)
            try eventually("the post") { !phone.requests.isEmpty }
            let post = try #require(phone.requests.first)
            #expect(post.hasPrefix("POST /maria HTTP/1.1\r\n"))
            let head = post.lowercased()
            #expect(head.contains("\r\ntitle: alarm button in oak street\r\n") && head.contains("\r\npriority: 5\r\n"))
            #expect(post.contains("\r\n\r\nSomeone has pressed their alarm button. It is in Oak Street. Can you go?"))
            #expect(!post.contains("Ada") && !post.contains("1 Oak Street"))
            // When somebody else goes, the phone is told that nobody waits for it.
            let alert = try #require(try street.ask("alert", "list", "--as", "ada").first?["alert"]?.string)
            try street.ask("alert", "accept", alert, "--as", "tom")
            try eventually("the second post") { phone.requests.contains { $0.contains("You are not needed any more") } }
        }

        @Test func withdrawalReachesHelpersWithinASecond() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            try street.addHelpers()
            let consent = try street.adaPermits()
            let maria = try Client(street, "maria", subscribe: ["helpers/maria/alerts/#"])
            let carla = try Client(street, "carla", subscribe: ["helpers/carla/alerts/#"])
            let home = try Client(street, "oak-1")
            try home.publish(Street.sosTopic, Street.sosPayload)
            let offer = try maria.receive("the offer") { !$0.payload.isEmpty }
            try street.ask("consent", "withdraw", consent.what, "--as", "ada")
            let withdrawn = Date()
            try maria.receive("the offer to be taken back") { $0.topic == offer.topic && $0.payload.isEmpty }
            #expect(Date().timeIntervalSince(withdrawn) < 1)
            #expect(try Client.retained(street, "gateway", "helpers/maria/alerts/+").isEmpty)
            try carla.receive("the coordinator to be told") { $0.payload.contains("An alert in Oak Street") }
            // An answer to what was taken back changes nothing, and tells nothing.
            let alert = try #require(offer.json?["alert"]?.string)
            maria.forget()
            try maria.publish("helpers/maria/answers", #"{"alert":"\#(alert)","answer":"accept"}"#)
            try eventually("the answer to be counted") { try street.status("messages") != .int(1) }
            #expect(maria.messages.allSatisfy { $0.payload.isEmpty })
            #expect(try street.ask("alert", "list", "--as", "ada").first?["state"]?.string == "offered")
        }

        @Test func aWithdrawalWhileTheBrokerIsAwayIsSaidAndCarriedOutWhenItIsBack() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            try street.addHelpers()
            let consent = try street.adaPermits()
            let home = try Client(street, "oak-1")
            try home.publish(Street.sosTopic, Street.sosPayload)
            try eventually("the offers") { try Client.retained(street, "gateway", "helpers/+/alerts/+").count == 2 }
            // With SIGTERM, so that the broker still has the offers when it comes back.
            street.broker.stop()
            try eventually("the loss to be noticed") { try street.status("connected") == .bool(false) }
            let said = try street.sentences("consent", "withdraw", consent.what, "--as", "ada")
            #expect(said.contains("not yet retracted: the broker is away"))
            #expect(try street.sentences("who-saw", "--as", "ada").contains("Not yet retracted: the client of Maria Lopez"))
            try street.startBroker()
            try eventually("the offers to be taken back") {
                // What is left is the coordinator's.
                try Client.retained(street, "gateway", "helpers/+/alerts/+").keys.allSatisfy { $0.hasPrefix("helpers/carla/") }
            }
            try eventually("the withdrawal to be complete") {
                try !street.sentences("who-saw", "--as", "ada").contains("Not yet retracted")
            }
        }
    }
}

/// The keys of a flat JSON object in the order in which they are written.
func keys(of line: String) -> [String] {
    // A key is a text before a colon; inside a text a quotation mark has a backslash before it.
    line.matches(of: /[{,]"([A-Za-z]+)":/).map { String($0.1) }
}
