/// The screen of the demo: at most twenty lines that fit the terminal, drawn from values alone.
public struct DemoBoard: Sendable {
    /// One charger's row.
    public struct Charger: Sendable {
        /// The model, or the name that its owner gave it.
        public var name: String
        /// W from its panels.
        public var power: Double?
        /// V at its battery terminals.
        public var voltage: Double?
        /// The charge state, such as `bulk`.
        public var state: String?
        /// kWh today.
        public var yield: Double?

        /// A charger of which no value is known yet.
        public init(name: String) { self.name = name }
    }

    /// The address of the page; nil where none is served.
    public var page: String?
    /// The address of the broker; nil without one.
    public var broker: String?
    /// Messages so far.
    public var messages = 0
    /// Topics so far.
    public var topics = 0
    /// The time of day at the plant, such as `11:24:05`.
    public var clock = ""
    /// The chargers, in the order of their rows.
    public var chargers: [Charger] = []
    /// W from all panels.
    public var solar: Double?
    /// The battery's state of charge, %.
    public var charge: Double?
    /// V at the battery.
    public var voltage: Double?
    /// A into the battery, negative while discharging.
    public var current: Double?
    /// W that everything takes which is not the battery.
    public var consumption: Double?
    /// The inverter's state, such as `Inverting`.
    public var inverter: String?
    /// What to type to see more, in the order of their worth.
    public var hints: [String] = []

    /// An empty board.
    public init() {}

    /// The most lines that it has.
    public static let height = 20

    /// The board for a terminal of this size: no line is wider, and there are no more lines than rows.
    ///
    /// On a small terminal the hints go first, then the empty lines, then the rows of single chargers.
    public func lines(columns: Int, rows: Int) -> [String] {
        let room = min(Self.height, rows)
        guard room > 0, columns > 0 else { return [] }
        var lines = compose(columns: columns)
        while lines.count > room, let index = lines.lastIndex(where: { $0.rank == lines.map(\.rank).max() }) {
            lines.remove(at: index)
        }
        return lines.map { Self.cut($0.text, to: columns) }
    }

    /// A line, and how easily it can be missed: 0 never.
    private typealias Line = (text: String, rank: Int)

    private func compose(columns: Int) -> [Line] {
        let title = clock.isEmpty ? "vebridge demo" : "vebridge demo  \(clock)"
        var lines: [Line] = [(Self.spread(title, "q quits", columns), 0)]
        lines.append(("page     \(page ?? "none: its address is in use")", 0))
        let count = "\(messages) messages, \(topics) topics"
        lines.append((broker.map { "broker   \($0)  \(count)" } ?? "broker   none (mosquitto is not installed)", 1))
        lines.append(("", 3))
        lines += table(columns: columns)
        lines.append(("", 3))
        lines.append(("solar        \(Self.number(solar, 0, "W", 8))", 1))
        let charging = current.map { $0 > 0.05 ? "  charging" : $0 < -0.05 ? "  discharging" : "  idle" } ?? ""
        lines.append(
            (
                "battery      \(Self.number(charge, 0, "%", 8))\(Self.number(voltage, 2, "V", 10))"
                    + "\(Self.number(current, 1, "A", 10))\(charging)", 1
            ))
        lines.append(("consumption  \(Self.number(consumption, 0, "W", 8))", 1))
        if let inverter { lines.append(("inverter     \(inverter.lowercased())", 2)) }
        if !hints.isEmpty { lines.append(("", 3)) }
        for hint in hints { lines.append((hint, 4)) }
        return lines
    }

    private func table(columns: Int) -> [Line] {
        // Power, voltage, state and yield, with a space before each; the name takes the rest.
        let isWide = columns >= 58
        let width = min(28, max(6, columns - (isWide ? 38 : 28)))
        func row(_ name: String, _ power: String, _ voltage: String, _ state: String, _ yield: String) -> String {
            let state = Self.cut(state, to: 10)
            return Self.padded(Self.tail(name, of: width), width) + Self.right(power, 7) + Self.right(voltage, 9) + "  "
                + (isWide ? Self.padded(state, 10) + Self.right(yield, 10) : state)
        }
        return [(row("charger", "power", "battery", "state", "today"), 2)]
            + chargers.map { charger in
                (
                    row(
                        charger.name, Self.number(charger.power, 0, "W", 0), Self.number(charger.voltage, 2, "V", 0),
                        charger.state ?? "…", Self.number(charger.yield, 2, "kWh", 0)), 2
                )
            }
    }

    private static func number(_ value: Double?, _ decimals: Int, _ unit: String, _ width: Int) -> String {
        guard let value, value.isFinite, abs(value) < 1e9 else { return right("…", width) }
        let scale = decimals == 0 ? 1.0 : decimals == 1 ? 10 : 100
        let steps = Int((abs(value) * scale).rounded())
        var text = "\(steps / Int(scale))"
        if decimals > 0 {
            let part = "\(steps % Int(scale))"
            text += "." + String(repeating: "0", count: decimals - part.count) + part
        }
        return right((value < 0 && steps > 0 ? "-" : "") + text + " " + unit, width)
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        let text = cut(text, to: width)
        return text + String(repeating: " ", count: width - text.count)
    }

    /// The end of a name, which tells models apart.
    private static func tail(_ text: String, of width: Int) -> String {
        text.count <= width ? text : "…" + text.suffix(max(0, width - 1))
    }

    private static func spread(_ left: String, _ right: String, _ columns: Int) -> String {
        let gap = min(columns, 78) - left.count - right.count
        return left + String(repeating: " ", count: max(2, gap)) + right
    }

    private static func cut(_ text: String, to width: Int) -> String {
        text.count <= width ? text : width < 2 ? String(text.prefix(width)) : text.prefix(width - 1) + "…"
    }
}
