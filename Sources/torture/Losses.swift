/// When the broker may have lost what it had acknowledged. Milliseconds of the run's steady time.
struct Losses: Sendable {
    /// `autosave_interval` of config/mosquitto.conf.
    static let autosaveMilliseconds = 10_000
    /// The broker looks at its clock once a second and then has to write the file.
    static let saveSlackMilliseconds = 3_000
    /// An acknowledgement is noted this much after it was sent, at most.
    static let notedWithinMilliseconds = 1_000

    struct Window: Hashable, Sendable {
        var from: Int
        var until: Int
        /// When the broker was killed, or turned out to have lost the session.
        var at: Int
        var isSession = false
    }
    private(set) var windows: [Window] = []

    /// SIGKILL at `at`: it may have lost what it acknowledged since its last save.
    ///
    /// - Parameters:
    ///   - backAt: when the next one was started.
    ///   - stoppedMilliseconds: how long it was stopped since then; it saved nothing in that time.
    mutating func killed(at: Int, backAt: Int, stoppedMilliseconds: Int) {
        windows.append(
            Window(from: at - Self.autosaveMilliseconds - Self.saveSlackMilliseconds - stoppedMilliseconds, until: backAt + Self.notedWithinMilliseconds, at: at))
    }

    /// The broker knew no session of the gateway at `at`: all that waited in it is gone, and what came until the gateway
    /// had subscribed again was for nobody. The gateway has to have noticed (`Findings.sessionLossesUnnoticed`).
    ///
    /// - Parameter subscribedAt: nil: never again.
    mutating func sessionLost(at: Int, subscribedAt: Int?) {
        windows.append(Window(from: .min, until: subscribedAt.map { $0 + Self.notedWithinMilliseconds } ?? .max, at: at, isSession: true))
    }

    /// The loss that excuses a message that the broker acknowledged at this time; nil where none does. What a kill
    /// explains needs no lost session.
    func excuse(acknowledgedAt: Int) -> Window? {
        let all = windows.filter { $0.from <= acknowledgedAt && acknowledgedAt <= $0.until }
        return all.first { !$0.isSession } ?? all.first
    }
}
