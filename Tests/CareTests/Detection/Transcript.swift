import Care

/// Plays the lines of a transcript that are not indented, and gives back the transcript as it went.
///
///     08:00 home elm-3
///     08:00 device 4 every 10m
///     08:00 series 17 door of 4
///     08:05 17 = true
///     08:05 17 = false at 08:01
///     08:05 heard 4
///     08:05 release 4
///     08:05 restart
///     09:00 wait
func playTranscript(_ transcript: String, rules: [Rule], zone: Zone = .utc) throws -> String {
    var world = DetectorWorld(rules: rules)
    for line in transcript.split(separator: "\n") where !line.hasPrefix(" ") {
        var words = line.split(separator: " ").map(String.init)
        let now = try instant(&words)
        world.lines.append(String(line))
        // What was due shows beneath the input before which it ran.
        world.advance(to: now)
        guard let verb = words.first else { throw UnreadableTranscript(line: String(line)) }
        switch (verb, words.count) {
        case ("home", 2): world.addHome(.init(id: HomeID(words[1]), zone: zone, at: now))
        case ("device", 2...):
            world.addDevice(
                .init(
                    id: DeviceID(try number(words[1])), home: world.homes.last?.id ?? "none",
                    expected: words.count == 4 ? Span(words[3]) : nil, claimedAt: now))
        case ("series", 5):
            world.addSeries(
                .init(
                    id: SeriesID(try number(words[1])), device: DeviceID(try number(words[4])),
                    quantity: theQuantity(words[2]), at: now))
        case ("heard", 2): world.heard(DeviceID(try number(words[1])), at: now)
        case ("release", 2): world.release(DeviceID(try number(words[1])))
        case ("leave", 2): world.removeHome(HomeID(words[1]))
        case ("restart", 1): try world.restart()
        case ("wait", 1): break
        case (_, 3...) where words[1] == "=":
            var at = now
            if words.count > 4 {
                var rest = Array(words[4...])
                at = try instant(&rest)
            }
            let value: Value =
                switch words[2] {
                case "true": .boolean(true)
                case "false": .boolean(false)
                default: .number(Double(words[2]) ?? .nan)
                }
            world.observe(
                Reading(series: SeriesID(try number(verb)), at: at, source: .device, value: value), now: now)
        default: throw UnreadableTranscript(line: String(line))
        }
    }
    return world.lines.joined(separator: "\n")
}

struct UnreadableTranscript: Error { var line: String }

private func number(_ text: String) throws -> Int32 {
    guard let number = Int32(text) else { throw UnreadableTranscript(line: text) }
    return number
}

/// Takes `08:05` or `+2 08:05` off the front.
private func instant(_ words: inout [String]) throws -> Instant {
    guard let first = words.first else { throw UnreadableTranscript(line: "") }
    var days: Int64 = 0
    if first.hasPrefix("+") {
        days = Int64(first.dropFirst()) ?? 0
        words.removeFirst()
    }
    guard let time = words.first else { throw UnreadableTranscript(line: first) }
    words.removeFirst()
    let parts = time.split(separator: ":").compactMap { Int64($0) }
    guard parts.count >= 2 else { throw UnreadableTranscript(line: time) }
    return transcriptStart + .days(days) + .hours(parts[0]) + .minutes(parts[1])
        + .seconds(parts.count > 2 ? parts[2] : 0)
}
