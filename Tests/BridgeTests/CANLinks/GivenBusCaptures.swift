import Foundation
import Testing

/// The captures of a real bus and the topics they must give, beside the package; absent in a bare checkout.
enum GivenBusCaptures {
    static let folder: URL = {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        return root.appendingPathComponent("../shared/masterbus").standardizedFileURL
    }()

    static var names: [String] {
        let files =
            (try? FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("captures").path))
        return (files ?? []).filter { $0.hasSuffix(".log") }.map { String($0.dropLast(4)) }.sorted()
    }

    static let absence: Comment = "no masterbus captures beside the package root"

    static func log(_ name: String) -> String { folder.appendingPathComponent("captures/\(name).log").path }

    /// Topic and payload of every value in a capture, in order, those of answers to writes left out.
    static func topics(_ name: String) throws -> [(topic: String, payload: String)] {
        let table = try String(contentsOf: folder.appendingPathComponent("expected/\(name).tsv"), encoding: .utf8)
        let rows = table.split(separator: "\n").map { row in
            row.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        let header = try #require(rows.first)
        func column(_ name: String) throws -> Int { try #require(header.firstIndex(of: name)) }
        let (event, device, attribute) = try (column("event"), column("device"), column("attr"))
        let (text, note) = try (column("text"), column("note"))
        return try rows.dropFirst().compactMap { row in
            guard row[event] == "value", row[note].isEmpty, !row[text].isEmpty else { return nil }
            let uid = try #require(UInt32(row[device].dropFirst(2), radix: 16))
            return ("/masterbus/0x" + String(uid, radix: 16, uppercase: true) + "/" + row[attribute], row[text])
        }
    }

    /// A sequence without what repeats the payload its topic had.
    static func changes(_ topics: [(topic: String, payload: String)]) -> [String] {
        var last: [String: String] = [:]
        return topics.compactMap { topic, payload in
            guard last[topic] != payload else { return nil }
            last[topic] = payload
            return "\(topic) \(payload)"
        }
    }
}
