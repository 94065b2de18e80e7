import Care
import Glibc
import Synchronization

/// The socket's file: claimed, opened, and taken away again.
///
/// The socket is bound in a folder that only we may enter, given its mode there, and then renamed into its
/// place. So there is no moment in which its mode is what the umask happened to leave, and none in which
/// the place is empty while a stale file is replaced. A lock on the folder around it keeps two gateways
/// that start at the same moment from both finding nobody there.
final class SocketPlace: Sendable {
    /// Its owner and its group may connect, which is what writing means for a socket.
    static let mode: mode_t = 0o660
    /// What `sun_path` holds without its final zero.
    static let pathBytesMax = 107
    static let lockWaitMilliseconds = 50
    static let lockTriesMax = 40

    private struct State {
        /// Open while the place is claimed and not yet opened: holds the lock.
        var lock: Int32?
        /// The file that is ours, once it is in its place.
        var file: FileIdentity?
        var problem: WebServerError?
    }

    private struct FileIdentity: Equatable {
        var device: dev_t
        var inode: ino_t
        init(_ status: stat) {
            device = status.st_dev
            inode = status.st_ino
        }
    }

    let path: String
    private let birthFolder: String
    private let state: Mutex<State>

    /// Where to bind.
    var birthPath: String { birthFolder + "/s" }
    /// Why `open()` failed.
    var problem: WebServerError? { state.withLock { $0.problem } }

    private init(path: String, birthFolder: String, lock: Int32) {
        self.path = path
        self.birthFolder = birthFolder
        self.state = Mutex(State(lock: lock))
    }

    /// Makes sure that nobody listens at `path`, and prepares the folder to bind in.
    static func claim(_ path: String) async throws -> SocketPlace {
        let cut = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = cut.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = cut.map { String(path[path.index(after: $0)...]) } ?? path
        let shown = safeText(path)
        guard !name.isEmpty, name != ".", name != "..", !path.utf8.contains(0) else {
            throw WebServerError("\"\(shown)\" names no file: give the socket a path such as var/caring.sock.")
        }
        let birthFolder = folder + "/." + name + ".new"
        guard (birthFolder + "/s").utf8.count <= pathBytesMax else {
            throw WebServerError(
                "The path \(shown) is too long for a socket: choose one at least "
                    + "\((birthFolder + "/s").utf8.count - pathBytesMax) bytes shorter.")
        }

        let lock = try await lockFolder(folder)
        let place = SocketPlace(path: path, birthFolder: birthFolder, lock: lock)
        do {
            try place.refuseIfTaken()
            try place.makeBirthFolder()
        } catch {
            place.leave()
            throw error
        }
        return place
    }

    /// Gives the bound socket its mode and moves it into its place, replacing a stale one.
    ///
    /// - Returns: whether it is there; if not, `problem` says why.
    func open() -> Bool {
        state.withLock { state in
            var status = stat()
            guard chmod(birthPath, Self.mode) == 0, lstat(birthPath, &status) == 0,
                rename(birthPath, path) == 0
            else {
                state.problem = Self.failure(errno, "The socket could not be put at \(safeText(path))")
                return false
            }
            state.file = FileIdentity(status)
            rmdir(birthFolder)
            if let lock = state.lock { close(lock) }
            state.lock = nil
            return true
        }
    }

    /// Takes away what is ours: the socket unless another file has taken its place since, the birth folder,
    /// the lock.
    func leave() {
        state.withLock { state in
            if let file = state.file {
                var status = stat()
                if lstat(path, &status) == 0, FileIdentity(status) == file { unlink(path) }
                state.file = nil
            }
            if let lock = state.lock {
                unlink(birthPath)
                rmdir(birthFolder)
                close(lock)
                state.lock = nil
            }
        }
    }

    private static func lockFolder(_ folder: String) async throws -> Int32 {
        let shown = safeText(folder)
        let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw failure(errno, "The folder \(shown), in which the socket belongs, cannot be opened")
        }
        for _ in 0..<lockTriesMax {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
            do {
                try await Task.sleep(for: .milliseconds(lockWaitMilliseconds))
            } catch {
                close(descriptor)
                throw error
            }
        }
        close(descriptor)
        throw WebServerError(
            "Another program holds the lock on the folder \(shown): stop the gateway that is starting there, "
                + "or put the socket into another folder.")
    }

    /// A file that is no socket is somebody's, and a socket that somebody answers is theirs.
    private func refuseIfTaken() throws {
        let shown = safeText(path)
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw Self.failure(errno, "The socket's place \(shown) cannot be looked at")
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw WebServerError("\(shown) exists and is not a socket: move it away, or put the socket elsewhere.")
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw Self.failure(errno, "No socket could be made") }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // The birth path is longer than this one and was found to fit, zero included.
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        switch result == 0 ? 0 : errno {
        case ECONNREFUSED, ENOENT: return
        case 0, EAGAIN, EINPROGRESS:
            throw WebServerError(
                "Another gateway already listens at \(shown): stop it first, or give this one another folder.")
        case let code:
            throw Self.failure(code, "Whether somebody listens at \(shown) cannot be found out")
        }
    }

    private func makeBirthFolder() throws {
        if mkdir(birthFolder, 0o700) == 0 { return }
        var status = stat()
        // A gateway that was killed while it started left its own behind. We hold the lock, so nobody uses it.
        if errno == EEXIST, lstat(birthFolder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == geteuid()
        {
            unlink(birthPath)
            rmdir(birthFolder)
            if mkdir(birthFolder, 0o700) == 0 { return }
        }
        throw Self.failure(errno, "The folder \(safeText(birthFolder)) cannot be made")
    }

    private static func failure(_ code: Int32, _ what: String) -> WebServerError {
        WebServerError("\(what) (\(String(cString: strerror(code)))): see that the gateway may write there.")
    }
}
