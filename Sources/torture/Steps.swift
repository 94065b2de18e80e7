/// One thing that is done at one moment. A fault is one or several of them.
enum Step: Sendable, Hashable {
    case killDaemon, startDaemon, holdDaemon, releaseDaemon
    case fillDisk, emptyDisk
    case setClock(offsetSeconds: Int)
    case publish(Kind)
    case flood(messages: Int)
    case order(Cut)
    case killBroker, startBroker, stopBroker, holdBroker, releaseBroker, emptyBroker
}

extension Fault {
    /// What is done, and how many milliseconds after the fault's beginning. In this order.
    var steps: [(after: Int, step: Step)] {
        switch self {
        case .kill(let down): return [(0, .killDaemon), (down, .startDaemon)]
        case .stop(let time): return [(0, .holdDaemon), (time, .releaseDaemon)]
        case .cut(let cut): return [(0, .order(cut))]
        case .disk(let time, let isKilled):
            return [(0, .fillDisk)] + (isKilled ? [(time / 2, .killDaemon), (time / 2, .startDaemon)] : []) + [(time, .emptyDisk)]
        case .clock(let offset, let time, let isKilled):
            return [(0, .setClock(offsetSeconds: offset))] + (isKilled ? [(time / 2, .killDaemon), (time / 2, .startDaemon)] : [])
                + [(time, .setClock(offsetSeconds: 0))]
        case .poisonThrow: return [(0, .publish(.poisonThrow))]
        case .poisonKill: return [(0, .publish(.poisonKill))]
        case .flood(let messages): return [(0, .flood(messages: messages))]
        case .broker(.kill(let down)): return [(0, .killBroker), (down, .startBroker)]
        case .broker(.stop(let time)): return [(0, .holdBroker), (time, .releaseBroker)]
        case .broker(.restart(let down)): return [(0, .stopBroker), (down, .startBroker)]
        case .broker(.emptied(let down)): return [(0, .killBroker), (down, .emptyBroker), (down, .startBroker)]
        }
    }
}

/// One lane of the schedule on its way.
struct Lane {
    private var planned: ArraySlice<Schedule.Planned>
    private var steps: ArraySlice<(at: Int, step: Step)> = []
    /// When the last fault was over.
    private var freeAt: Int
    private(set) var begun: [FaultKind: Int] = [:]

    init(_ planned: [Schedule.Planned], now: Int) {
        self.planned = planned[...]
        freeAt = now
    }

    /// - Parameter isEnding: no fault is begun any more; what has begun is brought to its end.
    /// - Returns: the next step that is due; nil where none is.
    mutating func next(now: Int, isEnding: Bool) -> Step? {
        if let first = steps.first {
            guard first.at <= now else { return nil }
            steps.removeFirst()
            freeAt = now
            return first.step
        }
        guard !isEnding, let next = planned.first, freeAt + next.afterMilliseconds <= now else { return nil }
        planned.removeFirst()
        begun[next.fault.kind, default: 0] += 1
        freeAt = now + next.fault.milliseconds
        steps = next.fault.steps.map { (now + $0.after, $0.step) }[...]
        return self.next(now: now, isEnding: false)
    }

    /// Nothing has begun that is not over.
    var isIdle: Bool { steps.isEmpty }
    var isDone: Bool { steps.isEmpty && planned.isEmpty }
}
