import Foundation

/// Libraries that are loaded into the daemon before its own, so that the product itself has no hook for any of this.
enum Preload {
    /// libfaketime's variant for programs with threads; nil where it is not installed.
    static func faketime() -> String? {
        let folder = "/usr/lib"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        return names.map { "\(folder)/\($0)/faketime/libfaketimeMT.so.1" }.first { FileManager.default.isReadableFile(atPath: $0) }
    }

    /// What libfaketime is told. Only the wall clock is moved: CLOCK_MONOTONIC and CLOCK_BOOTTIME are left alone, and so are the
    /// times of files. The offset is read anew at every look at the clock.
    static func faketimeEnvironment(file: String) -> [String: String] {
        [
            "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        ]
    }

    /// libfaketime's shared memory of a process that had no time to remove it.
    static func cleanUp(after processID: pid_t) {
        for name in ["faketime_shm_\(processID)", "sem.faketime_sem_\(processID)"] { unlink("/dev/shm/" + name) }
    }

    /// In place, so that the daemon never finds half of it.
    static func setOffset(seconds: Int, file: String) throws {
        let text = "\(seconds < 0 ? "-" : "+")\(abs(seconds))"
        try (text + "\n").write(toFile: file, atomically: true, encoding: .utf8)
    }

    // MARK: A message that kills

    /// Said on standard error before the end, so that this end is known from a crash.
    static let killSentence = "torture: a poisoned message ended this process"

    /// Ends the process as soon as it writes a message that holds `poison-kill` to the table of undecodable ones: as
    /// a decoder with a fault in it would, at the moment at which it meets that message.
    private static let source = #"""
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>

        typedef struct sqlite3_stmt sqlite3_stmt;
        typedef void (*destructor)(void *);
        const char *sqlite3_sql(sqlite3_stmt *);

        static void look(sqlite3_stmt *statement, const void *bytes, int64_t size) {
          if (!bytes) return;
          if (size < 0) size = (int64_t)strlen(bytes);
          if (!memmem(bytes, (size_t)size, "poison-kill", 11)) return;
          const char *sql = sqlite3_sql(statement);
          if (!sql || !strstr(sql, "INTO undecodable")) return;
          static const char said[] = "KILL_SENTENCE\n";
          if (write(2, said, sizeof said - 1) < 0) abort();
          abort();
        }

        #define REAL(name, ...) static __typeof__(__VA_ARGS__) real; if (!real) real = dlsym(RTLD_NEXT, name)

        int sqlite3_bind_blob(sqlite3_stmt *s, int i, const void *b, int n, destructor d) {
          REAL("sqlite3_bind_blob", int (*)(sqlite3_stmt *, int, const void *, int, destructor));
          look(s, b, n);
          return real(s, i, b, n, d);
        }
        int sqlite3_bind_blob64(sqlite3_stmt *s, int i, const void *b, uint64_t n, destructor d) {
          REAL("sqlite3_bind_blob64", int (*)(sqlite3_stmt *, int, const void *, uint64_t, destructor));
          look(s, b, (int64_t)n);
          return real(s, i, b, n, d);
        }
        int sqlite3_bind_text(sqlite3_stmt *s, int i, const char *b, int n, destructor d) {
          REAL("sqlite3_bind_text", int (*)(sqlite3_stmt *, int, const char *, int, destructor));
          look(s, b, n);
          return real(s, i, b, n, d);
        }
        int sqlite3_bind_text64(sqlite3_stmt *s, int i, const char *b, uint64_t n, destructor d, unsigned char e) {
          REAL("sqlite3_bind_text64", int (*)(sqlite3_stmt *, int, const char *, uint64_t, destructor, unsigned char));
          look(s, b, (int64_t)n);
          return real(s, i, b, n, d, e);
        }
        """#

    /// Compiles that library into `folder`.
    ///
    /// - Returns: its path; nil where there is no C compiler.
    /// - Throws: where the compiler fails.
    static func poison(folder: String) throws -> String? {
        guard let compiler = ["cc", "clang", "gcc"].lazy.compactMap({ tool($0) }).first else { return nil }
        let (text, library) = ("\(folder)/poison.c", "\(folder)/poison.so")
        try source.replacingOccurrences(of: "KILL_SENTENCE", with: killSentence).write(toFile: text, atomically: true, encoding: .utf8)
        let child = try Child(
            compiler, ["-shared", "-fPIC", "-O1", "-o", library, text, "-ldl"], environment: ProcessInfo.processInfo.environment,
            log: "\(folder)/poison.log")
        guard child.waitForEnd(seconds: 60) == .code(0) else { throw TortureProblem("\(text) could not be compiled; see \(folder)/poison.log.") }
        return library
    }
}

/// A small file system of its own under the data folder, so that it can be full.
struct SmallDisk {
    let folder: String
    private var ballast: String { folder + "/ballast" }

    /// - Returns: nil where this may not be mounted; not root, or in a container that forbids it.
    static func mount(_ folder: String, megabytes: Int, log: String) -> SmallDisk? {
        guard geteuid() == 0, let program = tool("mount") ?? (access("/bin/mount", X_OK) == 0 ? "/bin/mount" : nil),
            let child = try? Child(
                program, ["-t", "tmpfs", "-o", "size=\(megabytes)m,mode=0700", "torture", folder], environment: ["PATH": "/usr/bin:/bin"], log: log),
            child.waitForEnd(seconds: 20) == .code(0)
        else { return nil }
        return SmallDisk(folder: folder)
    }

    /// To the last byte.
    func fill() throws {
        let descriptor = open(ballast, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw TortureProblem("The disk could not be filled (errno \(errno)).") }
        defer { close(descriptor) }
        var block = [UInt8](repeating: 0xA5, count: 1 << 20)
        var size = block.count
        while size > 0 {
            let written = write(descriptor, &block, size)
            if written > 0 { continue }
            guard errno == ENOSPC else { throw TortureProblem("The disk could not be filled (errno \(errno)).") }
            size /= 2
        }
    }

    func empty() { unlink(ballast) }

    /// Whatever still uses it keeps it until its end.
    func unmount() { umount2(folder, Int32(MNT_DETACH)) }
}
