import Care
import Foundation
import MQTT
import Store
import Testing

extension RealProcesses {
    /// Acknowledged means kept.
    @Suite struct Kept {
        /// Beside the values that stand for "no reading", which are all smaller.
        static let firstNumber = 1_000

        @Test(arguments: [[9_000], [2_500, 14_000]])
        func aGatewayThatIsKilledInMidStreamLosesNothing(killAfter: [Int]) throws {
            // One home says twenty thousand things in seconds, and all of them are looked for.
            let street = try Street(environment: ["CARING_LIMITS_HOME_MESSAGES_PER_SECOND_MAX": "1000000"])
            defer { street.close() }
            try street.addAda(devices: ["vitals/heart-rate"])
            let home = try Client(street, "oak-1")
            let numbers = 20_000
            var numberOfMid: [Int32: Int] = [:]
            var acknowledged: Set<Int> = []
            var next = 0
            var kills = killAfter[...]
            var eventsSeen = home.events.count
            try home.wait("the broker to take every message", secondsMax: 60) {
                while next < numbers, next - acknowledged.count < 500 {
                    let mid = try home.client.publish(
                        topic: Topic("homes/oak-1/vitals/heart-rate"), payload: "\(Self.firstNumber + next)", qos: 1, retain: false)
                    numberOfMid[mid] = Self.firstNumber + next
                    next += 1
                }
                for event in home.events[eventsSeen...] {
                    if case .published(let mid) = event, let number = numberOfMid.removeValue(forKey: mid) {
                        acknowledged.insert(number)
                    }
                }
                eventsSeen = home.events.count
                // Killed while messages of the stream are on their way to it, and started again at once: the stream
                // goes on meanwhile.
                if let limit = kills.first, acknowledged.count >= limit {
                    kills = kills.dropFirst()
                    try street.killGateway()
                    try street.startGateway(untilConnected: false)
                }
                return acknowledged.count == numbers
            }
            #expect(kills.isEmpty)
            try street.waitUntilConnected()
            var kept: Set<Int> = []
            var rows = 0
            let store = try Store(folder: street.data)
            defer { try? store.close() }
            try? eventually("everything that was acknowledged to be stored") {
                let all = try store.read { reader in
                    try reader.readings(try reader.series(), since: .distantPast, limit: 200_000).compactMap {
                        if case .number(let value) = $0.value { Int(value) } else { nil }
                    }
                }
                rows = all.count
                kept = Set(all)
                return acknowledged.isSubset(of: kept)
            }
            let lost = acknowledged.subtracting(kept)
            #expect(lost.isEmpty, "\(lost.count) of \(acknowledged.count) are lost, from \(lost.min() ?? 0) to \(lost.max() ?? 0)")
            #expect(rows == kept.count, "\(rows - kept.count) were stored twice.")
            // The gateway is well after all this.
            #expect(try home.publish("homes/oak-1/vitals/heart-rate", "61"))
            try eventually("the next reading") {
                try street.ask("reading", "list", "--as", "ada", "--limit", "1").first?["value"] == .int(61)
            }
        }

        /// A clock that stands still gives thousands of values one instant. They come from one device and must not
        /// keep anybody else's messages from being stored.
        @Test func aDeviceThatSaysTooMuchOfOneInstantDoesNotStopTheOthers() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda(devices: ["senml/scale", "zigbee2mqtt/SOS button"])
            let home = try Client(street, "oak-1")
            for pack in 0..<9 {
                let records = (0..<4_000).map { #"{"v":\#(pack * 4_000 + $0)}"# }.joined(separator: ",")
                let payload = #"[{"bn":"steps","bt":1767225540,"v":0},"# + records + "]"
                #expect(try home.publish("homes/oak-1/senml/scale", payload))
            }
            #expect(try home.publish(Street.sosTopic, Street.sosPayload))
            try eventually("the alert") { try !street.ask("alert", "list", "--as", "ada").isEmpty }
            #expect(!street.log.contains("could not be written down"))
            let readings = try #require(try street.status("readings")?.int)
            #expect(readings > 36_000)
        }

        @Test func whatIsPublishedWhileTheGatewayIsAwayIsTakenLater() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            try street.addHelpers()
            try street.adaPermits()
            try street.killGateway()
            let home = try Client(street, "oak-1")
            #expect(try home.publish(Street.sosTopic, Street.sosPayload))
            try street.startGateway()
            let maria = try Client(street, "maria", subscribe: ["helpers/maria/alerts/#"])
            try maria.receive("the offer") { !$0.payload.isEmpty }
        }

        @Test func whatCannotBeDecodedIsCountedAndTheStreamGoesOn() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda(devices: ["vitals/heart-rate", "zigbee2mqtt/Kitchen climate"])
            try street.add("coordinator", "add", "carla", "--name", "Carla Stone")
            let home = try Client(street, "oak-1")
            for payload in ["72,5", "nan", "\u{1B}[31mred"] { #expect(try home.publish("homes/oak-1/vitals/heart-rate", payload)) }
            #expect(try home.publish("homes/oak-1/zigbee2mqtt/Kitchen climate", #"{"temperature": "#))
            #expect(try home.publish("homes/oak-1/vitals/heart-rate", "73"))
            try eventually("the reading after them") { try street.ask("reading", "list", "--as", "ada").count == 1 }
            #expect(try street.status("undecodable") == .int(4))
            let problems = try street.ask("device", "problems", "--as", "carla")
            #expect(problems.allSatisfy { $0["home"]?.string == "oak-1" && $0["reason"]?.string?.isEmpty == false })
            #expect(problems.compactMap { $0["messages"]?.int }.reduce(0, +) == 4)
            #expect(Set(problems.compactMap { $0["convention"]?.string }) == ["plain", "zigbee2mqtt"])
            // What the devices said is the citizen's: the coordinator sees the reason and not the message.
            let said = try street.sentences("device", "problems", "--as", "carla")
            #expect(!said.contains("72,5") && !said.contains("red") && !said.contains("\u{1B}"))
            // Acknowledged: a restart brings none of them again.
            #expect(try street.stopGateway().code == 0)
            try street.startGateway()
            #expect(try home.publish("homes/oak-1/vitals/heart-rate", "74"))
            try eventually("the next reading") { try street.ask("reading", "list", "--as", "ada").count == 2 }
            #expect(try street.status("undecodable") == .int(0))
        }
    }
}
