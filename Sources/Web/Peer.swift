import Care
import Glibc
import Hummingbird
import NIOCore

/// A request and the connection that it came on.
struct PeerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// The user at the other end when it connected, from the kernel; nil if it does not say.
    ///
    /// Asked for each request: the answer of one connection never changes and costs one system call, which
    /// is no more than looking up a remembered one on the connection's event loop.
    func peerUID() async -> UInt32? {
        guard let socket = channel as? any SocketOptionProvider,
            let peer = try? await Self.credentials(of: socket).get(), peer.pid > 0
        else { return nil }
        return Self.unknownUIDs.contains(peer.uid) ? nil : peer.uid
    }

    /// −1 is what a socket without a peer says; 65534 is what the kernel says of a user whom this
    /// container does not know, so it could be anybody.
    private static let unknownUIDs: [UInt32] = [.max, 65_534]

    /// `struct ucred` of Linux, which Glibc's headers hide from Swift: three 32-bit numbers in this order.
    private struct Credentials: Sendable {
        var pid: pid_t
        var uid: uid_t
        var gid: gid_t
    }

    private static func credentials(of socket: any SocketOptionProvider) -> EventLoopFuture<Credentials> {
        socket.unsafeGetSocketOption(level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
    }
}
