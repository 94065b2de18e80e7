import Care
import Testing

@testable import Devices

@Suite struct SleepAsAndroidTests {
    @Test func eachPhoneIsADevice() throws {
        let catalogue = try shipped()
        #expect(catalogue.route(topicBelowHome: "SleepAsAndroid")?.device == "sleep-as-android/phone")
        #expect(catalogue.route(topicBelowHome: "SleepAsAndroid/Rose's")?.device == "sleep-as-android/Rose's")
        for topic in ["SleepAsAndroid/", "SleepAsAndroid/a/b", "SleepAsAndroids", "sleepasandroid"] { #expect(catalogue.route(topicBelowHome: topic) == nil) }
    }

    /// `value1` of an alarm is when it is to ring: never the time of what is read.
    @Test func eventsMeanWhatTheProfileSays() throws {
        let catalogue = try shipped()
        func values(_ event: String) throws -> Decoded { try catalogue.decode("SleepAsAndroid", #"{"value1":"1999999999999","event":"\#(event)"}"#) }
        #expect(try values("deep_sleep").values == ["sleeping": .boolean(true)])
        #expect(try values("deep_sleep").readings.first?.deviceTime == nil)
        #expect(try values("awake").values == ["sleeping": .boolean(false)])
        #expect(try values("sound_event_cough").values == ["sound/cough": .boolean(true)])
        for event in ["alarm_alert_dismiss", "alarm_snooze_clicked", "apnea_alarm", "lullaby_start", "", "AWAKE", "awake "] {
            #expect(try values(event).outcome == .nothing)
        }
        for payload in ["awake", "{}", #"{"event":1}"#, #"["awake"]"#, #"{"event":"awake""#] {
            #expect(try catalogue.decode("SleepAsAndroid", payload).reason != nil)
        }
    }

    @Test func theTopicMayBeAnother() throws {
        let files = try TemporaryProfiles([("sleep-as-android/a.yaml", "topic: bed/sleep\nevents: {rem: {quantity: sleeping, category: mindfulness, value: true}}")])
        let catalogue = try Catalogue.load(folder: files.folder)
        #expect(try catalogue.decode("bed/sleep/left", #"{"event":"rem"}"#).values == ["sleeping": .boolean(true)])
        for text in ["topic: a\nevents: {rem: sleeping}", "topic: a/#\nevents: {}", "topic: a", "topic: a\nevents: {rem: {quantity: sleeping, category: health, value: true}}"] {
            let bad = try TemporaryProfiles([("sleep-as-android/a.yaml", text)])
            #expect(throws: ProfileError.self) { try Catalogue.load(folder: bad.folder) }
        }
    }
}
