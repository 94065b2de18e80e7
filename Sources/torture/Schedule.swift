/// What torture does to the gateway. Each kind can be chosen with `--faults`.
enum FaultKind: String, CaseIterable, Sendable {
    /// SIGKILL of the daemon.
    case kill
    /// SIGSTOP of the daemon, and SIGCONT.
    case stop
    /// The line between daemon and broker: dropped, stalled, cut in the middle of a packet, refused.
    case cut
    /// The disk under the data folder is full to the last byte.
    case disk
    /// The wall clock an hour or a day off.
    case clock
    /// Messages that make a turn fail, or the process die.
    case poison
    /// One home says as much as it can.
    case flood
    /// SIGKILL, SIGSTOP and SIGTERM of the broker, and another broker that knows nothing in its place.
    case broker

    /// What is done where `--faults` is not given.
    static let usual = allCases
}

enum Direction: Sendable, Hashable { case toGateway, toBroker }

/// What is done to the line. Times in milliseconds.
enum Cut: Sendable, Hashable {
    /// Closed at once; with a reset instead of a goodbye of TCP.
    case drop(withReset: Bool)
    /// Nothing gets through for a while, then everything does.
    case stall(milliseconds: Int)
    /// One direction is held for a while, then all is closed: acknowledgements are then lost on the way, or messages.
    case stallAndDrop(Direction, milliseconds: Int)
    /// Closed when so many more bytes have passed, wherever in a packet that is.
    case afterBytes(Direction, Int)
    /// Whoever connects is sent away.
    case refuse(milliseconds: Int)
}

enum BrokerFault: Sendable, Hashable {
    case kill(downMilliseconds: Int)
    case stop(milliseconds: Int)
    /// SIGTERM: it saves what it holds.
    case restart(downMilliseconds: Int)
    /// Killed, and what it had saved is gone.
    case emptied(downMilliseconds: Int)
}

enum Fault: Sendable, Hashable {
    case kill(downMilliseconds: Int)
    case stop(milliseconds: Int)
    case cut(Cut)
    case disk(milliseconds: Int, isKilledMeanwhile: Bool)
    case clock(offsetSeconds: Int, milliseconds: Int, isKilledMeanwhile: Bool)
    case poisonThrow
    case poisonKill
    case flood(messages: Int)
    case broker(BrokerFault)

    var kind: FaultKind {
        switch self {
        case .kill: .kill
        case .stop: .stop
        case .cut: .cut
        case .disk: .disk
        case .clock: .clock
        case .poisonThrow, .poisonKill: .poison
        case .flood: .flood
        case .broker: .broker
        }
    }

    /// About how long it takes; what it sets in motion afterwards is not counted.
    var milliseconds: Int {
        switch self {
        case .kill(let down): down
        case .stop(let time): time
        case .cut(.stall(let time)), .cut(.stallAndDrop(_, let time)), .cut(.refuse(let time)): time
        case .cut(.drop), .cut(.afterBytes): 0
        case .disk(let time, _), .clock(_, let time, _): time
        case .poisonThrow: 500
        case .poisonKill: 2_000
        case .flood: 3_000
        case .broker(.kill(let down)), .broker(.restart(let down)), .broker(.emptied(let down)): down + 300
        case .broker(.stop(let time)): time
        }
    }
}

/// All faults of a run, drawn before it begins: the same seed, minutes and kinds give the same ones.
///
/// There are two lanes that run beside each other, one for the daemon and one for broker and line, so that the
/// daemon is also killed while the broker is away, and the line cut while the daemon is stopped. The same seed does
/// not give the same interleaving: that depends on the machine.
struct Schedule: Sendable, Hashable {
    struct Planned: Sendable, Hashable {
        /// From the end of the fault before it in this lane.
        var afterMilliseconds: Int
        var fault: Fault
    }

    var gateway: [Planned]
    var line: [Planned]

    init(seed: UInt64, milliseconds: Int, kinds: [FaultKind]) {
        func lane(_ number: UInt64, _ own: [FaultKind]) -> [Planned] {
            // In the order of the cases, so that the order of `--faults` changes nothing.
            let kinds = FaultKind.allCases.filter { own.contains($0) && kinds.contains($0) }
            guard !kinds.isEmpty else { return [] }
            var chance = SplitMix64.branch(seed, number)
            var variants: [FaultKind: Int] = [:]
            var planned: [Planned] = []
            var time = 0
            while true {
                // A deck of all kinds at a time: a short run has every one of them, too.
                for kind in kinds.shuffled(using: &chance) {
                    let number = variants[kind] ?? chance.pick(0...3)
                    variants[kind] = number + 1
                    // Now and then long enough for a connection to count as stable: the gateway would otherwise spend most
                    // of a long run waiting longer and longer before it connects again.
                    let isCalm = milliseconds >= 120_000 && chance.happens(percent: 25)
                    let pause = isCalm ? chance.pick(10_500...13_000) : chance.pick(500...4_000)
                    let next = Planned(afterMilliseconds: pause, fault: Self.draw(kind, variant: number, &chance))
                    time += next.afterMilliseconds + next.fault.milliseconds
                    if time > milliseconds { return planned }
                    planned.append(next)
                }
            }
        }
        gateway = lane(1, [.kill, .stop, .disk, .clock, .poison])
        line = lane(2, [.cut, .flood, .broker])
    }

    private static func draw(_ kind: FaultKind, variant: Int, _ chance: inout SplitMix64) -> Fault {
        switch kind {
        case .kill: return .kill(downMilliseconds: chance.pick(0...2_500))
        case .stop: return .stop(milliseconds: chance.pick(200...6_000))
        case .disk: return .disk(milliseconds: chance.pick(1_500...6_000), isKilledMeanwhile: variant % 3 == 2)
        case .clock:
            let hours = [1, -1, 24, -24][variant % 4]
            return .clock(
                offsetSeconds: hours * 3_600, milliseconds: chance.pick(1_500...7_000), isKilledMeanwhile: chance.happens(percent: 40))
        case .poison: return variant % 2 == 0 ? .poisonThrow : .poisonKill
        case .flood: return .flood(messages: chance.pick(4_000...16_000))
        case .broker:
            let down = chance.pick(0...2_000)
            switch variant % 8 {
            case 0, 2, 4: return .broker(.kill(downMilliseconds: down))
            case 1, 5: return .broker(.stop(milliseconds: chance.pick(300...5_000)))
            case 3, 6: return .broker(.restart(downMilliseconds: down))
            default: return .broker(.emptied(downMilliseconds: down))
            }
        case .cut:
            let direction = chance.happens(percent: 50) ? Direction.toGateway : .toBroker
            switch chance.pick(0...4) {
            case 0: return .cut(.drop(withReset: chance.happens(percent: 50)))
            case 1: return .cut(.stall(milliseconds: chance.pick(200...5_000)))
            case 2: return .cut(.stallAndDrop(direction, milliseconds: chance.pick(50...3_000)))
            case 3: return .cut(.afterBytes(direction, chance.pick(1...30_000)))
            default: return .cut(.refuse(milliseconds: chance.pick(200...4_000)))
            }
        }
    }
}
