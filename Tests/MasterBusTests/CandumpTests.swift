import Testing

@testable import MasterBus

struct CandumpTests {
    private func captured(_ text: String) -> CapturedFrame? {
        if case .frame(let captured) = CandumpLine(text) { captured } else { nil }
    }

    @Test("a line of a log")
    func line() throws {
        let found = try #require(captured("(1641765964.020491) can0 086F1297#0000DB9AC542"))
        #expect(found.time == .seconds(1_641_765_964) + .microseconds(20_491))
        #expect(found.interface.text == "can0")
        #expect(found.frame.flags == .extended)
        #expect(found.frame.rawIdentifier == 0x086F_1297)
        #expect(found.frame.bytes == [0, 0, 0xDB, 0x9A, 0xC5, 0x42])
        #expect(found.line == "(1641765964.020491) can0 086F1297#0000DB9AC542")
    }

    @Test(
        "lines that come back as they were",
        arguments: [
            "(0.000000) can0 0550840A#", "(1.000001) slcan12 123#", "(1.000001) vcan0 7FF#0011223344556677",
            "(1.000000) can0 20000004#0004000000000000", "(1.000000) can0 086F1297#R",
            "(1.000000) can0 086F1297#R8", "(1.123456789) can0 086F1297#00",
        ])
    func roundTrip(text: String) {
        #expect(captured(text)?.line == text)
    }

    @Test("random frames come back as they were")
    func randomRoundTrip() throws {
        var dice = Dice(5)
        let interface = try #require(InterfaceName("can1"))
        for _ in 0..<5000 {
            let flags = [Frame.Flags.extended, [], [.extended, .remote], .remote, .error].randomElement(using: &dice)
            let frame = Frame(
                rawIdentifier: .random(in: 0...UInt32.max, using: &dice), flags: flags ?? [],
                bits: .random(in: 0...UInt64.max, using: &dice), count: .random(in: 0...8, using: &dice))
            let original = CapturedFrame(
                time: .microseconds(Int64.random(in: 0...2_000_000_000_000_000, using: &dice)), interface: interface,
                frame: frame)
            #expect(captured(original.line) == original)
        }
    }

    @Test("what other tools write is read too")
    func tolerance() {
        #expect(captured("(1.000000) can0 086f1297#0000db9ac542\r\n")?.frame.count == 6)
        #expect(captured("  (1.5)\tcan0\t086F1297#00  ")?.time == .milliseconds(1500))
        #expect(captured("(1.000000) can0 086F1297#0011223344556677_F")?.frame.count == 8)
        #expect(captured("(1.000000) can0 086F1297#00 R")?.frame.count == 1)
        #expect(captured("(1.000000) can0 086F1297#00 T")?.frame.count == 1)
        #expect(captured("(7) can0 123#")?.time == .seconds(7))
        let flexible = captured("(1.000000) can0 086F1297##1" + String(repeating: "AB", count: 64))?.frame
        #expect(flexible?.flags == [.extended, .flexible])
        #expect(flexible?.identifier == nil)
    }

    static let junk: [(String, CandumpLine)] = [
        ("", .blank), ("   \r", .blank), ("\t\n", .blank),
        ("# a comment", .unreadable(.time)), ("(x) can0 123#", .unreadable(.time)),
        ("(1.0000000001) can0 123#", .unreadable(.time)), ("(1.) can0 123#", .unreadable(.time)),
        ("(1", .unreadable(.time)), ("(9999999999999.0) can0 123#", .unreadable(.time)),
        ("(1.000000)", .unreadable(.interface)), ("(1.0) averyverylongname 123#", .unreadable(.interface)),
        ("(1.000000) can0", .unreadable(.identifier)), ("(1.0) can0 086F129#00", .unreadable(.identifier)),
        ("(1.0) can0 086F12977#00", .unreadable(.identifier)), ("(1.0) can0 FFF#", .unreadable(.identifier)),
        ("(1.0) can0 886F1297#00", .unreadable(.identifier)), ("(1.0) can0 086F1297", .unreadable(.identifier)),
        ("(1.0) can0 086F1297#0", .unreadable(.data)), ("(1.0) can0 086F1297#0G", .unreadable(.data)),
        ("(1.0) can0 086F1297#001122334455667788", .unreadable(.data)),
        ("(1.0) can0 086F1297#0011223344556677_3", .unreadable(.data)),
        ("(1.0) can0 086F1297##", .unreadable(.data)), ("(1.0) can0 086F1297#00 X", .unreadable(.excess)),
        ("(1.0) can0 086F1297#00 R R", .unreadable(.excess)),
        ("(1.0) can0 086F1297##0" + String(repeating: "AB", count: 65), .unreadable(.data)),
        ("\u{FEFF}(1.0) can0 123#", .unreadable(.time)),
    ]

    @Test("junk is called junk", arguments: junk)
    func unreadable(text: String, line: CandumpLine) {
        #expect(CandumpLine(text) == line)
    }

    @Test("random bytes never trap, and only frames count as frames")
    func noise() {
        var dice = Dice(6)
        let alphabet = Array("(1.0) can0 86F127#RTA_\r\n\0é".utf8)
        var capture = CaptureDecoder()
        for _ in 0..<3000 {
            let piece = (0..<Int.random(in: 0...90, using: &dice)).map { _ in alphabet.randomElement(using: &dice) ?? 0
            }
            capture.decode(piece) { _ in }
        }
        capture.finish { _ in }
        #expect(capture.counts.errors > 100)
    }

    @Test("lines are found in pieces, long ones are dropped, the last needs no line end")
    func reader() {
        var lines: [CandumpLine] = []
        var reader = CandumpReader()
        func read(_ text: String) { reader.read(Array(text.utf8).span) { lines.append($0) } }
        read("(1.0) can0 1")
        #expect(lines.isEmpty)
        read("23#00\n\n(2.0) can0 123#\r\n" + String(repeating: "x", count: 400))
        #expect(lines.count == 3)
        read(String(repeating: "y", count: 400))
        read("still the same line\n(3.0) can0 123#11")
        #expect(lines.count == 4)
        #expect(lines.last == .unreadable(.length))
        reader.finish { lines.append($0) }
        #expect(lines.count == 5)
        reader.finish { lines.append($0) }
        #expect(lines.count == 5)
        read(String(repeating: "z", count: 5000) + "\n(4.0) can0 123#")
        #expect(lines.last == .unreadable(.length))
    }

    @Test("interface names are Linux's")
    func interfaces() {
        #expect(InterfaceName("can0")?.text == "can0")
        #expect(InterfaceName("fifteen_letters")?.text == "fifteen_letters")
        #expect(InterfaceName("sixteen__letters") == nil)
        #expect(InterfaceName("") == nil)
        #expect(InterfaceName("ca n") == nil)
    }

    @Test("error frames and junk are errors; foreign frames are unknown; all are counted")
    func counts() {
        var capture = CaptureDecoder()
        var events: [BusEvent] = []
        let log = """
            (1.0) can0 20000004#0010000000000000
            junk
            (1.1) can0 123#00

            (1.2) can0 086F1297#R
            (1.3) can0 086F1297##100
            (1.4) can0 086F1297#0100F1F95E41
            """
        capture.decode(Array(log.utf8)) { events.append($0) }
        capture.finish { events.append($0) }
        #expect(capture.counts.frames == 5)
        #expect(capture.counts.errors == 2)
        #expect(capture.counts.errorFrames == 1)
        #expect(capture.counts.unreadableLines == 1)
        #expect(capture.counts.unknown == 3)
        #expect(capture.counts.values == 1)
        #expect(events.count == 5)
    }
}
