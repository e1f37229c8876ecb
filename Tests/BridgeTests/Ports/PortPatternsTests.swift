import Glibc
import Testing

@testable import Bridge

/// A directory of its own for a test, removed with everything in it.
final class ScratchDirectory {
    let path: String

    init() {
        var template = Array("/tmp/vebridge-test-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }

    deinit {
        guard path != "/tmp", let entries = opendir(path) else { return }
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { unlink("\(path)/\(name)") }
        }
        closedir(entries)
        rmdir(path)
    }

    /// An empty file of this name.
    func touch(_ name: String) { close(open("\(path)/\(name)", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)) }

    /// A link of this name.
    func link(_ name: String, to target: String) { symlink(target, "\(path)/\(name)") }

    func write(_ name: String, _ text: String) {
        let file = open("\(path)/\(name)", O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(file) }
        _ = Array(text.utf8).withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    }
}

@Suite struct PortPatternsTests {
    @Test(arguments: ["/dev/ttyUSB*", "/dev/ttyUSB?", "/dev/tty[AU]*"])
    func knowsPatterns(_ pattern: String) {
        #expect(PortPatterns(patterns: ["/dev/ttyUSB0", pattern]).hasWildcards)
    }

    @Test func aPlainPathCountsWhetherItIsThereOrNot() {
        let patterns = PortPatterns(patterns: ["/dev/nowhere0"])
        #expect(!patterns.hasWildcards)
        #expect(patterns.ports().map(\.path) == ["/dev/nowhere0"])
    }

    @Test func aPatternFindsWhatIsThereNow() {
        let directory = ScratchDirectory()
        let patterns = PortPatterns(patterns: [directory.path + "/tty*"])
        #expect(patterns.ports().map(\.path) == [])
        directory.touch("tty1")
        directory.touch("tty0")
        directory.touch("other")
        #expect(patterns.ports().map(\.path) == [directory.path + "/tty0", directory.path + "/tty1"])
        unlink(directory.path + "/tty0")
        #expect(patterns.ports().map(\.path) == [directory.path + "/tty1"])
    }

    @Test func twoNamesOfOneDeviceCountOnceUnderTheFirst() {
        let directory = ScratchDirectory()
        directory.touch("tty0")
        directory.touch("tty1")
        directory.link("by-id-a", to: directory.path + "/tty0")
        let names = ["by-id-a", "tty*"].map { "\(directory.path)/\($0)" }
        #expect(
            PortPatterns(patterns: names).ports().map(\.path) == [
                directory.path + "/by-id-a", directory.path + "/tty1",
            ])
    }

    @Test func aLinkThatLeadsNowhereIsTheSamePortOnce() {
        let directory = ScratchDirectory()
        directory.link("gone", to: directory.path + "/nothing")
        let path = directory.path + "/gone"
        #expect(PortPatterns(patterns: [path, path, directory.path + "/go*"]).ports().map(\.path) == [path])
    }
}
