import Glibc
import Testing

@testable import Bridge

@Suite("Select lines")
struct SelectLinesTests {
    private static func path() -> String {
        var template = Array("/tmp/vebridge-select-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        if descriptor >= 0 { close(descriptor) }
        return String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func content(_ path: String) -> String {
        (try? Configuration.readFile(path, limit: 100)).map { String(decoding: $0, as: UTF8.self) } ?? "?"
    }

    @Test func aFileHoldsTheLastValueAlone() throws {
        let path = Self.path()
        defer { unlink(path) }
        let lines = try Configuration.Multiplexer.Select.file(path).open()
        try lines.select(63)
        #expect(Self.content(path) == "63 \n")
        try lines.select(2)
        #expect(Self.content(path) == "2  \n")
    }

    @Test func aFileHasOneMaster() throws {
        let path = Self.path()
        defer { unlink(path) }
        let first = try FileSelect(path: path)
        #expect(throws: SelectFailure.self) { _ = try FileSelect(path: path) }
        try withExtendedLifetime(first) { try first.select(1) }
    }

    @Test func whatIsNoChipIsTold() {
        do throws(SelectFailure) {
            _ = try Configuration.Multiplexer.Select.lines(chip: "/dev/null", offsets: [1], activeLow: false).open()
            Issue.record("no failure")
        } catch {
            #expect(error.description == "/dev/null: lines 1: not a GPIO chip, or a kernel before 5.10")
        }
        do throws(SelectFailure) {
            _ = try Configuration.Multiplexer.Select.lines(chip: "/dev/gpiochip99", offsets: [1], activeLow: false)
                .open()
            Issue.record("no failure")
        } catch {
            #expect(error.description.hasPrefix("/dev/gpiochip99: "))
        }
    }
}
