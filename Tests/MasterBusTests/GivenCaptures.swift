import Foundation
import Testing

@testable import MasterBus

/// The captures of a real bus and what they must give, beside the package; absent in a bare checkout.
enum GivenCaptures {
    static let folder: URL = {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        return root.appendingPathComponent("../shared/masterbus").standardizedFileURL
    }()

    static var names: [String] {
        let path = folder.appendingPathComponent("captures").path
        let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return files.filter { $0.hasSuffix(".log") }.map { String($0.dropLast(4)) }.sorted()
    }

    static var arePresent: Bool { !names.isEmpty }
    static let absence: Comment = "no masterbus captures beside the package root"

    static func log(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appendingPathComponent("captures/\(name).log")))
    }

    /// The rows of a table by column name.
    static func table(_ name: String, _ suffix: String) throws -> [[String: String]] {
        let url = folder.appendingPathComponent("expected/\(name)\(suffix).tsv")
        let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        let header = try #require(lines.first)
        return lines.dropFirst().map { cells in
            Dictionary(uniqueKeysWithValues: zip(header, cells + Array(repeating: "", count: header.count)))
        }
    }
}

@Suite(.enabled(if: GivenCaptures.arePresent, GivenCaptures.absence))
struct CaptureTests {
    private func decode(_ name: String, pieces: Int = 65536) throws -> (events: [BusEvent], capture: CaptureDecoder) {
        var capture = CaptureDecoder()
        var events: [BusEvent] = []
        let log = try GivenCaptures.log(name)
        for start in stride(from: 0, to: log.count, by: pieces) {
            capture.decode(Array(log[start..<min(start + pieces, log.count)])) { events.append($0) }
        }
        capture.finish { events.append($0) }
        return (events, capture)
    }

    private func hex(_ bits: UInt32) -> String {
        (0..<4).map { String(format: "%02X", UInt8(truncatingIfNeeded: bits >> UInt32(8 * $0))) }.joined()
    }

    /// An event as a row of the expected table.
    private func row(_ event: BusEvent) -> [String: String]? {
        func fields(
            _ time: Duration, _ name: String, _ device: DeviceAddress, _ attr: String, _ raw: String, _ value: Float?,
            _ text: String?, _ note: String
        ) -> [String: String] {
            [
                "time": CapturedFrame.timeText(time), "event": name,
                "device": String(format: "0x%05X", device.uid), "type": String(format: "0x%02X", device.type),
                "attr": attr, "raw": raw, "value": value.map { String(format: "%.9g", $0) } ?? "", "text": text ?? "",
                "note": note,
            ]
        }
        func attribute(_ id: UInt16) -> String { String(format: "0x%02X", id) }
        switch event {
        case .value(let value), .outdated(let value):
            var note = ""
            if case .outdated = event { note = "reply-to-write" }
            return fields(
                value.time, "value", value.device, attribute(value.attribute), hex(value.bits), value.value,
                value.text, note)
        case .label(let label):
            let raw = label.text.unicodeScalars.map { String(format: "%02X", $0.value) }.joined()
            return fields(
                label.time, "label", label.device, String(format: "0x%03X", label.string), raw, nil, label.text, "")
        case .write(let write):
            return fields(
                write.time, "write", write.device, attribute(write.attribute), hex(write.bits), write.value,
                write.value.map { FixedPoint.text($0) }, "")
        case .command(let command):
            return fields(
                command.time, command.isRequest ? "write-token" : "token", command.device,
                attribute(command.attribute), hex(command.commander.token), nil,
                String(format: "type=0x%02X uid=0x%05X", command.commander.type, command.commander.uid), "")
        case .error, .otherTab, .unknown: return nil
        }
    }

    @Test("every event of every capture", arguments: GivenCaptures.names)
    func events(name: String) throws {
        let expected = try GivenCaptures.table(name, "")
        let (events, capture) = try decode(name)
        let rows = events.compactMap(row)
        #expect(rows.count == expected.count)
        for (found, wanted) in zip(rows, expected) {
            guard found == wanted else {
                Issue.record("\(name): expected \(wanted), found \(found)")
                break
            }
        }
        let counts = capture.counts
        #expect(counts.values == expected.count { $0["event"] == "value" && $0["note"] == "" })
        #expect(counts.labels == expected.count { $0["event"] == "label" })
        #expect(counts.writes == expected.count { $0["event"] == "write" })
        #expect(counts.commands == expected.count { $0["event"]?.hasSuffix("token") == true })
        #expect(counts.outdated == expected.count { $0["note"] == "reply-to-write" })
        let lines = try GivenCaptures.log(name).split(separator: 0x0A)
        #expect(counts.frames == lines.count)
        #expect(counts.errorFrames == lines.count { String(decoding: $0, as: UTF8.self).contains(" 20000004#") })
        #expect(counts.unreadableLines == 0)
        #expect(counts.unknown == 0)
        #expect(counts.otherTabValues == 0)
        #expect(counts.overflow == 0)
    }

    @Test("pieces of any size give the same", arguments: [1, 7, 61, 4096])
    func pieces(size: Int) throws {
        let name = try #require(GivenCaptures.names.first)
        #expect(try decode(name, pieces: size).events == decode(name).events)
    }

    @Test("the last values", arguments: GivenCaptures.names)
    func finalValues(name: String) throws {
        var last: [String: [String: String]] = [:]
        for event in try decode(name).events {
            guard case .value = event, let row = row(event) else { continue }
            last["\(row["device"] ?? "") \(row["attr"] ?? "")"] = row
        }
        let table = try GivenCaptures.table(name, ".final")
        #expect(last.count == table.count)
        // Where the last frame was the answer to a write, the table has it and we must not.
        for wanted in table where wanted["note"] == "" {
            let found = last["\(wanted["device"] ?? "") \(wanted["attr"] ?? "")"]
            for column in ["type", "value", "text", "time"] { #expect(found?[column] == wanted[column]) }
        }
    }

    @Test("names, units, kinds, ranges and options learned by listening", arguments: GivenCaptures.names)
    func schema(name: String) throws {
        let decoder = try decode(name).capture.decoder
        let table = try GivenCaptures.table(name, ".schema")
        var rows = 0
        for device in decoder.devices { rows += decoder.schema(of: device)?.attributes.count ?? 0 }
        #expect(rows == table.count)
        for wanted in table {
            let uid = try #require(UInt32(wanted["device"]?.dropFirst(2) ?? "", radix: 16))
            let id = try #require(UInt16(wanted["attr"]?.dropFirst(2) ?? "", radix: 16))
            let device = try #require(decoder.devices.first { $0.uid == uid })
            let schema = try #require(decoder.schema(of: device))
            let said = try #require(schema[id])
            #expect(schema.text(said.nameID) ?? "" == wanted["name"])
            #expect(schema.text(said.unitID) ?? "" == wanted["unit"])
            #expect(said.visualisation?.text ?? "" == wanted["viz"])
            for (column, number) in [("min", said.minimum), ("max", said.maximum), ("step", said.step)] {
                #expect(number.map { String(format: "%.9g", $0) } ?? "" == wanted[column])
            }
            #expect(said.isWritable.map { $0 ? "1" : "0" } ?? "" == wanted["writable"])
            let options = said.optionIDs.sorted { $0.key < $1.key }.compactMap { option in
                schema.text(option.value).map { "\(option.key)=\($0)" }
            }
            #expect(options.joined(separator: ";") == wanted["options"])
        }
    }

    @Test("every line printed again is the line that was read", arguments: GivenCaptures.names)
    func lines(name: String) throws {
        for line in try GivenCaptures.log(name).split(separator: 0x0A) {
            let text = String(decoding: line, as: UTF8.self)
            guard case .frame(let captured) = CandumpLine(text) else {
                Issue.record("unreadable: \(text)")
                continue
            }
            #expect(captured.line == text)
        }
    }

    @Test("groups heard while a display walks through its menus")
    func groups() throws {
        let name = "menus_dcshunt_masterview_masscombi_masterview2"
        try #require(GivenCaptures.names.contains(name))
        let decoder = try decode(name).capture.decoder
        let shunt = try #require(decoder.schema(of: DeviceAddress(type: 0x1B, uid: 0x31297)))
        #expect(shunt.groupedAttributes == [0, 4, 3, 1, 2, 5, 9, 0xA])
        #expect(shunt.name == "MSH HovseBatShun")
        let combi = try #require(decoder.schema(of: DeviceAddress(type: 0x0E, uid: 0x2F412)))
        #expect(combi.name == "INT Mass Combi")
        #expect(
            combi.groupedAttributes == [
                0x10, 0x3C, 0x38, 0x14, 0x3A, 0x13, 0x0E, 0x11, 0x12, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B,
            ])
        #expect(combi.groupCounts == [.monitoring: 4, .alarm: 1, .history: 1, .configuration: 9])
        #expect(combi.optionText(of: 0x13, value: 14) == "18 A")
        #expect(combi.definition?.product == "INT Mass Combi")
    }
}
