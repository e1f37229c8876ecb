import CLinux
import CMosquitto
import Glibc

/// The handle of a libmosquitto client object.
///
/// `@unchecked Sendable`: the pointer never changes, libmosquitto documents its functions as thread safe once
/// `mosquitto_threaded_set` was called (done before the handle leaves the session's `init`), and the object outlives
/// every call because it is destroyed only in the owner's `deinit`.
struct LibraryHandle: @unchecked Sendable {
    let pointer: OpaquePointer
}

/// Connects libmosquitto to this process instead of to a network.
///
/// libmosquitto takes no descriptor, only a host to connect to. So it connects to a port of the loopback interface on
/// which nothing is ever accepted, and before it has read or written a byte its descriptor becomes one end of a socket
/// pair. No file is left behind, and no other process can reach either end: who connects to that port meets silence.
enum LibrarySocket {
    /// Starts a connection of the library and gives the other end of it.
    static func connect(_ library: LibraryHandle, keepalive: Int32) throws(ConnectionFailure) -> Int32 {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw failure("no socket pair", errno) }
        defer { close(ends[1]) }
        do throws(ConnectionFailure) {
            try connect(library, keepalive: keepalive, to: ends[1])
        } catch {
            close(ends[0])
            throw error
        }
        return ends[0]
    }

    private static func connect(
        _ library: LibraryHandle, keepalive: Int32, to end: Int32
    ) throws(ConnectionFailure) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0 else { throw failure("no socket", errno) }
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        guard isBound else { throw failure("no port on 127.0.0.1", errno) }
        let port = Int32(UInt16(bigEndian: address.sin_port))
        let result = mosquitto_connect_bind_async(library.pointer, "127.0.0.1", port, keepalive, nil)
        guard result == MOSQ_ERR_SUCCESS.rawValue else {
            throw failure("libmosquitto cannot connect within the process", errno)
        }
        guard vebridge_replace_descriptor(end, mosquitto_socket(library.pointer)) >= 0 else {
            throw failure("no socket", errno)
        }
    }

    private static func failure(_ words: String, _ code: Int32) -> ConnectionFailure {
        ConnectionFailure(.other, "\(words): \(String(cString: strerror(code)))")
    }
}
