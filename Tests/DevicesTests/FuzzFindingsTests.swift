import Care
import Foundation
import Testing

@testable import Devices

/// What `scripts/fuzz` once found, again: each file of `Findings/` is a sequence of messages that did harm.
@Suite struct FuzzFindingsTests {
    static let folder = packageRoot + "/Tests/DevicesTests/Findings"
    static let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".json") }.sorted()

    struct Message: Codable {
        var topic: String
        var payloadBase64: String

        var payload: [UInt8] { Array(Data(base64Encoded: payloadBase64) ?? Data()) }
    }

    @Test func thereAreSome() { #expect(!Self.files.isEmpty) }

    /// No crash, and nothing that breaks a rule.
    @Test(arguments: files) func isHarmless(_ file: String) throws {
        let messages = try JSONDecoder().decode([Message].self, from: Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(file)")))
        #expect(!messages.isEmpty)
        var trial = Trial(try shipped())
        for message in messages {
            #expect(Data(base64Encoded: message.payloadBase64) != nil, "\(file) is not base64")
            let result = message.payload.withUnsafeBytes { trial.take(topic: message.topic, payload: $0, arrivedAt: arrival) }
            #expect(result.brokenRule == nil)
        }
    }

    /// How many times the work of stepping over as many bytes a finding may be.
    static let workMax = 30.0

    /// Work is measured by the work of stepping over a string of the same length, with the same code in the same build on the same
    /// machine, and in the processor's time of this thread alone: a busy or slow machine changes both alike.
    @Test(arguments: files) func isQuick(_ file: String) throws {
        let messages = try JSONDecoder().decode([Message].self, from: Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(file)")))
        let catalogue = try shipped()
        // Short messages cost what a message costs, whatever its length.
        let bytes = max(4_096, messages.reduce(0) { $0 + $1.payload.count })
        let plain = [(topic: "zigbee2mqtt/a", payload: Array("{\"x\":\"\(String(repeating: "x", count: bytes))\"}".utf8))]
        let unit = Self.work(plain, catalogue)
        let work = Self.work(messages.map { ($0.topic, $0.payload) }, catalogue)
        #expect(work <= unit * Self.workMax, "\(file): \(work / unit) times")
    }

    /// Processor nanoseconds of the quickest of several times.
    private static func work(_ messages: [(topic: String, payload: [UInt8])], _ catalogue: Catalogue) -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
        }
        return (0..<7).map { _ in
            var trial = Trial(catalogue)
            let began = now()
            for (topic, payload) in messages {
                _ = payload.withUnsafeBytes { trial.take(topic: topic, payload: $0, arrivedAt: arrival) }
            }
            return now() - began
        }.min() ?? 0
    }

    /// The samples are what fuzzing starts from: none is missing, and none breaks a rule by itself.
    @Test func samplesBreakNoRule() throws {
        let catalogue = try shipped()
        let samples = catalogue.sampleMessages
        #expect(samples.count == catalogue.sampleCount)
        #expect(Set(samples.map(\.convention)).isSubset(of: Catalogue.conventionNames))
        for sample in samples {
            var trial = Trial(catalogue)
            for (topic, payload) in sample.before + [(sample.topic, sample.payload)] {
                let result = payload.withUnsafeBytes { trial.take(topic: topic, payload: $0, arrivedAt: sample.arrivedAt) }
                #expect(result.brokenRule == nil, "\(sample.convention), \(topic)")
            }
        }
    }

    @Test func everyBrokenRuleIsSeen() throws {
        let temperature = try #require(Quantity("temperature"))
        let sos = try #require(Quantity("sos"))
        func result(_ reading: DecodedReading, of device: String = "a") -> Trial.Result {
            var result = Trial.Result()
            result.readings = [(device, reading)]
            return result
        }
        let fine = DecodedReading(quantity: temperature, value: .number(21))
        #expect(Trial.Result().brokenRule == nil)
        #expect(result(fine).brokenRule == nil)
        #expect(result(fine, of: "").brokenRule == "An address is empty.")
        #expect(result(fine, of: String(repeating: "ä", count: 128)).brokenRule == nil)
        #expect(result(fine, of: String(repeating: "ä", count: 129)).brokenRule == "An address has more than 256 bytes.")
        #expect(result(DecodedReading(quantity: temperature, channel: String(repeating: "c", count: 257), value: .number(21))).brokenRule == "A channel has more than 256 bytes.")
        for number in [Double.nan, .infinity, -.infinity] {
            #expect(result(DecodedReading(quantity: temperature, value: .number(number))).brokenRule == "A value is not finite.")
        }
        #expect(result(DecodedReading(quantity: temperature, value: .boolean(true))).brokenRule == "A value is not of its quantity's kind.")
        #expect(result(DecodedReading(quantity: sos, value: .boolean(false))).brokenRule == "A value is not of its quantity's kind.")
        let late = Instant(milliseconds: Instant.distantFuture.milliseconds + 1)
        #expect(result(DecodedReading(quantity: temperature, value: .number(1), deviceTime: late)).brokenRule == "A device's time is outside of all years.")

        #expect(Trial.Result.refused("It is not JSON.").brokenRule == nil)
        #expect(Trial.Result.refused("").brokenRule == "A reason is empty.")
        #expect(Trial.Result.refused(String(repeating: "a", count: 599) + ".").brokenRule == nil)
        #expect(Trial.Result.refused(String(repeating: "a", count: 600) + ".").brokenRule == "A reason is longer than 600 characters.")
        for control in ["\n", "\u{7F}", "\u{85}", "\u{2028}", "\u{1B}"] {
            #expect(Trial.Result.refused("It \(control) is.").brokenRule == "A reason has a control character.")
        }
        #expect(Trial.Result.refused("no sentence").brokenRule == "A reason is not a sentence.")
        var mute = Trial.Result()
        mute.isUnderstood = false
        #expect(mute.brokenRule == "What is not understood has no reason.")
        var strange = Trial.Result()
        strange.convention = "nobody's"
        #expect(strange.brokenRule == "The convention is none of ours.")
        var announced = Trial.Result()
        announced.announces = [("", Declared(quantity: temperature))]
        #expect(announced.brokenRule == "An address is empty.")
        var available = Trial.Result()
        available.availability = true
        #expect(available.brokenRule == "An availability is of no device.")
        available.availabilityOf = "a"
        #expect(available.brokenRule == nil)
        available.availabilityOf = ""
        #expect(available.brokenRule == "An address is empty.")
    }
}
