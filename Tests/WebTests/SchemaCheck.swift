import Foundation
import History

/// Checks JSON against the schemas of an OpenAPI document, as far as the document makes use of them.
struct SchemaCheck {
    let paths: [String: Any]
    private let schemas: [String: Any]

    init?(_ document: Any?) {
        guard let document = document as? [String: Any], (document["openapi"] as? String)?.hasPrefix("3.1") == true,
            let paths = document["paths"] as? [String: Any], let components = document["components"] as? [String: Any],
            let schemas = components["schemas"] as? [String: Any]
        else { return nil }
        self.paths = paths
        self.schemas = schemas
    }

    /// What is wrong with an answer to GET.
    func faults(of value: Any?, path: String, status: Int) -> [String] {
        guard let operation = (paths[path] as? [String: Any])?["get"] as? [String: Any],
            let response = (operation["responses"] as? [String: Any])?["\(status)"] as? [String: Any],
            let content = (response["content"] as? [String: Any])?["application/json"] as? [String: Any],
            let schema = content["schema"] as? [String: Any]
        else { return ["no schema for \(path) \(status)"] }
        return faults(value ?? NSNull(), schema, "$")
    }

    private func faults(_ value: Any, _ schema: [String: Any], _ place: String) -> [String] {
        if let reference = schema["$ref"] as? String {
            guard let target = schemas[String(reference.split(separator: "/").last ?? "")] as? [String: Any] else {
                return ["\(place): \(reference) is not there"]
            }
            return faults(value, target, place)
        }
        if let choices = schema["oneOf"] as? [[String: Any]] {
            let all = choices.map { faults(value, $0, place) }
            return all.count(where: \.isEmpty) == 1 ? [] : all.max { $0.count < $1.count } ?? []
        }
        let types = schema["type"] as? [String] ?? [schema["type"] as? String ?? ""]
        guard types.contains(where: { Self.isOf($0, value) }) else { return ["\(place) is not \(types): \(value)"] }
        var found: [String] = []
        if let words = schema["enum"] as? [String], let word = value as? String, !words.contains(word) {
            found.append("\(place): \(word)")
        }
        if let pattern = schema["pattern"] as? String, let text = value as? String,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            found.append("\(place): \(text) is not \(pattern)")
        }
        if let list = value as? [Any] {
            if let least = schema["minItems"] as? Int, list.count < least { found.append("\(place) is too short") }
            if let most = schema["maxItems"] as? Int, list.count > most { found.append("\(place) is too long") }
            if let items = schema["items"] as? [String: Any] {
                for (index, item) in list.enumerated() { found += faults(item, items, "\(place)[\(index)]") }
            }
        }
        guard let members = value as? [String: Any] else { return found }
        let known = schema["properties"] as? [String: [String: Any]] ?? [:]
        for name in schema["required"] as? [String] ?? [] where members[name] == nil {
            found.append("\(place) has no \(name)")
        }
        for (name, member) in members {
            if let inner = known[name] {
                found += faults(member, inner, "\(place).\(name)")
            } else if let other = schema["additionalProperties"] as? [String: Any] {
                found += faults(member, other, "\(place).\(name)")
            } else {
                found.append("\(place).\(name) is not in the document")
            }
        }
        return found
    }

    private static func isOf(_ type: String, _ value: Any) -> Bool {
        let number = value as? NSNumber
        let isFlag = number.map { Self.isFlag($0) } ?? false
        switch type {
        case "null": return value is NSNull
        case "string": return value is String
        case "boolean": return isFlag
        case "number": return number != nil && !isFlag
        case "integer": return number.map { !isFlag && $0.doubleValue.rounded() == $0.doubleValue } ?? false
        case "array": return value is [Any]
        case "object": return value is [String: Any]
        default: return false
        }
    }

    private static func isFlag(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}

/// A history with one day in it.
enum SampleHistory {
    static func write(to directory: String) throws {
        let zone = TimeZoneRules(named: "Europe/Berlin") ?? .utc
        let store = try HistoryStore.open(at: directory + "/" + HistoryStore.fileName, zone: zone)
        defer { store.close() }
        var reader = try HistoryImport(into: store, format: .csv)
        var lines = ["kind,time,device,name,unit,value,known,mean,minimum,maximum,derived"]
        let start = Int(zone.start(of: CivilDate(year: 2026, month: 11, day: 22)))
        for minute in 0..<60 {
            let time = start + 36_000 + minute * 60
            lines.append("minute,\(time),HQ2012ABCDE,panel_power,W,100,60,100,99,101,")
            lines.append("minute,\(time),0x31297,battery_voltage,V,13,60,13,13,13,")
        }
        for day in 20...22 {
            lines.append("figure,2026-11-\(day),HQ2012ABCDE,yield,,0.1,,,,,")
            lines.append("figure,2026-11-\(day),plant,yield,,0.1,,,,,")
        }
        for line in lines { try reader.take(line) }
        try reader.finish()
    }
}
