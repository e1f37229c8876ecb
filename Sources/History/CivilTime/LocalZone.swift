import Glibc

/// The time zone of this machine.
public struct LocalZone: Sendable {
    /// The zone; UTC where it cannot be read.
    public let rules: TimeZoneRules
    /// Why ``rules`` is UTC although the machine names a zone; nil if it is not.
    public let problem: String?

    /// Reads the zone: the variable `TZ` if it is set, else `/etc/localtime`, else UTC.
    public init() { self.init(variable: getenv("TZ").map { String(cString: $0) }) }

    init(variable: String?, file: String = "/etc/localtime") {
        if let variable, !variable.isEmpty {
            let text = variable.hasPrefix(":") ? String(variable.dropFirst()) : variable
            let zone = Self.zone(text)
            rules = zone ?? .utc
            problem =
                zone == nil ? "TZ=\(variable.prefix(80)) does not name a readable time zone: UTC is used" : nil
            return
        }
        guard access(file, F_OK) == 0 else {
            (rules, problem) = (.utc, nil)
            return
        }
        if let zone = ZoneFile.read(file).flatMap({ TimeZoneRules(name: "local", bytes: $0) }) {
            (rules, problem) = (zone, nil)
        } else {
            (rules, problem) = (.utc, "\(file) is not a readable time zone file: UTC is used")
        }
    }

    /// By name, by path or by rule.
    private static func zone(_ text: String) -> TimeZoneRules? {
        if let zone = TimeZoneRules(named: text) { return zone }
        if text.hasPrefix("/") { return ZoneFile.read(text).flatMap { TimeZoneRules(name: text, bytes: $0) } }
        return YearlyRule(text).map { rule in
            TimeZoneRules(name: text, transitions: [], offsets: [rule.standard], rule: rule)
        }
    }
}

extension TimeZoneRules {
    /// The zone of this machine: the variable `TZ` if it is set, else `/etc/localtime`, else UTC.
    public static func local() -> TimeZoneRules { LocalZone().rules }
}
