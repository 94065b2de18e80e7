import Glibc

/// A file in memory that two processes see. The child writes every case there before it runs it, so that a crash of any kind
/// leaves it to the parent.
///
/// The child alone writes; the parent reads the figures while it runs, where a stale one does no harm, and the case when it
/// has ended.
struct Page {
    struct Figures {
        var cases = 0
        /// Of which at least one message gave a reading, an announcement or an availability.
        var understood = 0
        var peakKiB = 0
        /// 1 while the case is being run.
        var isRunning = 0
        var caseBytes = 0
    }

    private static let bytesMax = 4_096 + 2 * Case.bytesMax
    private let memory: UnsafeMutableRawPointer

    /// - Parameter makes: false: it must be there already.
    init(_ path: String, makes: Bool) throws(FuzzProblem) {
        let file = open(path, makes ? O_RDWR | O_CREAT | O_TRUNC : O_RDWR, 0o600)
        guard file >= 0 else { throw FuzzProblem("The file \(path) cannot be opened.") }
        defer { close(file) }
        guard !makes || ftruncate(file, Self.bytesMax) == 0,
            let memory = mmap(nil, Self.bytesMax, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
        else { throw FuzzProblem("The file \(path) cannot be mapped.") }
        self.memory = memory
    }

    var figures: Figures {
        get { memory.load(as: Figures.self) }
        nonmutating set { memory.storeBytes(of: newValue, as: Figures.self) }
    }

    func begin(_ bytes: UnsafeRawBufferPointer) {
        let count = min(bytes.count, Self.bytesMax - 4_096)
        if let base = bytes.baseAddress { (memory + 4_096).copyMemory(from: base, byteCount: count) }
        figures.caseBytes = count
        figures.isRunning = 1
    }

    /// The case that runs, or ran last.
    var current: Case { Case(bytes: UnsafeRawBufferPointer(start: memory + 4_096, count: figures.caseBytes)) }
}

/// Why there is nothing to report. One sentence.
struct FuzzProblem: Error, CustomStringConvertible {
    var description: String
    init(_ sentence: String) { description = sentence }
}
