import Care

/// What `Web` speaks to: one sentence in, one answer out.
public protocol CommandPerformer: Sendable {
    /// Performs the command in a turn of the one writer and answers after its commit.
    /// Never throws: what went wrong is a sentence in the reply.
    func perform(_ command: Command, by caller: Caller) async -> Reply
}
