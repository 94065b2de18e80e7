import Care
import Foundation
import MQTT
import Testing

extension RealProcesses {
    /// Everybody says and reads what is theirs: the broker sees to it, with the list that the gateway writes.
    @Suite struct Rights {
        @Test func nobodySpeaksOrReadsForAnother() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda(devices: ["zigbee2mqtt/SOS button", "vitals/heart-rate"])
            try street.addHelpers()
            try street.adaPermits()
            try street.add("home", "add", "oak-2", "--circle", "oak-street")
            let own = try Client(street, "oak-1")
            let other = try Client(street, "oak-2", subscribe: ["homes/#", "helpers/#", "gateway/#"])
            let maria = try Client(street, "maria", subscribe: ["helpers/+/alerts/#", "homes/#", "helpers/tom/answers"])
            let tom = try Client(street, "tom", subscribe: ["helpers/tom/alerts/#"])

            #expect(try !other.publish("homes/oak-1/vitals/heart-rate", "181"))
            #expect(try !other.publish("homes/oak-1/vitals/heart-rate", "182", retain: true))
            #expect(try !other.publish("homes/oak-1/caring/answers", #"{"alert":"a1","answer":"cancel"}"#))
            #expect(try !other.publish("helpers/maria/alerts/a1", "{}", retain: true))
            #expect(try !other.publish("gateway/status", "offline", retain: true))
            #expect(try !maria.publish(Street.sosTopic, Street.sosPayload))
            // A refused publish must not end the connection: the same client is heard where it may speak.
            #expect(try own.publish("homes/oak-1/vitals/heart-rate", "72"))
            try eventually("the own reading") { try !street.ask("reading", "list", "--as", "ada").isEmpty }
            #expect(try street.ask("reading", "list", "--as", "ada").map { $0["value"] } == [.int(72)])

            #expect(try own.publish(Street.sosTopic, Street.sosPayload))
            let offer = try tom.receive("Tom's offer") { !$0.payload.isEmpty }
            try maria.receive("Maria's offer") { !$0.payload.isEmpty }
            let alert = try #require(offer.json?["alert"]?.string)
            #expect(try !maria.publish("helpers/tom/answers", #"{"alert":"\#(alert)","answer":"accept"}"#))
            #expect(try !maria.publish("helpers/tom/alerts/\(alert)", "", retain: true))
            #expect(try tom.publish("helpers/tom/answers", #"{"alert":"\#(alert)","answer":"decline"}"#))
            try tom.receive("Tom's card to be cleared") { $0.payload.isEmpty }
            let list = try street.ask("alert", "list", "--as", "ada")
            #expect(list.map { $0["state"]?.string } == ["offered"])

            #expect(maria.messages.allSatisfy { $0.topic.hasPrefix("helpers/maria/alerts/") })
            #expect(other.messages.isEmpty)
        }

        @Test func whoHasNoLoginIsNotLetIn() throws {
            let street = try Street()
            defer { street.close() }
            try street.add("home", "add", "oak-1")
            for (login, password) in [(nil, nil), ("oak-1", "wrong"), ("oak-9", "wrong"), ("gateway", "gateway")] {
                let stranger = try Client(street, login, password: password, untilSubscribed: false)
                try stranger.wait("\(login ?? "nobody") to be refused") { stranger.isRefused }
                #expect(!stranger.isConnected)
            }
        }

        @Test func whoIsRemovedIsPutOutAndNotLetInAgain() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            try street.addHelpers()
            try street.add("home", "add", "oak-9")
            let tom = try Client(street, "tom", subscribe: ["helpers/tom/alerts/#"])
            let home = try Client(street, "oak-9")
            let maria = try Client(street, "maria", subscribe: ["helpers/maria/alerts/#"])
            try street.ask("helper", "remove", "tom")
            try tom.wait("Tom to be refused") { tom.isRefused }
            try street.ask("home", "remove", "oak-9")
            try home.wait("the home to be refused") { home.isRefused }
            for login in ["tom", "oak-9"] {
                let again = try Client(street, login, untilSubscribed: false)
                try again.wait("\(login) to be refused") { again.isRefused }
            }
            // The others do not notice.
            maria.pass()
            #expect(maria.isConnected && !maria.isRefused)
            // A name is not given to somebody else.
            let taken = street.caring("helper", "add", "tom", "--name", "Tom Other", "--circle", "oak-street")
            #expect(taken.code == 1 && taken.err.contains("is taken"))
        }
    }
}

extension Client {
    var isConnected: Bool { client.isConnected }
    var isRefused: Bool {
        events.contains { event in
            if case .connectionRefused = event { true } else { false }
        }
    }
}
