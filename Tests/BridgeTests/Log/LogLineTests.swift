import Glibc
import Logging
import Testing

@testable import Bridge

struct LogLineTests {
    private func line(
        _ message: String, _ metadata: Logger.Metadata = [:], level: Logger.Level = .info,
        time: time_t? = 1_795_414_200,
        hasPriority: Bool = false
    ) -> LogLine {
        LogLine(
            level: level, label: "port", message: message, metadata: metadata, time: time, hasPriority: hasPriority)
    }

    @Test func writesTimeLevelLabelMessageAndValues() {
        #expect(
            line("opened", ["path": "/dev/ttyUSB0", "baud": "19200"]).asText
                == "2026-11-23T06:10:00Z info port: opened baud=19200 path=/dev/ttyUSB0\n")
        #expect(line("opened", level: .critical).asText == "2026-11-23T06:10:00Z critical port: opened\n")
    }

    @Test(arguments: [
        ("plain", "v=plain"), ("", "v=\"\""), ("two words", "v=\"two words\""), ("a=b", "v=\"a=b\""),
        ("say \"hi\"", "v=\"say \\\"hi\\\"\""), ("back\\slash", "v=\"back\\\\slash\""),
        ("one\ntwo\r\n", "v=\"one\\ntwo\\r\\n\""), ("\u{1B}[31mred", "v=\"\\u001b[31mred\""),
        ("para\u{2029}graph", "v=\"para\\u2029graph\""), ("nul\0", "v=\"nul\\u0000\""), ("Ä°C", "v=Ä°C"),
        ("no\u{A0}break", "v=\"no\u{A0}break\""),
    ])
    func quotesWhatIsNotAPlainWord(value: String, expected: String) {
        let text = line("m", ["v": "\(value)"]).asText
        #expect(text == "2026-11-23T06:10:00Z info port: m \(expected)\n")
        #expect(text.unicodeScalars.filter { $0 == "\n" }.count == 1)
    }

    @Test func keepsAMessageAndAKeyOnTheLine() {
        #expect(
            line("first\nsecond", ["odd key": "1"]).asText
                == "2026-11-23T06:10:00Z info port: first\\nsecond \"odd key\"=1\n")
    }

    @Test func writesNestedValues() {
        let text = line("m", ["list": ["a", "b"], "map": ["y": "2", "x": "1"]]).asText
        #expect(text.hasSuffix("m list=[a,b] map={x:1,y:2}\n"))
    }

    @Test(arguments: zip(Logger.Level.allCases, [7, 7, 6, 5, 4, 3, 2]))
    func beginsWithThePriorityUnderTheJournal(level: Logger.Level, priority: Int) {
        let record = line("opened", ["a": "1"], level: level, time: nil, hasPriority: true)
        #expect(record.asText == "<\(priority)>port: opened a=1\n")
        #expect(
            record.asJSON
                == "<\(priority)>{\"level\":\"\(level.rawValue)\",\"label\":\"port\",\"message\":\"opened\","
                + "\"values\":{\"a\":\"1\"}}\n")
    }

    @Test func writesJSON() {
        #expect(
            line("say \"hi\"\n\u{7}", ["b": "back\\slash"]).asJSON
                == "{\"time\":\"2026-11-23T06:10:00Z\",\"level\":\"info\",\"label\":\"port\","
                + "\"message\":\"say \\\"hi\\\"\\n\\u0007\",\"values\":{\"b\":\"back\\\\slash\"}}\n")
        #expect(!line("m").asJSON.contains("values"))
    }

    @Test func cutsWhatIsTooLong() {
        let long = String(repeating: "x", count: LogLine.longestText + 1)
        let exact = String(repeating: "x", count: LogLine.longestText)
        #expect(line(long).asText.hasSuffix("x…\n"))
        #expect(line(exact).asText.hasSuffix("x\n"))
        #expect(line("m", ["v": "\(long)"]).asJSON.utf8.count < LogLine.longestText + 200)
    }

    @Test func knowsTheCalendar() {
        #expect(LogLine.timestamp(0) == "1970-01-01T00:00:00Z")
        #expect(LogLine.timestamp(951_782_400) == "2000-02-29T00:00:00Z")
        #expect(LogLine.timestamp(4_107_542_399) == "2100-02-28T23:59:59Z")
    }
}

struct StandardErrorLogTests {
    /// What a handler wrote to a pipe.
    private func output(
        format: StandardErrorLog.Format = .text, isJournal: Bool = true, level: Logger.Level = .info,
        _ body: (Logger) -> Void
    ) -> String {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return "no pipe" }
        let writer = ends[1]
        body(
            Logger(label: "port") { label in
                StandardErrorLog(
                    label: label, level: level, format: format, isJournal: isJournal, descriptor: writer)
            })
        close(writer)
        defer { close(ends[0]) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(ends[0], &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    private struct Unplugged: Error, CustomStringConvertible {
        var description: String { "cable out" }
    }

    @Test func writesToTheDescriptor() {
        let text = output { logger in
            var logger = logger
            logger[metadataKey: "serial"] = "HQ1"
            logger[metadataKey: "try"] = "1"
            logger.debug("not this")
            logger.warning("lost", metadata: ["try": "2"])
            logger.info("back")
        }
        #expect(text == "<4>port: lost serial=HQ1 try=2\n<6>port: back serial=HQ1 try=1\n")
    }

    @Test func writesTheErrorOfARecord() {
        #expect(output { $0.error("lost", error: Unplugged()) } == "<3>port: lost error=\"cable out\"\n")
    }

    @Test func writesTheTimeOutsideTheJournal() throws {
        let text = output(isJournal: false) { $0.info("x") }
        #expect(try /20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ info port: x\n/.wholeMatch(in: text) != nil)
        let json = output(format: .json, isJournal: false) { $0.info("x") }
        #expect(json.hasPrefix("{\"time\":\"20"))
    }

    @Test func recognisesTheJournalByItsStream() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        var status = stat()
        fstat(ends[1], &status)
        #expect(StandardErrorLog.isJournal(ends[1], stream: "\(status.st_dev):\(status.st_ino)"))
        #expect(!StandardErrorLog.isJournal(ends[1], stream: "\(status.st_dev):\(status.st_ino + 1)"))
        #expect(!StandardErrorLog.isJournal(ends[1], stream: nil))
        #expect(!StandardErrorLog.isJournal(-1, stream: "1:2"))
    }
}

struct OncePerTests {
    @Test func logsAChangeAtOnceAndTheSameSeldom() {
        let start = ContinuousClock.now
        var once = OncePer<String>(.seconds(600))
        var verdicts: [OncePer<String>.Verdict] = []
        for second in 0..<1201 { verdicts.append(once.report("broker", "refused", at: start + .seconds(second))) }
        #expect(verdicts[0] == .changed(previous: 0))
        #expect(verdicts[600] == .still(count: 600))
        #expect(verdicts[1200] == .still(count: 600))
        #expect(verdicts.filter { $0 == .silent }.count == 1198)
        #expect(once.report("broker", "no route", at: start + .seconds(1201)) == .changed(previous: 1201))
        #expect(once.clear("broker") == 1)
        #expect(once.clear("broker") == 0)
        #expect(once.report("broker", "no route", at: start + .seconds(1202)) == .changed(previous: 0))
    }

    @Test func keepsKeysApart() {
        let now = ContinuousClock.now
        var once = OncePer<Int>(.seconds(60))
        #expect(once.report("a", 1, at: now) == .changed(previous: 0))
        #expect(once.report("b", 1, at: now) == .changed(previous: 0))
        #expect(once.report("a", 1, at: now) == .silent)
    }

    @Test func forgetsTheOldestKeyWhenFull() {
        let now = ContinuousClock.now
        var once = OncePer<Int>(.seconds(60), capacity: 2)
        _ = once.report("a", 1, at: now)
        _ = once.report("b", 1, at: now + .seconds(1))
        _ = once.report("c", 1, at: now + .seconds(2))
        #expect(once.report("b", 1, at: now + .seconds(3)) == .silent)
        #expect(once.report("c", 1, at: now + .seconds(3)) == .silent)
        #expect(once.report("a", 1, at: now + .seconds(3)) == .changed(previous: 0))
    }
}
