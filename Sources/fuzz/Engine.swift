import Foundation

/// Draws cases and gives them to the runner until the time is over.
enum Engine {
    #if LIBFUZZER
        static let words = "guided by coverage"
    #else
        static let words = "not guided by coverage"
    #endif

    static func run(_ runner: Runner, corpus: String, seed: UInt64, seconds: Int) {
        let mutator = Mutator(runner.catalogue.sampleMessages)
        #if LIBFUZZER
            LibFuzzer.run(runner, mutator, corpus: corpus, seed: seed, seconds: seconds)
        #else
            draw(runner, mutator, seed: seed, seconds: seconds)
        #endif
    }

    /// Cases that came to something new are damaged further.
    private static func draw(_ runner: Runner, _ mutator: Mutator, seed: UInt64, seconds: Int) {
        let corpusMax = 4_096
        var chance = Chance(seed: seed)
        var corpus = mutator.samples
        var seen: Set<Int> = []
        for sample in corpus { seen.insert(sample.bytes.withUnsafeBytes { runner.run($0) }) }
        let end = Date().addingTimeInterval(Double(seconds))
        while Date() < end {
            for _ in 0..<256 {
                guard let old = chance.pick(corpus) else { return }
                let new = mutator.mutate(old, &chance)
                let bytes = new.bytes
                guard seen.insert(bytes.withUnsafeBytes { runner.run($0) }).inserted, bytes.count < 8_192 else { continue }
                if corpus.count < corpusMax { corpus.append(new) } else { corpus[chance.below(corpusMax)] = new }
            }
        }
    }
}
