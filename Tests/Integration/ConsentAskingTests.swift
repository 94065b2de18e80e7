import Foundation
import Testing

extension RealProcesses {
    /// `caring consent grant` on a terminal asks step by step, reads the sentence back, and gives it only after a yes.
    @Suite struct ConsentAsked {
        private func begin(_ street: Street) throws -> Terminal {
            try Terminal(Places.program("caring"), ["consent", "grant", "--as", "ada", "--data", street.data], folder: street.folder)
        }

        private func answer(_ terminal: Terminal, until: String = "2h", yes: String) throws -> (shown: String, code: Int32) {
            try terminal.wait(for: "Who may learn something?")
            // What is no answer is said so, and asked again.
            terminal.type("somebody")
            try terminal.wait(for: "Who may learn something?")
            terminal.type("circle:oak-street")
            try terminal.wait(for: "About what?")
            terminal.type("safety")
            try terminal.wait(for: "What for?")
            terminal.type("emergency-response")
            try terminal.wait(for: "How much at most?")
            terminal.type("")
            try terminal.wait(for: "When?")
            terminal.type("mon-fri 08:00-18:00")
            try terminal.wait(for: "Until when?")
            terminal.type(until)
            let said = try terminal.wait(for: "Is that what you mean?")
            #expect(said.contains("Oak Street") && said.contains("08:00"), "\(said)")
            terminal.type(yes)
            return try terminal.ended()
        }

        @Test func stepByStepUntilAYes() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            let no = try answer(begin(street), yes: "no")
            #expect(no.code == 1 && no.shown.contains("Nothing was changed."), "\(no)")
            #expect(try street.ask("consent", "list", "--as", "ada").isEmpty)
            let yes = try answer(begin(street), yes: "yes")
            #expect(yes.code == 0 && yes.shown.contains("(c"), "\(yes)")
            let given = try #require(try street.ask("consent", "list", "--as", "ada").first)
            #expect(given["to"]?.text == #"["circle:oak-street"]"# && given["data"]?.text == #"["safety"]"# && given["until"]?.string != nil)
            #expect(try street.ask("consent", "list", "--as", "ada").count == 1)
        }

        @Test func whoeverGoesAwayInTheMiddleHasGivenNothing() throws {
            let street = try Street()
            defer { street.close() }
            try street.addAda()
            let terminal = try begin(street)
            try terminal.wait(for: "Who may learn something?")
            terminal.type("circle:oak-street")
            try terminal.wait(for: "About what?")
            // The end of input, as Ctrl-D types it.
            terminal.type("\u{4}")
            let ended = try terminal.ended()
            #expect(ended.code == 1 && ended.shown.contains("Nothing was changed."), "\(ended)")
            #expect(try street.ask("consent", "list", "--as", "ada").isEmpty)
        }
    }
}
