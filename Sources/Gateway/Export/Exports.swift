import Care
import Foundation
import Logging
import Store
import Synchronization

/// Writes exports on threads of their own, beside the turns: each reads one snapshot of the database.
public final class Exports: Sendable {
    /// At the same time. Each needs one of the store's readers and some memory.
    static let atOnceMax = 2

    private struct State {
        var source: ExportSource?
        var next = 0
        var running: [Int: ExportStream] = [:]
    }
    private let state = Mutex(State())
    private let log: Logger

    init(log: Logger) { self.log = log }

    /// The store is open.
    func begin(_ source: ExportSource) { state.withLock { $0.source = source } }

    /// The store will be closed: what is under way is broken off, within moments.
    func end() {
        let running = state.withLock { state in
            state.source = nil
            return state.running.sorted { $0.key < $1.key }.map(\.value)
        }
        for stream in running { stream.abandon() }
    }

    /// Begins to write what `Command.dataExport` has allowed.
    ///
    /// - Returns: nil when too many are under way or the gateway is stopping.
    func start(_ order: ExportOrder) -> ExportStream? {
        let stream = ExportStream()
        let begun: (number: Int, source: ExportSource)? = state.withLock { state in
            guard let source = state.source, state.running.count < Self.atOnceMax else { return nil }
            state.next += 1
            state.running[state.next] = stream
            return (state.next, source)
        }
        guard let begun else { return nil }
        let thread = Thread { [self] in
            write(order, begun.source, stream)
            state.withLock { _ = $0.running.removeValue(forKey: begun.number) }
        }
        thread.name = "export"
        thread.start()
        return stream
    }

    private func write(_ order: ExportOrder, _ source: ExportSource, _ stream: ExportStream) {
        defer { stream.end() }
        do {
            try order.write(from: source) { try stream.put($0) }
        } catch is ExportStream.Abandoned {
            log.notice("An export was broken off, because nobody took it any more.")
        } catch {
            log.error("An export failed.", metadata: ["error": "\(type(of: error))"])
            try? stream.put(.failed("The export could not be written: \(StoreProblem(error)?.sentence ?? "the gateway's log says why.")"))
        }
    }
}

/// What an export is of.
public struct ExportOrder: Sendable {
    public var citizen: PersonID
    public var at: Instant
    /// This gateway among others, by a random name.
    public var instance: String

    /// From what `Command.dataExport` answered.
    public init?(_ reply: Reply) {
        guard reply.outcome == .done, let item = reply.items.first, let citizen = item["citizen"]?.string,
            let at = item["at"]?.string.flatMap({ Instant(iso: $0) }), let instance = item["gateway"]?.string
        else { return nil }
        self.citizen = PersonID(citizen)
        self.at = at
        self.instance = instance
    }
}

extension ExportOrder {
    /// Writes the whole export on the calling thread, from one snapshot.
    ///
    /// - Parameter emit: takes each frame; what it throws ends it.
    public func write(from source: ExportSource, _ emit: @escaping (ExportFrame) throws -> Void) throws {
        try source.snapshot { disk in try Exporter(order: self, disk: disk, emit: emit).write() }
    }
}

/// What `Web` asks for the data themselves.
public protocol DataExporter: Sendable {
    /// - Returns: nil when too many exports are under way or the gateway is stopping.
    func export(_ order: ExportOrder) -> ExportStream?
}

extension GatewayService: DataExporter {
    public func export(_ order: ExportOrder) -> ExportStream? { exports.start(order) }
}
