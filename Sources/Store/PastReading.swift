import Care
import GRDB

/// What happened and what was asked, newest first, for whoever looks back over it. Read beside the turns.
extension StoreReader {
    /// Alerts of one home that were raised since then.
    ///
    /// No index leads from a home to its alerts: those of all homes since then are passed over, their bodies unread.
    /// - Parameters:
    ///   - limit: of this home.
    ///   - scanMax: of all homes.
    ///   - body: false: no more.
    /// - Returns: whether there may be older ones that were not looked at.
    public func eachAlert(of home: HomeID, since: Instant, limit: Int, scanMax: Int, _ body: (Alert) throws -> Bool) throws -> Bool {
        let rows = try Row.fetchCursor(
            db.cachedStatement(sql: "SELECT raisedAt, home = ?, body FROM alert ORDER BY id DESC LIMIT ?"), arguments: [home.name, scanMax + 1])
        var (passed, found) = (0, 0)
        while let row = try rows.next() {
            // Numbers are given out in the order of time.
            guard row[0] >= since.milliseconds else { return false }
            guard passed < scanMax, found < limit else { return true }
            passed += 1
            guard row[1] else { continue }
            found += 1
            guard try body(try Body.decode(Alert.self, row[2])) else { return true }
        }
        return false
    }

    /// Requests to read this citizen's values, outside of alerts, with those whose permit each needed.
    ///
    /// - Parameters and returns: as above.
    public func eachRequest(
        toRead citizen: PersonID, since: Instant, limit: Int, scanMax: Int, _ body: (ConsentRequest, [PersonID]) throws -> Bool
    ) throws -> Bool {
        // What the texts say is compared here only to leave out most rows; what is left is read properly.
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT instr(citizens, ?) > 0 AND instr(request, '"readings"') > 0, citizens, request FROM decision
                    WHERE at >= ? ORDER BY at DESC, id DESC LIMIT ?
                    """), arguments: ["\"\(citizen.name)\"", since.milliseconds, scanMax + 1])
        var (passed, found) = (0, 0)
        while let row = try rows.next() {
            guard passed < scanMax, found < limit else { return true }
            passed += 1
            guard row[0] else { continue }
            let request = try Body.decode(ConsentRequest.self, row[2])
            let citizens = try Body.decode([PersonID].self, row[1])
            guard request.detail == .readings, request.stage == nil, citizens.contains(citizen) else { continue }
            found += 1
            guard try body(request, citizens) else { return true }
        }
        return false
    }
}
