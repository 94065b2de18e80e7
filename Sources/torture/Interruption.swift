import Foundation
import Synchronization

/// Ctrl-C and SIGTERM: the run ends in order, so that no process of ours and no mounted disk stays behind.
enum Interruption {
    private static let asked = Atomic<Bool>(false)

    static func listen() {
        // A write to a socket whose other side is gone is an answer and not an end.
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGINT, SIGTERM] { signal(number) { _ in Interruption.asked.store(true, ordering: .relaxed) } }
    }

    static var isAsked: Bool { asked.load(ordering: .relaxed) }
    static let problem = TortureProblem("The run was interrupted.")

    /// Waits so long, or until the run is to end.
    static func pause(milliseconds: Int) throws {
        let until = Steady.nanoseconds + Int64(milliseconds) * 1_000_000
        while Steady.nanoseconds < until {
            if isAsked { throw problem }
            usleep(useconds_t(min(20_000, max(1, (until - Steady.nanoseconds) / 1_000))))
        }
    }
}
