import Glibc
import Testing

@testable import Bridge

/// One daemon for a state directory.
@Suite struct StateLockTests {
    private let folder: String

    init() throws {
        var template = Array("/tmp/vebridge-lock-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        folder = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func clean() {
        for name in ["vebridge.lock", "one.sqlite.lock"] { unlink(folder + "/" + name) }
        rmdir(folder)
    }

    private func configuration(state: String = "", history: String = "") -> Configuration {
        var configuration = Configuration()
        configuration.bridge.stateDirectory = state
        configuration.history.path = history
        return configuration
    }

    @Test func theSecondIsRefusedAndNamesTheFirst() throws {
        defer { clean() }
        let first = StateLock(patience: .zero)
        try first.acquire(configuration(state: folder))
        // A reload takes it again, by whatever name.
        try first.acquire(configuration(state: folder + "/."))
        let second = StateLock(patience: .zero)
        let error = #expect(throws: StateLock.Conflict.self) { try second.acquire(configuration(state: folder)) }
        #expect(
            error?.description
                == "\(folder) is in use by another vebridge (process \(getpid())): stop it, or give each its own "
                + "bridge.state_directory")
        var status = stat()
        #expect(stat(folder + "/vebridge.lock", &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test func itIsFreeWhenTheFirstIsGoneOrUsesAnother() throws {
        defer { clean() }
        var first: StateLock? = StateLock(patience: .zero)
        let history = folder + "/one.sqlite"
        try first?.acquire(configuration(state: folder, history: history))
        let second = StateLock(patience: .zero)
        let error = #expect(throws: StateLock.Conflict.self) { try second.acquire(configuration(history: history)) }
        #expect(error?.place == history && error?.option == "history.path")
        first?.release(except: configuration(state: folder))
        try second.acquire(configuration(history: history))
        #expect(throws: StateLock.Conflict.self) { try second.acquire(configuration(state: folder)) }
        first = nil
        try second.acquire(configuration(state: folder))
    }

    /// Where nothing can be written there is nothing to keep apart.
    @Test func withoutAPlaceThereIsNoLock() throws {
        defer { clean() }
        try StateLock(patience: .zero).acquire(configuration(state: folder + "/none"))
        try StateLock(patience: .zero).acquire(configuration())
        // Nor does a FIFO in its place hold anything up.
        #expect(mkfifo(folder + "/vebridge.lock", 0o600) == 0)
        try StateLock(patience: .zero).acquire(configuration(state: folder))
    }
}
