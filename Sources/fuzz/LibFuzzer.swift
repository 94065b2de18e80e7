#if LIBFUZZER
    import Glibc

    @_silgen_name("LLVMFuzzerRunDriver")
    private func runDriver(
        _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
        _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
    ) -> CInt

    @_silgen_name("LLVMFuzzerMutate")
    private func mutateBytes(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ sizeMax: Int) -> Int

    /// LLVM's fuzzer (https://llvm.org/docs/LibFuzzer.html), which sees which lines a case reaches and what its bytes are compared
    /// with. scripts/fuzz builds with it where the toolchain has it.
    enum LibFuzzer {
        /// libFuzzer's callbacks have no place for a context. Set once, before its only thread starts to call them.
        nonisolated(unsafe) fileprivate static var context: (runner: Runner, mutator: Mutator)?

        /// Does not return: libFuzzer ends the process.
        static func run(_ runner: Runner, _ mutator: Mutator, corpus: String, seed: UInt64, seconds: Int) {
            context = (runner, mutator)
            var texts = ["fuzz", corpus, "-seed=\(UInt32(truncatingIfNeeded: seed | 1))", "-max_total_time=\(seconds)", "-max_len=\(Case.bytesMax)"]
            // The page keeps what crashes, and the parent watches time and memory.
            texts += ["-timeout=0", "-rss_limit_mb=0", "-verbosity=0", "-reload=0", "-detect_leaks=0", "-report_slow_units=1000000"]
            texts += ["segv", "bus", "abrt", "ill", "fpe", "int", "term", "trap", "xfsz", "usr1", "usr2"].map { "-handle_\($0)=0" }
            var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
            var count = CInt(texts.count)
            pointers.withUnsafeMutableBufferPointer { all in
                guard var base = all.baseAddress else { return }
                _ = runDriver(&count, &base) { data, size in
                    LibFuzzer.context?.runner.run(UnsafeRawBufferPointer(start: data, count: size))
                    return 0
                }
            }
        }
    }

    /// Called by libFuzzer, by this name, to make a case from another.
    @_cdecl("LLVMFuzzerCustomMutator")
    public func customMutator(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ sizeMax: Int, _ seed: CUnsignedInt) -> Int {
        guard let mutator = LibFuzzer.context?.mutator else { return size }
        var chance = Chance(seed: UInt64(seed))
        let new = mutator.mutate(Case(bytes: UnsafeRawBufferPointer(start: data, count: size)), &chance) { old, more in
            [UInt8](unsafeUninitializedCapacity: old.count + more) { buffer, count in
                _ = buffer.initialize(from: old)
                buffer[old.count...].initialize(repeating: 0)
                count = buffer.baseAddress.map { mutateBytes($0, old.count, old.count + more) } ?? 0
            }
        }
        let bytes = new.bytes.prefix(sizeMax)
        UnsafeMutableRawBufferPointer(start: data, count: sizeMax).copyBytes(from: bytes)
        return bytes.count
    }
#endif
