import Care
import Foundation
import Testing

/// Recipients, data and hours as they are typed, and as they stand in JSON.
@Suite struct ConsentTextTests {
    @Test(arguments: [
        "helper:maria", "helper:*", "circle:oak-street", "coordinator:carla", "coordinator:*", "service:clinic",
        "service:*", "anyone",
    ])
    func `recipients are read as they are written`(text: String) throws {
        let pattern = try RecipientPattern(text: text)
        #expect(pattern.text == text)
        #expect(try JSONDecoder().decode([RecipientPattern].self, from: JSONEncoder().encode([pattern])) == [pattern])
    }

    @Test(arguments: ["", "helper", "helper:", "helper:Maria", "circle:*", "friend:tom", "anyone:*", "helper:a:b", "*"])
    func `other recipients are refused`(text: String) {
        #expect(throws: ConsentTextError.self) { try RecipientPattern(text: text) }
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([RecipientPattern].self, from: JSONEncoder().encode([text]))
        }
    }

    @Test(arguments: ["everything", "safety", "family", "quantity:heart_rate", "device:12", "identity"])
    func `data are read as they are written`(text: String) throws {
        let pattern = try DataPattern(text: text)
        #expect(pattern.text == text)
        #expect(try JSONDecoder().decode([DataPattern].self, from: JSONEncoder().encode([pattern])) == [pattern])
    }

    @Test func `a bare quantity is read too`() throws {
        #expect(try DataPattern(text: "heart_rate").text == "quantity:heart_rate")
    }

    @Test(arguments: ["", "Safety", "device:", "device:-1", "device:99999999999", "quantity:safety", "address"])
    func `other data are refused`(text: String) {
        #expect(throws: ConsentTextError.self) { try DataPattern(text: text) }
    }

    @Test(arguments: [
        "22:00-07:00", "mon-fri 08:00-18:00", "sat,sun 10:00-24:00", "mon-wed,fri 00:00-24:00", "mon-sun 12:00-12:00",
    ])
    func `hours are read as they are written`(text: String) throws {
        #expect(try HourWindow(text: text).text == text)
    }

    @Test func `days may run over the end of the week`() throws {
        let window = try HourWindow(text: "sat-mon,sun 10:00-12:00")
        #expect(window.days == [.monday, .saturday, .sunday])
    }

    @Test(arguments: [
        "", "22:00", "24:00-07:00", "7:00-8:00", "mon- 08:00-09:00", "mon,, 08:00-09:00", "xyz 08:00-09:00",
        "08:00-09:00 mon", "+8:00-09:00", "08:00-24:01", "mon-tue-wed 08:00-09:00",
    ])
    func `other hours are refused`(text: String) {
        #expect(throws: ConsentTextError.self) { try HourWindow(text: text) }
    }
}
