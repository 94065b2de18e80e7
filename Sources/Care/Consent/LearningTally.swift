/// How often somebody would have learned something, with the records that are tried and with today's.
public struct LearningTally: Sendable, Equatable {
    public struct What: Hashable, Comparable, Sendable {
        public var recipient: PersonID
        /// A quantity, a category, or `identity`: as in disclosures.
        public var data: String
        public var detail: Detail
        /// Nil outside of alerts.
        public var stage: Stage?

        public static func < (a: What, b: What) -> Bool { a.order < b.order }
        private var order: (PersonID, Int, String, Int) { (recipient, stage?.rawValue ?? Stage.allCases.count, data, detail.rawValue) }
    }

    public struct Count: Hashable, Sendable {
        public var tried = 0
        public var today = 0
    }

    /// What would be learned of one thing on one occasion, at one stage.
    public struct Learned: Hashable, Sendable {
        public var stage: Stage?
        public var tried: Detail
        public var today: Detail

        public init(stage: Stage?, tried: Detail, today: Detail) {
            self.stage = stage
            self.tried = tried
            self.today = today
        }
    }

    /// At every stage.
    public private(set) var all: [What: Count] = [:]
    /// Only at the stage at which it is first learned: what is told again at the next is no news.
    public private(set) var first: [What: Count] = [:]
    /// Occasions on which more would be learned than today, and on which less. The totals do not tell: a record that moves its hours
    /// may take as many as it gives.
    public private(set) var gained: [What: Int] = [:]
    public private(set) var lost: [What: Int] = [:]

    public init() {}

    public var isUnchanged: Bool { gained.isEmpty && lost.isEmpty }

    /// One occasion.
    ///
    /// - Parameter stages: in their order.
    public mutating func take(_ recipient: PersonID, _ data: String, _ stages: [Learned]) {
        var before = Learned(stage: nil, tried: .nothing, today: .nothing)
        for now in stages {
            func what(_ detail: Detail) -> What { What(recipient: recipient, data: data, detail: detail, stage: now.stage) }
            if now.tried > .nothing {
                all[what(now.tried), default: Count()].tried += 1
                if now.tried != before.tried { first[what(now.tried), default: Count()].tried += 1 }
            }
            if now.today > .nothing {
                all[what(now.today), default: Count()].today += 1
                if now.today != before.today { first[what(now.today), default: Count()].today += 1 }
            }
            if now.tried != before.tried || now.today != before.today {
                if now.tried > now.today { gained[what(now.tried), default: 0] += 1 }
                if now.tried < now.today { lost[what(now.today), default: 0] += 1 }
            }
            before = now
        }
    }
}
