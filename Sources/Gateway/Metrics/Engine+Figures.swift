import Care
import Foundation
import MQTT
import Store

extension Engine {
    /// `take`, and what is to be known of it afterwards. Once a burst, never once a message.
    ///
    /// - Parameter monotonic: nanoseconds of a clock that only goes forward.
    func take(_ burst: borrowing Burst, measuredBy metrics: GatewayMetrics, monotonic: () -> Int64) throws {
        let began = monotonic()
        let wasListening = isListening
        let takenBefore = counts.taken
        do { try take(burst) } catch {
            noteWithheld(burst)
            throw error
        }
        measures.withheldMessages = 0
        measures.oldestUnacknowledged = nil
        if !wasListening {
            // What comes behind the marker in the same burst did not wait.
            let until = isListening ? measures.takenAtMarker - 1 : counts.taken
            measures.backlogMessages += max(0, until - takenBefore)
        }
        let kept = BurstFigures(
            at: now, messages: burst.count, turnNanoseconds: monotonic() - began, commitNanoseconds: store.lastCommitNanoseconds)
        measures.lastBurst = kept
        metrics.note(kept)
    }

    /// A burst that could not be kept: nothing of it is acknowledged.
    func noteWithheld(_ burst: borrowing Burst) {
        // Those that failed before come again first, so the larger number is the truer one.
        measures.withheldMessages = max(measures.withheldMessages, burst.count)
        if measures.oldestUnacknowledged == nil, !burst.isEmpty {
            measures.oldestUnacknowledged = Instant(milliseconds: burst.info(0).arrivedAtMilliseconds)
        }
    }

    /// Before what is due is run: how long it has been due.
    func noteLateness(at present: Instant) {
        guard deadlines.mayBeDue(until: present), let first = deadlines.first(), first.at < present else { return }
        measures.lateness.note(present - first.at, at: present)
    }

    /// Cheap enough for once a second: what would go through every device or ask the disk is at most ten seconds old.
    ///
    /// - Parameter present: later than `now` when the last turns could not be written down.
    func figures(at present: Instant) -> GatewayFigures {
        var figures = GatewayFigures(at: present)
        figures.counts = counts
        figures.turnsFailed = measures.turnsFailed
        figures.isConnected = isConnected
        figures.connections = measures.connections
        figures.sessionsLost = measures.sessionsLost
        figures.isTakingBacklog = isConnected && !isListening
        figures.backlogMessages = measures.backlogMessages
        figures.backlogMessagesThisTime = measures.backlogMessages - measures.backlogMessagesBefore
        figures.withheldMessages = measures.withheldMessages
        figures.oldestUnacknowledged = measures.oldestUnacknowledged
        figures.degraded = degraded?.problem.words
        figures.quarantined = counts.quarantined
        figures.thinnedByHome = thinnedByHome
        figures.lastBurst = measures.lastBurst
        figures.outboxWaiting = world.notices.count
        figures.outboxOldest = world.notices.lazy.map(\.queuedAt).min()
        figures.deadlines = deadlines.count
        figures.deadlinesLate = measures.lateness.worst(at: present)
        figures.openAlerts = world.alerts.count
        figures.homes = world.homes.count
        let slow = slowFigures(at: present)
        figures.devices = slow.devices
        figures.databaseBytes = slow.databaseBytes
        figures.diskFreeBytes = slow.diskFreeBytes
        return figures
    }

    private func slowFigures(at present: Instant) -> (devices: Int, databaseBytes: Int, diskFreeBytes: Int?) {
        if let slow = measures.slow, present - slow.at < .seconds(10) { return (slow.devices, slow.databaseBytes, slow.diskFreeBytes) }
        let devices = (0..<world.devices.count).count { world.devices[$0].map { !$0.device.citizens.isEmpty } ?? false }
        let bytes = ["", "-wal"].reduce(0) { sum, ending in
            var status = stat()
            return stat(store.path + ending, &status) == 0 ? sum + Int(status.st_size) : sum
        }
        var disk = statvfs()
        let free = statvfs(store.path, &disk) == 0 ? Int(disk.f_bavail) * Int(disk.f_frsize) : nil
        measures.slow = (present, devices, bytes, free)
        return (devices, bytes, free)
    }
}

extension Engine.Counts {
    /// Messages that came from the broker and were dealt with, redelivered ones included.
    var taken: Int { messages + redelivered }
}
