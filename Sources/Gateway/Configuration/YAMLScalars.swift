import Care

extension YAMLReader {
    mutating func integer(_ value: YAMLValue, in range: ClosedRange<Int>, unit: String) -> Int? {
        let rule = "a whole number from \(range.lowerBound) to \(range.upperBound) (\(unit))"
        guard let text = text(value, rule) else { return nil }
        guard let n = Int(text.filter { $0 != "_" }), range.contains(n) else {
            note(value, "\(quoted(text)) is not \(rule).")
            return nil
        }
        return n
    }

    mutating func number(_ value: YAMLValue, in range: ClosedRange<Double>, _ what: String) -> Double? {
        guard let text = text(value, what) else { return nil }
        // `Double` also reads "nan" and hexadecimal, which are typing errors in a file like this.
        guard text.utf8.allSatisfy({ (48...57).contains($0) || "+-.eE".utf8.contains($0) }),
            let n = Double(text), range.contains(n)
        else {
            note(
                value,
                "\(quoted(text)) is not \(what): a number from \(JSON.double(range.lowerBound).text) to "
                    + "\(JSON.double(range.upperBound).text).")
            return nil
        }
        return n
    }

    mutating func flag(_ value: YAMLValue) -> Bool? {
        guard let text = text(value, "true or false") else { return nil }
        switch text {
        case "true": return true
        case "false": return false
        default:
            note(value, "\(quoted(text)) is not a yes or no here; write true or false.")
            return nil
        }
    }

    mutating func span(_ value: YAMLValue, from least: Span, to most: Span) -> Span? {
        guard let text = text(value, "a length of time such as 90s, 2m or 12h") else { return nil }
        guard let span = Span(text) else {
            note(value, "\(quoted(text)) is not a length of time; write a number with its unit, such as 90s, 2m or 12h.")
            return nil
        }
        guard span >= least, span <= most else {
            note(value, "\(quoted(text)) is not from \(least.inWords) to \(most.inWords).")
            return nil
        }
        return span
    }

    mutating func clock(_ value: YAMLValue) -> MinuteOfDay? {
        guard let text = text(value, "a time of day such as 07:30") else { return nil }
        guard let minute = MinuteOfDay(clock: text) else {
            note(value, "\(quoted(text)) is not a time of day from 00:00 to 23:59; write it like 07:30.")
            return nil
        }
        return minute
    }

    /// A name that `isUsableName` accepts.
    mutating func name(_ value: YAMLValue, _ what: String) -> String? {
        guard let text = text(value, what) else { return nil }
        guard isUsableName(text) else {
            note(value, "\(quoted(text)) cannot be \(what); use 1 to 40 of a-z, 0-9 and -, not beginning with -.")
            return nil
        }
        return text
    }

    /// One of an enumeration's values, in whatever case it is written.
    mutating func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ value: YAMLValue, _ what: String, of: Choice.Type = Choice.self
    ) -> Choice? {
        let names = Choice.allCases.map(\.rawValue)
        guard let text = text(value, "\(what): \(names.joined(separator: ", "))") else { return nil }
        if let found = Choice.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) { return found }
        note(value, unknown(text, what, among: names))
        return nil
    }

    /// "“x” is not a what; did you mean “y”?"
    func unknown(_ text: String, _ what: String, among names: [String]) -> String {
        let what = (what.first.map { "aeiou".contains($0) } ?? false) ? "an \(what)" : "a \(what)"
        if let meant = closest(to: text, among: names) {
            return "\(quoted(text)) is not \(what); did you mean \(quoted(meant))?"
        }
        guard names.count <= 20 else { return "\(quoted(text)) is not \(what)." }
        return "\(quoted(text)) is not \(what); use one of: \(names.joined(separator: ", "))."
    }
}

func quoted(_ text: String) -> String { "\u{201C}\(safeText(text, charactersMax: 60))\u{201D}" }

/// The name that was probably meant: the same but for case and separators, or at most two slips away,
/// and no more than a third of what was typed. The first of several equals.
func closest(to text: String, among names: [String]) -> String? {
    func plain(_ text: String) -> [Character] { text.lowercased().filter { $0 != "_" && $0 != "-" && $0 != " " } }
    guard text.utf8.count <= 80 else { return nil }
    let typed = plain(text)
    var best: (name: String, slips: Int)?
    for name in names {
        let slips = distance(typed, plain(name))
        guard slips <= 2, slips * 3 <= max(typed.count, 3), slips < best?.slips ?? .max else { continue }
        best = (name, slips)
    }
    return best?.name
}

/// Insertions, deletions and substitutions that lead from one to the other (V. I. Levenshtein, 1966).
private func distance(_ a: [Character], _ b: [Character]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in b.enumerated() {
            let next = min(diagonal + (x == y ? 0 : 1), row[j] + 1, row[j + 1] + 1)
            diagonal = row[j + 1]
            row[j + 1] = next
        }
    }
    return row[b.count]
}
