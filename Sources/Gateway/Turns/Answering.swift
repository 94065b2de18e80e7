import Care
import Notify
import Store

/// What helpers and citizens say over MQTT. The broker has checked who they are: only a helper's own login may
/// write to their `answers`, only a home's own to its topics.
extension Engine {
    func answer(_ person: PersonID, _ payload: UnsafeRawBufferPointer, _ tx: StoreTurn) throws {
        guard world.people[person] != nil else { return }
        switch AnswerMessage.parse(payload) {
        case .success(let message):
            if let problem = try answer(message.alert, person, message.answer, note: message.note, tx) {
                counts.answersIgnored += 1
                log.info("An answer changed nothing.", metadata: ["alert": "\(message.alert)", "why": "\(problem)"])
                // Their client shows something that is over: it is put right. Who never was asked is shown nothing.
                if problem != .notAsked, let alert = try world.alert(message.alert) ?? tx.reader.alert(message.alert), alert.stage(of: person) == nil {
                    try queueOver(alert, person, tellPhone: false, tx)
                }
            }
        case .failure(let problem):
            counts.answersIgnored += 1
            log.info("An answer could not be read.", metadata: ["why": "\(problem)"])
        }
    }

    /// - Returns: why it changed nothing; nil when it did.
    func answer(_ id: AlertID, _ person: PersonID, _ answer: Answer, note: String?, _ tx: StoreTurn) throws -> AnswerProblem? {
        guard let alert = world.alert(id) else { return .alertIsOver }
        // An answer is taken from whoever may know of the alert now; who lost that part has none to answer for.
        try markSeen(id, by: person, tx)
        let stage = alert.stage(of: person) ?? .asked
        if answer != .decline, world.people[person]?.kind == .helper,
            world.telling(person, of: alert, stage: stage, at: now)?.decision.isPermitted != true
        {
            return .notAsked
        }
        if let problem = try handle(.answered(person, answer, note: note), id, tx) { return problem }
        // A record may permit one stage and refuse the next.
        try recheck(id, tx)
        return nil
    }

    func citizenAnswer(_ home: HomeID, _ payload: UnsafeRawBufferPointer, _ tx: StoreTurn) throws {
        guard world.homes[home] != nil else { return }
        switch CitizenAnswerMessage.parse(payload) {
        case .success(let message):
            guard let alert = world.alert(message.alert), alert.home == home else {
                counts.answersIgnored += 1
                return
            }
            try handle(.cancelled(by: PersonID(home.name), note: message.note), alert.id, tx)
        case .failure(let problem):
            counts.answersIgnored += 1
            log.info("A cancellation could not be read.", metadata: ["why": "\(problem)"])
        }
    }
}
