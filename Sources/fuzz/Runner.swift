import Care
import Devices
import Glibc

/// Runs cases, measures them, and keeps what is wrong. Lives in the child.
final class Runner {
    /// Of processor time, so that what else the machine does costs nothing.
    ///
    /// 50 ms is what a case may take. With libFuzzer each branch counts itself, which makes a walk over 256 KiB of small values (87 000
    /// empty lists, say) about five times as slow as in the gateway.
    #if LIBFUZZER
    static let caseMillisecondsMax = 250
    #else
    static let caseMillisecondsMax = 50
    #endif
    static let caseGrowthKiBMax = 64 * 1_024
    /// An allocation that a length in a message asks for ends the child, and not the machine.
    private static let dataBytesMax: rlim_t = 1 << 30
    /// Between questions whether the parent is still there.
    private static let casesBetween = 4_096
    private static let arrivedAt = Instant(milliseconds: 1_767_225_600_000)

    let catalogue: Catalogue
    private let page: Page
    private let findings: FindingFolder
    private let parent = getppid()

    init(_ catalogue: Catalogue, _ page: Page, _ findings: FindingFolder) {
        (self.catalogue, self.page, self.findings) = (catalogue, page, findings)
        var limit = rlimit(rlim_cur: Self.dataBytesMax, rlim_max: Self.dataBytesMax)
        setrlimit(__rlimit_resource_t(2), &limit)  // RLIMIT_DATA, which Swift sees as another type.
    }

    /// What a case came to: the same number for the same kinds of results. Tells the engine without coverage what is new.
    @discardableResult
    func run(_ bytes: UnsafeRawBufferPointer) -> Int {
        page.begin(bytes)
        let one = Case(bytes: bytes)
        let peakBefore = Self.peakKiB
        let outcome = take(one)
        let nanoseconds = outcome.nanoseconds
        if let rule = outcome.brokenRule { findings.keep(one, .rule, rule) }
        // A slow case has to be slow again, three times: the machine may have had other things in mind.
        if nanoseconds > Self.caseMillisecondsMax * 1_000_000 {
            let least = (0..<3).map { _ in take(one).nanoseconds }.min() ?? 0
            if least > Self.caseMillisecondsMax * 1_000_000 {
                findings.keep(one, .slow, "A case of \(outcome.conventions) takes \(least / 1_000_000) ms.", key: outcome.conventions)
            }
        }
        let peak = Self.peakKiB
        if peak - peakBefore > Self.caseGrowthKiBMax {
            findings.keep(one, .memory, "A case of \(outcome.conventions) takes \((peak - peakBefore) / 1_024) MiB.", key: outcome.conventions)
        }
        var figures = page.figures
        figures.cases += 1
        figures.understood += outcome.isUnderstood ? 1 : 0
        figures.peakKiB = peak
        figures.isRunning = 0
        page.figures = figures
        // Nobody would stop a child whose parent was killed.
        if figures.cases % Self.casesBetween == 0, getppid() != parent { _exit(0) }
        return outcome.kind
    }

    private struct CaseOutcome {
        var brokenRule: String?
        var isUnderstood = false
        var conventions = "no convention"
        var nanoseconds = 0
        var kind = 0
    }

    private func take(_ one: Case) -> CaseOutcome {
        var outcome = CaseOutcome()
        var hasher = Hasher()
        var trial = Trial(catalogue)
        var largest = -1
        let began = Self.processorNanoseconds
        for message in one.messages {
            let topic = String(decoding: message.topic, as: UTF8.self)
            let result = message.payload.withUnsafeBytes { trial.take(topic: topic, payload: $0, arrivedAt: Self.arrivedAt) }
            if outcome.brokenRule == nil, let rule = result.brokenRule { outcome.brokenRule = "\(result.convention ?? "no convention"): \(rule)" }
            if !result.readings.isEmpty || !result.announces.isEmpty || result.availability != nil { outcome.isUnderstood = true }
            if message.payload.count > largest, let convention = result.convention {
                largest = message.payload.count
                outcome.conventions = convention
            }
            hasher.combine(result.convention)
            hasher.combine(result.reason)
            hasher.combine(result.availability)
            for reading in result.readings.prefix(8) { hasher.combine(reading.reading.quantity) }
            for announced in result.announces.prefix(8) { hasher.combine(announced.declared.quantity) }
        }
        outcome.nanoseconds = Self.processorNanoseconds - began
        outcome.kind = hasher.finalize()
        return outcome
    }

    private static var processorNanoseconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// The most memory that this process ever had.
    private static var peakKiB: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(0), &usage)  // RUSAGE_SELF, which Swift sees as another type.
        return usage.ru_maxrss
    }
}
