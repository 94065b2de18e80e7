import Glibc

/// A thread that waits to be given something to do, does it, and waits again.
///
/// Whoever has called `begin` touches nothing that the work uses until `finish` has returned, and begins nothing else
/// before that.
final class Reader {
    /// Wakes the work when its owner waits for its end.
    private let stop: Waker
    /// What the two threads share.
    ///
    /// `@unchecked Sendable`: `work` belongs to the owner until it posts `begun`, to the thread from then until it posts
    /// `ended`, and to the owner again afterwards. The semaphores order the accesses; the same holds for everything
    /// that the work refers to.
    private final class Shared: @unchecked Sendable {
        var work: ((Int32) -> Void)?
        let stop: Int32
        let begun: UnsafeMutablePointer<sem_t>
        let ended: UnsafeMutablePointer<sem_t>

        init(stop: Int32) {
            self.stop = stop
            begun = .allocate(capacity: 1)
            ended = .allocate(capacity: 1)
            // Fails only for a value that is too large; this one is zero.
            sem_init(begun, 0, 0)
            sem_init(ended, 0, 0)
        }

        deinit {
            for semaphore in [begun, ended] {
                sem_destroy(semaphore)
                semaphore.deallocate()
            }
        }

        static func wait(_ semaphore: UnsafeMutablePointer<sem_t>) {
            // A signal handler may interrupt it.
            while sem_wait(semaphore) != 0 && errno == EINTR {}
        }
    }

    private let shared: Shared
    private let thread: pthread_t

    /// - Throws: `MQTTFailure.system`, when there is no thread or no file descriptor to be had.
    init() throws(MQTTFailure) {
        stop = try Waker()
        shared = Shared(stop: stop.readEnd)
        var thread = pthread_t()
        let retained = Unmanaged.passRetained(shared)
        let code = pthread_create(
            &thread, nil,
            { argument in
                // Never nil: it is what was passed three lines below.
                guard let argument else { return nil }
                Reader.run(Unmanaged<Shared>.fromOpaque(argument).takeRetainedValue())
                return nil
            }, retained.toOpaque())
        if code != 0 {
            retained.release()
            throw .system(call: "pthread_create", errno: code)
        }
        self.thread = thread
    }

    /// Waits for the thread's end.
    deinit {
        shared.work = nil
        sem_post(shared.begun)
        pthread_join(thread, nil)
    }

    private static func run(_ shared: Shared) {
        while true {
            Shared.wait(shared.begun)
            if shared.work == nil { return }
            // Not through a local copy: that would still hold what the work refers to when the owner goes on.
            shared.work?(shared.stop)
            shared.work = nil
            sem_post(shared.ended)
        }
    }

    /// - Parameter work: gets a descriptor that becomes readable when its owner waits for its end.
    func begin(_ work: @escaping (_ stop: Int32) -> Void) {
        shared.work = work
        sem_post(shared.begun)
    }

    /// Asks the work to come to its end, and waits for that.
    func finish() {
        stop.wake()
        Shared.wait(shared.ended)
        stop.drain()
    }
}
