import Foundation
import GRDB

/// One run: a street is made, shaken and looked at.
final class Run {
    struct Settings {
        var seed: Int64
        var minutes: Double
        var kinds: [FaultKind]
        var binaries: String
    }
    static let mixedHomes = 4
    static let helpers = 4
    /// Waiting for the backlog and for open alerts once the faults are over, seconds.
    static let settleSecondsMax = 180.0

    private let settings: Settings
    private let say: (String) -> Void
    private let clock = RunClock()
    private var place: Place
    private var kinds: [FaultKind]
    private var report: Report
    private let publishers: [Publisher]
    private let responders: [Responder]
    private var losses = Losses()
    private var beganAt = 0
    private var brokerKilledAt = 0
    private var brokerHeldAt = 0
    /// How long the broker was stopped, and until when.
    private var brokerHolds: [(until: Int, milliseconds: Int)] = []
    private var poisonedSoFar = 0
    private var seed: UInt64 { UInt64(settings.seed) }

    init(_ settings: Settings, say: @escaping (String) -> Void) throws {
        self.settings = settings
        self.say = say
        kinds = settings.kinds
        report = Report(seed: settings.seed, minutes: settings.minutes)
        var publishers = (1...Self.mixedHomes).map { Publisher(number: $0 - 1, home: "home-\($0)", sort: .mixed) }
        publishers.append(Publisher(number: publishers.count, home: "uniform", sort: .uniform))
        publishers.append(Publisher(number: publishers.count, home: "flood", sort: .flooding))
        self.publishers = publishers
        responders = (1...Self.helpers).map { Responder(number: $0, name: "helper-\($0)") } + [Responder(number: 0, name: "coordinator")]
        place = try Place(binaries: settings.binaries, publishers: publishers.count, clock: clock)
    }

    /// - Throws: `TortureProblem` where the run itself could not be made. The place is closed in any case.
    func run() throws -> Report {
        do {
            try make()
            try shake()
            try settle()
            try look()
        } catch {
            place.close(isFailed: !Interruption.isAsked)
            if Interruption.isAsked { throw error }
            throw TortureProblem("\(error) Everything is kept in \(place.folder).")
        }
        if !report.findings.isGood { report.folder = place.folder }
        place.close(isFailed: !report.findings.isGood)
        return report
    }

    // MARK: Making the street

    private func make() throws {
        let (libraries, environment) = try prepareFaults()
        say("Making a street in \(place.folder) …")
        try place.startDaemon(libraries: libraries, environment: environment)
        try place.startBroker()
        try place.caring("circle", "add", "street", "--title", "The Street")
        for responder in responders {
            if responder.name == "coordinator" {
                try place.addLogin("coordinator", "add", responder.name, "--name", "The Coordinator")
            } else {
                try place.addLogin("helper", "add", responder.name, "--name", "Helper \(responder.name)", "--circle", "street")
            }
        }
        for publisher in publishers {
            let citizen = "\(publisher.home)-citizen"
            try place.addLogin("home", "add", publisher.home, "--circle", "street")
            try place.caring("citizen", "add", citizen, "--home", publisher.home, "--name", "Citizen of \(publisher.home)")
            for address in Kind.addresses { try place.caring("device", "claim", address, "--as", citizen) }
            try place.caring("consent", "grant", "--as", citizen, "--to", "circle:street", "--purpose", "emergency-response", "--about", "safety")
        }
        if kinds.contains(.poison) {
            try place.stopDaemon()
            try poisonDatabase()
            try place.startDaemon(libraries: libraries, environment: environment)
        }
        try place.wait("the gateway to reach the broker", seconds: 60) { try self.place.status()["connected"] == .bool(true) }
        // A broker that is asked to stop saves: from here on a killed one knows the gateway's session.
        place.stopBroker()
        try place.startBroker()
        try place.wait("the gateway to come back", seconds: 60) { self.place.proxy.seen.all.connects.last?.subscribedAt != nil && self.place.proxy.seen.all.connects.count > 1 }
    }

    /// Finds out what can be done here; what cannot is said.
    private func prepareFaults() throws -> (libraries: [String], environment: [String: String]) {
        var libraries: [String] = []
        var environment: [String: String] = [:]
        func skip(_ kind: FaultKind, _ sentence: String) {
            kinds.removeAll { $0 == kind }
            report.skipped.append(sentence)
            say("Skipped: \(sentence)")
        }
        if kinds.contains(.disk), !place.mountDisk(megabytes: 192 + Int(settings.minutes) * 8) {
            skip(.disk, "disk, because a small file system can only be mounted by root, and not in every container.")
        }
        if kinds.contains(.poison) {
            if let library = try Preload.poison(folder: place.folder) {
                libraries.append(library)
            } else {
                skip(.poison, "poison, because there is no C compiler.")
            }
        }
        if kinds.contains(.clock) {
            if let library = Preload.faketime() {
                libraries.append(library)
                environment = Preload.faketimeEnvironment(file: place.offsetFile)
                try Preload.setOffset(seconds: 0, file: place.offsetFile)
            } else {
                skip(.clock, "clock, because libfaketime is not installed.")
            }
        }
        return (libraries, environment)
    }

    /// From now on one kind of message makes its turn fail with an error that is none of the disk's.
    private func poisonDatabase() throws {
        let queue = try DatabaseQueue(path: place.database)
        try queue.write { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER poison BEFORE INSERT ON undecodable WHEN instr(CAST(NEW.payload AS TEXT), 'poison-throw')
                    BEGIN SELECT RAISE(ABORT, 'poison'); END
                    """)
        }
        try queue.close()
    }

    // MARK: Shaking it

    private func shake() throws {
        let milliseconds = Int(settings.minutes * 60_000)
        let schedule = Schedule(seed: seed, milliseconds: milliseconds, kinds: kinds)
        say("Shaking it: \(schedule.gateway.count) faults of the daemon, \(schedule.line.count) of broker and line …")
        beganAt = clock.milliseconds
        for publisher in publishers {
            publisher.start(port: place.brokerPort, password: place.passwords[publisher.home] ?? "", seed: seed, clock: clock)
        }
        for responder in responders {
            responder.start(port: place.brokerPort, password: place.passwords[responder.name] ?? "", seed: seed, clock: clock)
        }
        var lanes = [Lane(schedule.gateway, now: beganAt), Lane(schedule.line, now: beganAt)]
        var nextWord = beganAt + 60_000
        while true {
            let now = clock.milliseconds
            let isEnding = now >= beganAt + milliseconds
            for i in lanes.indices {
                while let step = lanes[i].next(now: now, isEnding: isEnding) { try perform(step) }
            }
            if isEnding && lanes.allSatisfy(\.isIdle) { break }
            if let problem = firstProblem { throw TortureProblem(problem) }
            if now >= nextWord {
                nextWord += 60_000
                say("\((now - beganAt) / 60_000) minutes; \(place.proxy.seen.all.deliveries) deliveries, \(report.daemonKills + report.brokerKills) kills.")
            }
            try Interruption.pause(milliseconds: 5)
        }
        for lane in lanes { report.faults.merge(lane.begun) { $0 + $1 } }
    }

    private var firstProblem: String? { (publishers.compactMap(\.problem) + responders.compactMap(\.problem)).first }

    private func perform(_ step: Step) throws {
        let daemon = place.daemon
        switch step {
        case .killDaemon:
            daemon?.kill()
            report.daemonKills += 1
        case .startDaemon: try daemon?.start()
        case .holdDaemon: daemon?.signal(SIGSTOP)
        case .releaseDaemon: daemon?.signal(SIGCONT)
        case .fillDisk:
            daemon?.setMayRefuse(true)
            try place.disk?.fill()
        case .emptyDisk:
            place.disk?.empty()
            daemon?.setMayRefuse(false)
        case .setClock(let seconds): try Preload.setOffset(seconds: seconds, file: place.offsetFile)
        case .publish(let kind):
            publishers[poisonedSoFar % Self.mixedHomes].order(kind)
            poisonedSoFar += 1
        case .flood(let messages):
            guard let flooding = publishers.last else { return }
            // A press in the middle of it, which has to count like any other.
            flooding.order(.numbered, count: messages / 2)
            flooding.order(.press)
            flooding.order(.numbered, count: messages / 2)
        case .order(let cut): place.proxy.order(cut)
        case .killBroker:
            place.killBroker()
            brokerKilledAt = clock.milliseconds
            report.brokerKills += 1
        case .emptyBroker: try? FileManager.default.removeItem(atPath: place.brokerDatabase)
        case .stopBroker:
            place.stopBroker()
            brokerKilledAt = 0
        case .startBroker:
            if brokerKilledAt > 0 {
                let held = brokerHolds.filter { $0.until > brokerKilledAt - 60_000 }.reduce(0) { $0 + $1.milliseconds }
                losses.killed(at: brokerKilledAt, backAt: clock.milliseconds, stoppedMilliseconds: held)
            }
            try place.startBroker()
        case .holdBroker:
            place.signalBroker(SIGSTOP)
            brokerHeldAt = clock.milliseconds
        case .releaseBroker:
            place.signalBroker(SIGCONT)
            brokerHolds.append((clock.milliseconds, clock.milliseconds - brokerHeldAt))
        }
    }

    // MARK: Coming to rest

    private func settle() throws {
        say("The faults are over; waiting for what is under way …")
        let began = clock.milliseconds
        for responder in responders { responder.settle() }
        // Before the gateway has subscribed, a session that was lost would take the last words with it.
        try place.wait("the gateway to reach the broker again", seconds: Self.settleSecondsMax) {
            guard let status = try? self.place.status() else { return false }
            return status["connected"] == .bool(true) && self.place.proxy.seen.all.connects.last?.subscribedAt != nil
        }
        // The last word of each home: when the gateway has acknowledged it, everything before it has come or never will.
        for publisher in publishers {
            publisher.order(.movement)
            publisher.finish()
        }
        do {
            try place.wait("every message to be acknowledged by the broker", seconds: Self.settleSecondsMax) { publishers.allSatisfy(\.hasFinished) }
            if let problem = firstProblem { throw TortureProblem(problem) }
            try place.wait("the gateway to take its backlog", seconds: Self.settleSecondsMax) {
                publishers.allSatisfy { place.proxy.seen.isAcknowledged(Mark(publisher: $0.number, number: $0.sent.count - 1)) }
            }
            report.drainedMilliseconds = clock.milliseconds - began
            try place.wait("the alerts to be ended by the helpers", seconds: Self.settleSecondsMax) {
                guard let status = try? place.status() else { return false }
                return status["openAlerts"]?.int == 0 && status["waiting"]?.int == 0
            }
            try place.wait("the helpers' clients to show nothing any more", seconds: 10) { responders.allSatisfy { $0.showing.isEmpty } }
        } catch let problem as TortureProblem where !Interruption.isAsked {
            // Not the end of the run: what is on disk says what is missing.
            report.findings.problems.append(problem.description)
        }
        for responder in responders { responder.stop() }
    }

    // MARK: Looking at it

    private func look() throws {
        guard let daemon = place.daemon else { return }
        report.daemonStarts = daemon.starts
        report.poisoned = daemon.poisoned
        report.refusals = daemon.refusals
        report.findings.problems += daemon.crashes
        let stopped = daemon.stop()
        if stopped.ending != .code(0) { report.findings.problems.append("The daemon did not stop in order: \(stopped.ending.map { "\($0)" } ?? "it had gone").") }
        if stopped.seconds > 5 { report.findings.problems.append("The daemon took \(Int(stopped.seconds)) s to stop.") }
        let seen = place.proxy.seen.all
        report.deliveries = seen.deliveries
        report.redeliveries = seen.redeliveries
        report.linesBroken = place.proxy.cuts
        report.answers = responders.reduce(0) { $0 + $1.answers }
        let sessionsLost = seen.connects.filter { !$0.sessionPresent && $0.milliseconds > beganAt }
        for connect in sessionsLost { losses.sessionLost(at: connect.milliseconds, subscribedAt: connect.subscribedAt) }
        report.findings.sessionsLost = sessionsLost.count
        let log = (try? String(contentsOfFile: place.daemonLog, encoding: .utf8)) ?? ""
        let noticed = log.components(separatedBy: "lost the gateway's session").count - 1
        report.findings.sessionLossesUnnoticed = max(0, sessionsLost.count { $0.hadAcknowledged } - noticed)

        say("Counting …")
        let evidence = try Evidence(database: place.database)
        if evidence.integrity != "ok" { report.findings.problems.append("SQLite finds the database damaged: \(evidence.integrity.prefix(200))") }
        var presses: [String: Int] = [:]
        for publisher in publishers {
            report.findings.account(
                .init(number: publisher.number, home: publisher.home, mayBeThinned: publisher.sort == .flooding, sent: publisher.sent), seen, losses, evidence)
            presses[publisher.home] = evidence.readings[.init(home: publisher.home, address: Kind.press.address, quantity: "sos")]?.count ?? 0
        }
        let shown = responders.reduce(into: Set<Int64>()) { $0.formUnion($1.shown) }
        report.findings.alertsRaised = evidence.alerts.count
        report.findings.alerts = AlertAccount.account(alerts: evidence.alerts, lastNumber: evidence.lastAlertNumber, pressesKept: presses, shown: shown)
    }
}
