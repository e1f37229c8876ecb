import Glibc
import Testing

@testable import Bridge

/// A port that comes or goes is noticed at once, without udevd too.
@Suite("Watching for ports")
struct PortWatcherTests {
    /// Waits until the watcher says that something changed, or not.
    private func expect(
        _ watcher: borrowing PortWatcher, isTold wanted: Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var polls = watcher.descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let isTold = poll(&polls, nfds_t(polls.count), wanted ? 2000 : 0) > 0
        #expect(isTold == wanted, sourceLocation: sourceLocation)
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/vebridge-watch-XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        try body(folder)
        for name in ["charger0", "by-id/charger0", "by-id"] {
            unlink("\(folder)/\(name)")
            rmdir("\(folder)/\(name)")
        }
        rmdir(folder)
    }

    @Test("a port that appears, changes its permissions and goes")
    func appears() throws {
        try withFolder { folder in
            var watcher = PortWatcher(patterns: ["\(folder)/charger*"], udevControl: "/nonexistent")
            let hearsUdev = watcher.hearsUdev
            #expect(!hearsUdev)
            expect(watcher, isTold: false)
            #expect(symlink("/dev/null", "\(folder)/charger0") == 0)
            expect(watcher, isTold: true)
            watcher.drain()
            expect(watcher, isTold: false)
            #expect(unlink("\(folder)/charger0") == 0)
            expect(watcher, isTold: true)
            watcher.drain()
            expect(watcher, isTold: false)
        }
    }

    @Test("a folder that comes with the first port and goes with the last")
    func folderAppears() throws {
        try withFolder { folder in
            var watcher = PortWatcher(patterns: ["\(folder)/by-id/charger*"], udevControl: "/nonexistent")
            for _ in 0..<2 {
                #expect(mkdir("\(folder)/by-id", 0o700) == 0)
                expect(watcher, isTold: true)
                watcher.drain()
                #expect(symlink("/dev/null", "\(folder)/by-id/charger0") == 0)
                expect(watcher, isTold: true)
                watcher.drain()
                #expect(unlink("\(folder)/by-id/charger0") == 0)
                #expect(rmdir("\(folder)/by-id") == 0)
                expect(watcher, isTold: true)
                watcher.drain()
            }
        }
    }

    @Test(
        "the folder to watch is the fixed part of the pattern",
        arguments: [
            ("/dev/ttyUSB*", "/dev"), ("/dev/ttyUSB0", "/dev"), ("/dev/serial/by-*/usb*", "/dev/serial"),
            ("/*", "/"), ("tty*", "."),
        ])
    func fixedFolder(pattern: String, folder: String) {
        #expect(PortWatcher.fixedFolder(of: pattern) == folder)
    }
}
