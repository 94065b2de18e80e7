import Foundation
import Synchronization

/// One piece of what `POST /v1/export` answers: a letter, the length in four bytes (the first is the highest), the bytes.
///
/// Frames, and not the file itself, so that progress and failures can be told while it is written, and the end is never
/// taken for granted.
public enum ExportFrame: Hashable, Sendable {
    /// Bytes of the ZIP file.
    case bytes([UInt8])
    /// How many of how many readings are written; each reading is written several times.
    case progress(done: Int64, of: Int64)
    /// It failed: a sentence for people.
    case failed(String)
    /// It is complete, and has so many bytes.
    case end(bytes: UInt64, sentences: [String])

    public static let headBytes = 5
    /// A longer frame is damage.
    public static let bytesMax = 1 << 20

    public var encoded: [UInt8] {
        let (letter, body): (Character, [UInt8]) =
            switch self {
            case .bytes(let bytes): ("B", bytes)
            case .progress(let done, let all): ("P", Array("\(done) \(all)".utf8))
            case .failed(let sentence): ("F", Array(sentence.utf8))
            case .end(let bytes, let sentences): ("E", Array(([String(bytes)] + sentences).joined(separator: "\n").utf8))
            }
        var out: [UInt8] = [letter.asciiValue ?? 0]
        for shift in stride(from: 24, through: 0, by: -8) { out.append(UInt8(truncatingIfNeeded: body.count >> shift)) }
        return out + body
    }

    public init?(letter: UInt8, body: [UInt8]) {
        let text = String(decoding: letter == UInt8(ascii: "B") ? [] : body, as: UTF8.self)
        switch letter {
        case UInt8(ascii: "B"): self = .bytes(body)
        case UInt8(ascii: "P"):
            let parts = text.split(separator: " ").compactMap { Int64($0) }
            guard parts.count == 2 else { return nil }
            self = .progress(done: parts[0], of: parts[1])
        case UInt8(ascii: "F"): self = .failed(text)
        case UInt8(ascii: "E"):
            let lines = text.split(separator: "\n").map(String.init)
            guard let bytes = lines.first.flatMap({ UInt64($0) }) else { return nil }
            self = .end(bytes: bytes, sentences: Array(lines.dropFirst()))
        default: return nil
        }
    }
}

/// Between the thread that writes an export and whoever sends it on. Bounded: a reader who is slow slows the writer, and
/// one who takes nothing for a while ends it, because the snapshot that is read from must not be held for ever.
public final class ExportStream: Sendable {
    /// Frames that may wait.
    static let waitingMax = 16
    /// So long may a full stream stand still, and so long may the whole take.
    static let stillSecondsMax = 60
    static let secondsMax = 1_800

    struct Abandoned: Error {}

    private struct State {
        var waiting: [ExportFrame] = []
        var reader: CheckedContinuation<ExportFrame?, Never>?
        var isEnded = false
        var isAbandoned = false
    }
    private let state = Mutex(State())
    /// Made with nothing in it: one that is dropped with less than it was made with ends the process.
    private let room = DispatchSemaphore(value: 0)
    /// By a clock that nobody sets: a jump of the wall clock neither ends an export nor lets it go on.
    private let ends = ContinuousClock.now + .seconds(ExportStream.secondsMax)

    init() { for _ in 0..<Self.waitingMax { room.signal() } }

    /// Waits until there is room. - Throws: `Abandoned` when nobody takes it any more.
    func put(_ frame: ExportFrame) throws {
        guard room.wait(timeout: .now() + .seconds(Self.stillSecondsMax)) == .success, ContinuousClock.now < ends else {
            abandon()
            throw Abandoned()
        }
        let (reader, isAbandoned) = state.withLock { state -> (CheckedContinuation<ExportFrame?, Never>?, Bool) in
            if state.isAbandoned { return (nil, true) }
            if let reader = state.reader {
                state.reader = nil
                return (reader, false)
            }
            state.waiting.append(frame)
            return (nil, false)
        }
        if isAbandoned { throw Abandoned() }
        if let reader {
            room.signal()
            reader.resume(returning: frame)
        }
    }

    /// Nothing more comes.
    func end() {
        let reader = state.withLock { state in
            state.isEnded = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    /// Nobody takes it any more; the writer stops at its next frame.
    public func abandon() {
        let reader = state.withLock { state in
            state.isAbandoned = true
            state.waiting.removeAll()
            defer { state.reader = nil }
            return state.reader
        }
        room.signal()
        reader?.resume(returning: nil)
    }

    /// The next frame; nil at the end. For one reader.
    public func next() async -> ExportFrame? {
        await withCheckedContinuation { continuation in
            let (frame, isNow) = state.withLock { state -> (ExportFrame?, Bool) in
                if !state.waiting.isEmpty { return (state.waiting.removeFirst(), true) }
                if state.isEnded || state.isAbandoned { return (nil, true) }
                state.reader = continuation
                return (nil, false)
            }
            guard isNow else { return }
            if frame != nil { room.signal() }
            continuation.resume(returning: frame)
        }
    }
}
