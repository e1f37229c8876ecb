/// A verdict for programs.
public enum JSONReport {
    /// One JSON object, with a line feed at its end.
    public static func text(_ verdict: Comparison.Verdict, otherName: String) -> String {
        let members: [(String, String)] = [
            ("agrees", verdict.agrees.map { "\($0)" } ?? "null"), ("too_short", "\(verdict.isTooShort)"),
            ("seconds", number(verdict.duration)),
            ("other", quoted(otherName)),
            (
                "findings",
                list(
                    verdict.findings.map { one in
                        object([
                            ("kind", quoted(one.kind.rawValue)), ("device", quoted(one.device)),
                            ("topic", quoted(one.name)), ("disagreement", "\(one.isDisagreement)"),
                            ("figure", one.figure.map(number) ?? "null"), ("text", quoted(one.text)),
                        ])
                    })
            ),
            (
                "topics",
                list(
                    verdict.topics.map { one in
                        object([
                            ("device", quoted(one.topic.device)), ("topic", quoted(one.topic.name)),
                            ("name", quoted(one.title)), ("unit", quoted(one.unit)), ("serial", value(one.serial)),
                            ("other", value(one.other)), ("agreement", one.agreement.map(number) ?? "null"),
                            ("compared", "\(one.compared)"), ("serial_samples", "\(one.serial.count)"),
                            ("other_samples", "\(one.other.count)"), ("offset", one.offset.map(number) ?? "null"),
                            ("gain", one.gain.map(number) ?? "null"), ("lag_seconds", one.lag.map(number) ?? "null"),
                            ("lost", number(one.lost)),
                        ])
                    })
            ),
            (
                "devices",
                list(
                    verdict.presence.sorted { $0.key < $1.key }.map { device, one in
                        object([
                            ("device", quoted(device)), ("messages", "\(one.messages)"),
                            ("longest_gap_seconds", number(one.longestGap)), ("gap_began", number(one.gapStart)),
                        ])
                    })
            ),
        ]
        return object(members) + "\n"
    }

    private static func value(_ series: Series) -> String {
        series.last.map { $0.value.map(number) ?? "null" } ?? series.text.map(quoted) ?? "null"
    }

    private static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    private static func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }

    private static func number(_ value: Double) -> String {
        value.isFinite ? "\((value * 1e6).rounded() / 1e6)" : "null"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
