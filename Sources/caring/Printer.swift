import Care
import Foundation

/// Puts replies on the terminal: sentences, or with `--json` one object a line.
struct Printer {
    /// Nothing that the gateway says is as long as this.
    static let lineCharactersMax = 1_000_000

    var asJSON: Bool

    /// What was done goes to the standard output, what was not to the standard error.
    func print(_ answer: GatewayAnswer) {
        if answer.reply.outcome != .done {
            complain(answer.reply)
        } else {
            write(asJSON ? answer.itemTexts : answer.reply.say, to: STDOUT_FILENO)
        }
    }

    func print(_ problem: GatewayProblem) { complain(.failed(problem.sentence)) }

    /// Lines that are for a program.
    func print(text: String) { write(text.split(separator: "\n").map(String.init), to: STDOUT_FILENO) }

    /// A word to the person at the terminal that is no part of the answer.
    func note(_ sentence: String) { write([sentence], to: STDERR_FILENO) }

    private func complain(_ reply: Reply) {
        if asJSON {
            let object: JSON = .object(["outcome": .string(reply.outcome.rawValue), "say": .strings(reply.say)])
            write([object.text], to: STDERR_FILENO)
        } else {
            write(reply.say, to: STDERR_FILENO)
        }
    }

    /// Written at once and not through a buffer, so that a pipe gets every line when it happens.
    private func write(_ texts: [String], to descriptor: Int32) {
        guard !texts.isEmpty else { return }
        var out = ""
        for text in texts {
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                out += safeText(line, charactersMax: Self.lineCharactersMax)
                out += "\n"
            }
        }
        var rest = Array(out.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                // Whoever read this has gone, e.g. `caring … | head`.
                Glibc.exit(1)
            }
            rest = rest.dropFirst(count)
        }
    }
}
