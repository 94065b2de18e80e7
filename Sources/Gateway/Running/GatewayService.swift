import Care
import Devices
import Foundation
import Logging
import MQTT
import Notify
import ServiceLifecycle
import Store
import Synchronization

/// The running gateway: one thread that waits for the broker's socket, for a wake-up from HTTP or the
/// outbox, and for the next deadline, and runs the turns.
public final class GatewayService: Service, CommandPerformer {
    let configuration: GatewayConfiguration
    private let rules: RuleBook
    private let catalogue: Catalogue
    private let clock: any Clock
    private let metrics: GatewayMetrics
    private let log: Logger
    private let inbox = Inbox()
    private let aside = Aside()
    private let history = HistorySignal()
    let exports: Exports
    private let waker = Mutex<Waker?>(nil)
    /// Those who may speak for others on this machine: root and the gateway's own user.
    private let operatorUIDs: [UInt32] = [0, getuid()]

    public init(
        configuration: GatewayConfiguration, rules: RuleBook, catalogue: Catalogue, clock: any Clock = SystemClock(),
        metrics: GatewayMetrics = GatewayMetrics(), log: Logger
    ) {
        self.configuration = configuration
        self.rules = rules
        self.catalogue = catalogue
        self.clock = clock
        self.metrics = metrics
        self.log = log
        exports = Exports(log: log)
    }

    // MARK: CommandPerformer

    public func perform(_ command: Command, by caller: Caller) async -> Reply {
        guard case .alertWatch(let after, let waitSeconds) = command else { return await submit(command, caller) }
        let ends = clock.monotonic() + Int64(min(max(waitSeconds, 0), 30)) * 1_000_000_000
        var next = after
        while true {
            let turn = history.turn
            let reply = await submit(.alertWatch(after: next, waitSeconds: 0), caller)
            let left = ends - clock.monotonic()
            guard reply.outcome == .done, reply.say.isEmpty, left > 0 else { return reply }
            next = reply.next ?? next
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.history.wait(after: turn) }
                group.addTask { try? await Task.sleep(nanoseconds: UInt64(left)) }
                await group.next()
                group.cancelAll()
            }
            if Task.isCancelled { return Reply(next: next) }
        }
    }

    private func submit(_ command: Command, _ caller: Caller) async -> Reply {
        await withCheckedContinuation { continuation in
            if inbox.put(.command(command, caller, continuation)) {
                wake()
            } else {
                continuation.resume(returning: .failed("The gateway is busy or stopping. Try again in a moment."))
            }
        }
    }

    private func wake() { waker.withLock { $0?.wake() } }

    // MARK: Service

    /// Runs until a graceful shutdown or a failure to start.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
                let thread = Thread { [self] in
                    do {
                        try live()
                        done.resume()
                    } catch {
                        done.resume(throwing: error)
                    }
                }
                thread.name = "gateway"
                thread.stackSize = 8 << 20
                thread.start()
            }
        } onGracefulShutdown: {
            _ = self.inbox.put(.stop)
            self.history.close()
            self.wake()
        }
    }

    /// The thread: everything that is not `Sendable` lives and dies here.
    private func live() throws {
        defer { refuseTheRest() }
        let (engine, store, time, disk, recovered) = try openMakingRoom()
        @Sendable func now() -> Instant { time.now(monotonic: clock.monotonic()) }
        let access = BrokerAccess(folder: configuration.brokerFolderUsed, gatewayUser: configuration.mqttUser)
        let password = try MosquittoUsers.ownPassword(configured: configuration.mqttPassword, file: configuration.loginFile)
        engine.broker = MosquittoUsers(access: access, gatewayHash: try BrokerAccess.hash(password))
        engine.stopwatch = { [clock] in clock.monotonic() }
        let signal = history
        engine.onHistory = { signal.happened() }
        _ = engine.applyUsers()

        let client = try MQTTClient(
            try mqttConfiguration(password, store), clock: { now().milliseconds }, monotonicNanoseconds: clock.monotonic, logger: log)
        let phones = HTTPNotifier()
        engine.outbound = LiveOutbound(client: client, phones: phones) { [inbox, waker = client.waker] id, outcome in
            _ = inbox.put(.posted(id, outcome))
            waker.wake()
        }
        waker.withLock { $0 = client.waker }
        if let recovered { try resume(engine, store, after: recovered, disk.journal) }
        engine.journal = disk.journal
        exports.begin(store.exportSource)
        defer { exports.end() }
        beginAudit(engine)
        log.notice("The gateway is running.", metadata: ["broker": "\(configuration.mqttHost):\(configuration.mqttPort)"])
        try loop(engine, client, store, time, disk)
        shutDown(engine, client, store)
        let ended = DispatchSemaphore(value: 0)
        Task {
            try? await phones.shutdown()
            ended.signal()
        }
        _ = ended.wait(timeout: .now() + .seconds(1))
    }

    /// Without a key nothing can be signed; that keeps nobody from being helped.
    private func beginAudit(_ engine: Engine) {
        do { try engine.beginAudit(try AuditKeyFile.load(folder: configuration.dataFolder)) } catch {
            log.error("\(error)")
        }
    }

    /// Opens what is on disk, or, where that is damaged, the newest good copy of it.
    private func open() throws -> (Engine, Store, GatewayTime, DiskWatch, Recovered?) {
        let folder = configuration.dataFolder
        let backups = Backups(folder: folder, keep: configuration.limits.backupsKeptMax)
        var loaded: (Engine, GatewayTime)?
        let (store, recovered) = try Store.openRecovering(folder: folder, backups: backups, now: clock.wall()) { store in
            let time = GatewayTime(wall: clock.wall(), monotonic: clock.monotonic(), notBefore: try Engine.lastHeartbeat(store))
            let engine = try Engine(
                store: store, catalogue: catalogue, rules: rules, configuration: configuration,
                now: time.now(monotonic: clock.monotonic()), log: log)
            loaded = (engine, time)
        }
        guard let (engine, time) = loaded else { throw StoreError("The database could not be read.", detail: "not loaded") }
        let journal = try ActJournal(folder: folder)
        if let underway = Underway(folder: folder) {
            try engine.watchForFatal(underway)
        } else {
            log.warning("A message that ends the gateway could not be found out: the data folder has no room for 4 kB.")
        }
        let disk = DiskWatch(folder: folder, limits: configuration.limits, backups: backups, journal: journal, now: engine.now, log: log)
        return (engine, store, time, disk, recovered)
    }

    /// A start needs a little room, too: on a full disk it is what is kept for alerts.
    private func openMakingRoom() throws -> (Engine, Store, GatewayTime, DiskWatch, Recovered?) {
        do { return try open() } catch where StoreProblem(error) == .diskFull {
            Reserve(folder: configuration.dataFolder, bytes: Int64(configuration.limits.reserveMebibytes) << 20).release()
            return try open()
        }
    }

    /// What follows from a restore, once there is a way out for what has to be said.
    private func resume(_ engine: Engine, _ store: Store, after recovered: Recovered, _ journal: ActJournal) throws {
        try engine.noteRestored(recovered)
        let (done, failed) = try engine.repeatActs(of: journal, since: recovered.backupAt)
        log.notice("What people decided since the backup was done again.", metadata: ["done": "\(done)", "failed": "\(failed)"])
        try store.turn { try $0.forgetRecovered() }
    }

    private func loop(_ engine: Engine, _ client: MQTTClient, _ store: Store, _ time: GatewayTime, _ disk: DiskWatch) throws {
        func now() -> Instant { time.now(monotonic: clock.monotonic()) }
        var lastTurn = now()
        var nextHouse = now()
        var heldBackUntil = now()
        var work: [Work] = []
        var saidStatus: String?
        var isSweeping = false
        defer {
            for case .item(.command(_, _, let continuation)) in work {
                continuation.resume(returning: .failed("The gateway is stopping."))
            }
        }
        while true {
            let wait = (engine.nextWake ?? .distantFuture) - now()
            let milliseconds = max(heldBackUntil > now() ? 200 : 0, min(isSweeping ? 50 : 1_000, wait.milliseconds))
            // The process was stopped or the machine slept: what came due meanwhile is done now, not as if
            // people had had their time.
            func wakeUp() {
                let present = now()
                if present - lastTurn > .seconds(5) { engine.resume(at: present) }
                lastTurn = present
                engine.noteLateness(at: present)
            }
            let events = client.pass(timeoutMilliseconds: Int32(clamping: milliseconds)) { burst in
                wakeUp()
                try keep(burst, engine, client, store, disk)
            }
            wakeUp()
            let present = now()
            // What a connection and its loss mean for memory holds at once and in order, also while the disk says no.
            for event in events {
                switch event {
                case .connected(let sessionPresent): engine.noteConnected(sessionPresent: sessionPresent)
                case .connectionRefused, .unreachable, .disconnected, .takenOver, .brokenOff:
                    engine.disconnected()
                    saidStatus = nil
                    // What a connection that is gone still wanted done.
                    work.removeAll { $0.isOfConnection }
                case .published(let mid):
                    // Its number is good only while the connection lasts; what it was about stays.
                    if engine.feedPublished(mid) { continue }
                    if let id = engine.noticeInFlight(mid) { work.append(.sent(id)) }
                    continue
                case .publishRefused(let mid, let code):
                    if engine.feedPublished(mid, refused: true) { continue }
                    if let id = engine.noticeInFlight(mid) { work.append(.notTaken(id, "the broker refused it (reason \(code))")) }
                    continue
                case .subscribed, .subscriptionRefused: break
                }
                if case .unreachable = event { engine.noteBrokerDown() }
                work.append(.event(event))
            }
            if !engine.asksForDuplicates { client.stopLookingForDuplicates() }
            metrics.comeRound(engine, at: present)
            do {
                // What could not be written down stays in `work`, in its order, and is tried again.
                work.append(contentsOf: inbox.takeAll().map(Work.item))
                let isHeldBack = present < heldBackUntil
                var failed: (any Error)?
                if !isHeldBack {
                    // While nothing could be written down, time stood still: nobody's time to answer ran out then.
                    if present - engine.now > .seconds(5) { engine.resume(at: present) }
                    do { try engine.catchUp(to: present) } catch { failed = error }
                }
                do {
                    if try performAll(&work, itemsOnly: isHeldBack, engine, client, store) == .stop { return }
                } catch { failed = failed ?? error }
                if let failed { throw failed }
                if !isHeldBack { try engine.runOutbox() }
                if engine.degraded == nil, present >= heldBackUntil {
                    isSweeping = try engine.sweep()
                    if let since = engine.copiesHoldErasedSince {
                        if disk.renewCopies(store, since: since, now: present) { try engine.noteCopiesRenewed() }
                    } else {
                        disk.backUpIfDue(store, now: present)
                    }
                }
                if present >= nextHouse {
                    nextHouse = present + .minutes(1)
                    try engine.keepHouse()
                    noteJump(engine, time)
                }
            } catch {
                // The disk said no. Nothing was acknowledged and nothing is forgotten; it is tried again.
                log.error("A turn could not be written down; it is tried again.", metadata: ["error": "\(error)"])
                heldBackUntil = now() + .seconds(1)
                if let problem = StoreProblem(error) { disk.failed(problem, engine, store) }
            }
            disk.look(engine, store)
            if engine.degraded?.problem == .corrupt { throw endedByDamage() }
            say(engine, client, &saidStatus)
            // Live, an SOS must not wait behind a long burst; what waited is taken in long ones.
            client.burstMillisecondsMax = engine.isListening && engine.degraded == nil ? Self.liveBurstMillisecondsMax : nil
        }
    }

    /// Messages that arrive within so many milliseconds are one burst, once everything that had waited is taken.
    static let liveBurstMillisecondsMax = 20

    /// Keeps a burst. While the disk says no only what cannot wait is taken, and nothing acknowledged.
    private func keep(_ burst: borrowing Burst, _ engine: Engine, _ client: MQTTClient, _ store: Store, _ disk: DiskWatch) throws {
        if engine.degraded == nil {
            do { return try engine.take(burst, measuredBy: metrics, monotonic: clock.monotonic) } catch {
                guard let problem = StoreProblem(error) else { throw error }
                disk.failed(problem, engine, store)
            }
        }
        // What else waits is looked through for alarms, too, before the connection is dropped.
        client.withhold()
        engine.noteWithheld(burst)
        do { try engine.takeUrgent(burst) } catch {
            log.error("Not even alarms can be written down.", metadata: ["error": "\(error)"])
        }
    }

    /// The next start finds the damage and goes on from a backup.
    private func endedByDamage() -> StoreError {
        Store.markBroken(folder: configuration.dataFolder)
        return StoreError(
            "The database is damaged, so the gateway ends. Start it again: it goes on from its newest backup if there is one.", detail: "corrupt")
    }

    /// What `gateway/status` says, retained, as soon as it has changed.
    private func say(_ engine: Engine, _ client: MQTTClient, _ said: inout String?) {
        let status = engine.degraded.map { "degraded: \($0.problem.words)" } ?? "online"
        client.setWill(payload: Array((engine.degraded == nil ? "offline" : status).utf8))
        guard client.isConnected, said != status, let topic = try? Topic("gateway/status") else { return }
        do {
            try client.publish(topic: topic, payload: status, qos: 1, retain: true)
            try client.flush()
            said = status
        } catch {
            log.debug("The status could not be said yet.", metadata: ["error": "\(error)"])
        }
    }

    /// What other threads and the broker's connection have for the turns. Bounded by the inbox, and by one
    /// pass's events and unconfirmed publications.
    private enum Work {
        case event(MQTTEvent)
        case sent(NoticeID)
        case notTaken(NoticeID, String)
        case item(Inbox.Item)

        var isItem: Bool { if case .item = self { true } else { false } }
        /// What is to be done with a connection as long as it is there.
        var isOfConnection: Bool {
            switch self {
            case .event(.connected), .event(.subscribed): true
            default: false
            }
        }

        /// It could not be done and is not tried again: whoever waits for it is told.
        func refuse() {
            if case .item(.command(_, _, let continuation)) = self {
                continuation.resume(returning: .failed("This could not be done. The gateway's log says why."))
            }
        }
    }
    private enum Next { case goOn, stop }

    /// Each by itself: what cannot be written down stays for later and holds up nothing behind it.
    private func performAll(
        _ work: inout [Work], itemsOnly: Bool, _ engine: Engine, _ client: MQTTClient, _ store: Store
    ) throws -> Next {
        var left: [Work] = []
        var failed: (any Error)?
        while !work.isEmpty {
            let next = work.removeFirst()
            if itemsOnly && !next.isItem {
                left.append(next)
                continue
            }
            do {
                if try perform(next, engine, client, store) == .stop {
                    work = left + work
                    return .stop
                }
            } catch where StoreProblem(error) == nil {
                // Trying again would fail again.
                log.critical("Something could not be done and is left out.", metadata: ["error": "\(type(of: error)) \(error)"])
                next.refuse()
            } catch {
                failed = failed ?? error
                left.append(next)
            }
        }
        work = left
        if let failed { throw failed }
        return .goOn
    }

    private func perform(_ work: Work, _ engine: Engine, _ client: MQTTClient, _ store: Store) throws -> Next {
        switch work {
        case .event(let event): try take(event, engine, client, store)
        case .sent(let id): try engine.sent(id)
        case .notTaken(let id, let reason): try engine.failed(id, reason, final: false)
        case .item(.command(let command, let caller, let continuation)):
            switch engine.begin(command, by: caller, operatorUIDs: operatorUIDs) {
            case .reply(let reply): continuation.resume(returning: reply)
            case .aside(let work): aside.perform(work, continuation)
            }
        case .item(.posted(let id, let outcome)): try engine.posted(id, outcome)
        case .item(.stop): return .stop
        }
        return .goOn
    }

    private func noteJump(_ engine: Engine, _ time: GatewayTime) {
        let jump = time.jump(wall: clock.wall(), monotonic: clock.monotonic())
        if jump != nil && engine.clockJump == nil {
            log.warning("The system's clock jumped; the gateway goes on with its own time.", metadata: ["by": "\(jump?.inWords ?? "")"])
        }
        engine.clockJump = jump
    }

    private func take(_ event: MQTTEvent, _ engine: Engine, _ client: MQTTClient, _ store: Store) throws {
        switch event {
        case .connected(let sessionPresent):
            log.notice("Connected to the broker.", metadata: ["sessionPresent": "\(sessionPresent)"])
            // Where the disk held this back, the connection may be gone again.
            if client.isConnected { try engine.connected(sessionPresent: sessionPresent) }
        case .subscribed:
            // Comes back behind everything that waited at the broker.
            if let marker = try? Topic(Engine.markerTopic) { _ = try? client.publish(topic: marker, payload: engine.markerPayload, qos: 1, retain: false) }
            try store.turn { try $0.setSubscriptions(wantedFilters) }
        case .subscriptionRefused(let filter, let code):
            log.error("The broker refused a subscription; check its access list.", metadata: ["filter": "\(filter)", "code": "\(code)"])
        case .connectionRefused(let failure):
            log.error("\(failure)", metadata: ["detail": "\(failure.debugDescription)"])
        case .unreachable(let failure):
            log.warning("\(failure)", metadata: ["detail": "\(failure.debugDescription)"])
        case .disconnected(let failure):
            log.warning("\(failure)", metadata: ["detail": "\(failure.debugDescription)"])
        case .takenOver:
            log.error("Another gateway connected to the broker with the same client id. Stop one of them.")
        case .published, .publishRefused: break  // Taken apart before; see `loop`.
        case .brokenOff(let kind):
            log.error("A burst could not be written down; nothing of it was acknowledged.", metadata: ["error": "\(kind)"])
        }
    }

    private func shutDown(_ engine: Engine, _ client: MQTTClient, _ store: Store) {
        exports.end()
        // SIGTERM ends this within seconds: one word to the broker if it is there, no waiting for it.
        if client.isConnected, let topic = try? Topic("gateway/status") {
            _ = try? client.publish(topic: topic, payload: "offline", qos: 1, retain: true)
            try? client.flush()
        }
        client.disconnect()
        do {
            try engine.keepHouse()
            // A copy of `caring.sqlite` alone is then a copy of everything.
            try store.checkpoint()
            try store.close()
        } catch {
            log.error("The database could not be closed cleanly.", metadata: ["error": "\(error)"])
        }
        log.notice("The gateway has stopped.")
    }

    private func refuseTheRest() {
        for item in inbox.close() {
            if case .command(_, _, let continuation) = item {
                continuation.resume(returning: .failed("The gateway is stopping."))
            }
        }
        history.close()
        waker.withLock { $0 = nil }
    }
}
