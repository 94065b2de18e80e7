import ArgumentParser
import Audit
import Care
import Foundation

/// Asks the gateway for chains, page by page, as the lines of an export.
struct AuditLines {
    var globals: Globals
    var citizen: String?

    enum Piece {
        case line(ChainLine)
        case finding(AuditFinding)
        /// What the gateway has to say besides.
        case note(String)
    }
    struct Problem: Error, CustomStringConvertible { var description: String }

    /// Page by page: nothing piles up.
    func forEach(_ body: (Piece) throws -> Void) async throws {
        var state = State.chains(after: 0)
        while true {
            let (pieces, isOver) = try await next(&state)
            for piece in pieces { try body(piece) }
            if isOver { return }
        }
    }

    private enum State {
        case chains(after: Int64)
        /// Of these chains, the first one.
        case proofs([Int64], headers: [ChainHeader], next: Int64?, before: String?)
        case entries([Int64], headers: [ChainHeader], next: Int64?, after: Int64)
        case rows([Int64], headers: [ChainHeader], next: Int64?, after: Int64)
    }

    private func next(_ state: inout State) async throws -> ([Piece], Bool) {
        switch state {
        case .chains(let after):
            let reply = try await say(.chains(citizen: citizen, after: after))
            let headers = try lines(reply).compactMap { if case .chain(let header) = $0 { header } else { nil } }
            guard let first = headers.first else { return (reply.say.map { .note($0) }, true) }
            state = .proofs(headers.map(\.citizen), headers: headers, next: reply.next, before: nil)
            return ([.line(.chain(first))], false)
        case .proofs(let chains, let headers, let next, let before):
            let proofs = try lines(try await say(.proofs(chain: chains[0], before: before))).compactMap { if case .proof(let proof) = $0 { proof } else { nil } }
            state =
                if let oldest = proofs.last { .proofs(chains, headers: headers, next: next, before: oldest.signed.day) } else {
                    .entries(chains, headers: headers, next: next, after: 0)
                }
            return (proofs.map { .line(.proof($0)) }, false)
        case .entries(let chains, let headers, let next, let after):
            let reply = try await say(.page(chain: chains[0], after: after))
            var pieces = try pieces(reply)
            if let last = reply.next {
                state = .entries(chains, headers: headers, next: next, after: last)
            } else {
                var last = after
                for case .line(.entry(let entry)) in pieces { last = max(last, entry.n) }
                pieces.append(.line(.end(ChainEnd(entries: last))))
                state = .rows(chains, headers: headers, next: next, after: 0)
            }
            return (pieces, false)
        case .rows(let chains, let headers, let next, let after):
            let reply = try await say(.rows(chain: chains[0], after: after))
            var pieces = try pieces(reply) + reply.say.map { .note($0) }
            if let last = reply.next {
                state = .rows(chains, headers: headers, next: next, after: last)
            } else if headers.count > 1 {
                pieces.append(.line(.chain(headers[1])))
                state = .proofs(Array(chains.dropFirst()), headers: Array(headers.dropFirst()), next: next, before: nil)
            } else if let next {
                state = .chains(after: next)
            } else {
                return (pieces, true)
            }
            return (pieces, false)
        }
    }

    private func say(_ query: AuditQuery) async throws -> Reply {
        let reply = try await globals.connection.say(.audit(query), as: globals.call.person, by: globals.call.delegate).reply
        guard reply.outcome == .done else { throw Problem(description: reply.say.joined(separator: " ")) }
        return reply
    }

    private func lines(_ reply: Reply) throws -> [ChainLine] {
        try reply.items.compactMap(\.string).map { text in
            guard let line = ChainLine(Data(text.utf8)) else { throw Problem(description: "The gateway speaks of its chains in a way that this program does not know: see that both are of the same version.") }
            return line
        }
    }

    private func pieces(_ reply: Reply) throws -> [Piece] {
        try lines(reply).map { .line($0) }
            + reply.items.compactMap { item in
                guard let what = item["finding"]?.string.flatMap({ AuditFinding.What(rawValue: $0) }), let say = item["say"]?.string else { return nil }
                return .finding(AuditFinding(what, item["entry"]?.int, say))
            }
    }
}

extension AuditCommand {
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find any entry that was altered, left out or put elsewhere, and name it.",
            discussion: """
                Your own chain; for an operator all of them, without what stands in them. With --file an export, and no gateway is needed.

                Example: caring audit verify --proof proof-of-last-week.json
                """)
        @Option(help: ArgumentHelp("An export, instead of the gateway's.", valueName: "file")) var file: String?
        @Option(help: ArgumentHelp("Proofs that you have saved, or sealed ones from the broker; the chain has to fit them, too.", valueName: "file")) var proof: String?
        @Option(help: ArgumentHelp("The gateway's public key, from caring audit key.", valueName: "file")) var key: String?
        @Option(help: "Whose; nobody named: yours.") var citizen: String?
        @OptionGroup var globals: Globals

        func run() async throws {
            let printer = Printer(asJSON: globals.call.json)
            do {
                let trusted = try key.map(Self.readKey)
                let (proofs, sealed) = try proof.map { try ChainFileVerifier.saved(path: $0) } ?? ([], [])
                var notes: [String] = []
                let reports: [(header: ChainHeader, report: AuditReport)]
                if let file {
                    reports = try ChainFileVerifier.verify(path: file, key: trusted, proofs: proofs, sealed: sealed)
                } else {
                    var verifier = ChainFileVerifier(key: trusted, proofs: proofs, sealed: sealed)
                    try await AuditLines(globals: globals, citizen: citizen).forEach { piece in
                        switch piece {
                        case .line(let line): try verifier.take(line)
                        case .finding(let finding): verifier.add(finding)
                        case .note(let note): notes.append(note)
                        }
                    }
                    reports = verifier.finish()
                }
                if trusted == nil, reports.contains(where: { $0.report.proofs > 0 }) {
                    notes.append("Each proof was held against the key that stands in it. That it is the gateway's own shows --key FILE, with a file from caring audit key that was kept elsewhere.")
                }
                for (header, report) in reports { printer.print(text: globals.call.json ? Self.json(header, report) : Self.words(header, report)) }
                if !globals.call.json || reports.isEmpty { for note in notes { printer.note(note) } }
                if reports.contains(where: { !$0.report.isSound }) { throw ExitCode.failure }
            } catch {
                try complain(error, printer)
            }
        }

        private static func readKey(_ path: String) throws -> Data {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8),
                let key = Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines)), key.count == 32
            else { throw AuditLines.Problem(description: "There is no public key in \(safeText(path)): make the file with caring audit key.") }
            return key
        }

        private static func words(_ header: ChainHeader, _ report: AuditReport) -> String {
            let whose = header.name.map { "The chain of \(safeText($0))" } ?? "The chain of person \(header.citizen)"
            let entries = "\(report.entries) \(report.entries == 1 ? "entry" : "entries")"
            let proofs = report.newestProof.map { "\(report.proofs) \(report.proofs == 1 ? "proof" : "proofs"), the newest of \($0)" } ?? "no proof yet"
            var lines = [
                report.isSound
                    ? "\(whose) is whole and as it was written: \(entries), \(proofs)."
                    : "\(whose) is not as it was written (\(entries), \(proofs)):"
            ]
            lines += report.findings.map { "  \($0.sentence)" }
            if report.findingsLeftOut > 0 { lines.append("  And \(report.findingsLeftOut) more of the kind.") }
            lines += report.notes
            return lines.joined(separator: "\n")
        }

        private static func json(_ header: ChainHeader, _ report: AuditReport) -> String {
            JSON.object([
                "chain": .int(header.citizen), "citizen": .optional(header.name), "sound": .bool(report.isSound), "entries": .int(report.entries),
                "erased": .int(report.erased), "proofs": .int(Int64(report.proofs)), "newestProof": .optional(report.newestProof),
                "findings": .array(
                    report.findings.map {
                        .object(["finding": .string($0.what.rawValue), "entry": $0.n.map { .int($0) } ?? .null, "say": .string($0.sentence)])
                    }),
                "findingsLeftOut": .int(Int64(report.findingsLeftOut)), "notes": .strings(report.notes),
            ]).text
        }
    }
}
