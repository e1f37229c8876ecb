extension Configuration {
    /// One serial port with several chargers behind a switch.
    public struct Multiplexer: Sendable, Equatable {
        /// What tells the switch which channel is wanted.
        public enum Select: Sendable, Equatable {
            /// Lines of a GPIO chip by their numbers, that with the lowest weight first.
            case lines(chip: String, offsets: [Int], activeLow: Bool)
            /// A file into which the number is written.
            case file(String)

            /// The most select values that can be told.
            var addressable: Int {
                switch self {
                case .lines(_, let offsets, _): 1 << min(offsets.count, 6)
                case .file: 64
                }
            }
        }

        /// A channel in use.
        public struct Channel: Sendable, Equatable {
            /// What is put on the select lines for it.
            public let value: Int
            /// What it is called; with the multiplexer's name before it, the name of its port.
            public let name: String
        }

        /// What it is called in logs and reports.
        public var name = ""
        /// The path of the serial port.
        public var port = ""
        /// The GPIO chip of the select lines.
        public var chip = "/dev/gpiochip0"
        /// The numbers of the select lines on the chip, that with the lowest weight first.
        public var lines: [Int] = []
        /// The file that takes the place of the select lines; empty: there are lines.
        public var selectFile = ""
        /// Whether a low line is a one.
        public var activeLow = false
        /// The channels' names in the order of their select values; empty: there is nothing at this value.
        public var channelNames: [String] = []
        /// How long every byte is dropped after a switch.
        public var settle = Duration.milliseconds(20)
        /// The shortest time that a channel is read at once.
        public var turnMin = Duration.milliseconds(300)
        /// The longest time that a channel is read at once.
        public var turnMax = Duration.seconds(3)

        /// The defaults; name, port, select lines and channels have none.
        public init() {}

        /// What tells the switch which channel is wanted.
        public var select: Select {
            selectFile.isEmpty ? .lines(chip: chip, offsets: lines, activeLow: activeLow) : .file(selectFile)
        }

        /// The channels in use.
        public var channels: [Channel] {
            channelNames.indices.filter { !channelNames[$0].isEmpty }
                .map { Channel(value: $0, name: channelNames[$0]) }
        }
    }
}

extension OptionCatalogue {
    /// The name of the array of tables with multiplexers.
    static let multiplexerTable = "multiplexer"

    /// What a `[[multiplexer]]` is about.
    static let multiplexerSummary = """
        A switch that joins one serial port to one of several chargers, told by select lines; the table may stand here \
        many times. docs/multiplexers.md shows how to wire one.
        """

    private typealias Option = ConfigurationOption<Configuration.Multiplexer>

    /// The options of each `[[multiplexer]]`.
    static let multiplexer: [ConfigurationOption<Configuration.Multiplexer>] = [
        sampled(
            "\"aft\"",
            .text(
                "name", \.name, allowed: "a word", "What it is called. Its channels are ports named NAME/CHANNEL.",
                check: multiplexerWord)),
        sampled(
            "\"/dev/ttyAMA0\"",
            .text(
                "port", \.port, allowed: "a path",
                "The serial port behind which the switch is. It must not be among the ports.", check: multiplexerPort)),
        sampled(
            "\"/dev/gpiochip0\"",
            .text("chip", \.chip, allowed: "a path", "The GPIO chip of the select lines.", check: multiplexerPath)),
        selectOption,
        sampled(
            "false",
            .flag("active_low", \.activeLow, "Whether a low line is a one, as with an inverting driver between.")),
        channelsOption,
        sampled(
            "\"20ms\"",
            .duration(
                "settle", \.settle, .milliseconds(1) ... .seconds(2),
                "How long every byte is dropped after a switch: as long as the switch may bounce.")),
        sampled(
            "\"300ms\"",
            .duration(
                "turn_min", \.turnMin, .milliseconds(50) ... .seconds(60),
                "The shortest time that a channel is read at once. Relays live longer with a few seconds.")),
        sampled(
            "\"3s\"",
            .duration(
                "turn_max", \.turnMax, .milliseconds(500) ... .seconds(60),
                "The longest time that a channel is read at once.")),
    ]

    private static let selectOption = Option(
        key: "select", allowed: "a list of 1 to 6 numbers, or \"file:PATH\"",
        summary: """
            The numbers of the select lines on the chip, that with the lowest weight first. "file:PATH" writes the \
            number of the channel into a file instead, for a switch that another program drives.
            """,
        sample: "[17, 27]",
        read: { value, root in
            switch value {
            case .text(let text):
                guard text.hasPrefix("file:") else {
                    return [
                        .init(
                            problem: Problem(
                                "cannot be \(tomlQuoted(text))",
                                hint: "write a list such as [17, 27], or \"file:/path\""))
                    ]
                }
                let path = String(text.dropFirst("file:".count))
                do throws(Problem) { try multiplexerPath(path) } catch { return [.init(problem: error)] }
                root.selectFile = path
                return []
            case .list(let values):
                guard (1...6).contains(values.count) else {
                    return [
                        .init(problem: Problem("has \(values.count) lines", hint: "1 to 6 address 2 to 64 channels"))
                    ]
                }
                var lines: [Int] = []
                for (index, value) in values.enumerated() {
                    guard case .integer(let line) = value, (0...1023).contains(line) else {
                        return [
                            .init(
                                element: index,
                                problem: Problem(
                                    "has something that is no line",
                                    hint: "write the number of the line on the chip, 0 to 1023"))
                        ]
                    }
                    guard !lines.contains(line) else {
                        return [
                            .init(
                                element: index,
                                problem: Problem(
                                    "has line \(line) twice", hint: "each line of the chip carries one bit"))
                        ]
                    }
                    lines.append(line)
                }
                root.lines = lines
                return []
            case .integer(let line):
                return [.init(problem: Problem("must be a list, not a number", hint: "write select = [\(line)]"))]
            default:
                return [
                    .init(
                        problem: Problem(
                            "must be a list of lines, not \(value.kind)", hint: "write a list such as [17, 27]"))
                ]
            }
        },
        show: { root in
            root.selectFile.isEmpty
                ? "[" + root.lines.map(String.init).joined(separator: ", ") + "]"
                : tomlQuoted("file:" + root.selectFile)
        })

    private static let channelsOption = Option(
        key: "channels", allowed: "a list of 1 to 64 names, or how many channels there are",
        summary: """
            The names of the channels in the order of their select values, from 0 on; "" where nothing is joined to \
            a value. A number stands for channels named "0", "1" and so on.
            """,
        sample: "[\"port\", \"starboard\", \"stern\", \"\"]",
        read: { value, root in
            switch value {
            case .integer(let count):
                guard (1...64).contains(count) else {
                    return [.init(problem: Problem("must be 1 to 64, not \(count)"))]
                }
                root.channelNames = (0..<count).map(String.init)
                return []
            case .list(let values):
                guard (1...64).contains(values.count) else {
                    return [.init(problem: Problem("has \(values.count) names", hint: "1 to 64 are possible"))]
                }
                var names: [String] = []
                for (index, value) in values.enumerated() {
                    guard case .text(let name) = value else {
                        return [
                            .init(
                                element: index,
                                problem: Problem(
                                    "must be a list of names, not of \(value.kind)",
                                    hint: "write [\"port\", \"starboard\"]"))
                        ]
                    }
                    do throws(Problem) { if !name.isEmpty { try multiplexerWord(name) } } catch {
                        return [.init(element: index, problem: error)]
                    }
                    guard name.isEmpty || !names.contains(name) else {
                        return [.init(element: index, problem: Problem("has \(tomlQuoted(name)) twice"))]
                    }
                    names.append(name)
                }
                guard names.contains(where: { !$0.isEmpty }) else {
                    return [.init(problem: Problem("names no channel"))]
                }
                root.channelNames = names
                return []
            default:
                return [
                    .init(
                        problem: Problem(
                            "must be a list of names or their number, not \(value.kind)",
                            hint: "write [\"port\", \"starboard\"]"))
                ]
            }
        },
        show: { "[" + $0.channelNames.map { tomlQuoted($0) }.joined(separator: ", ") + "]" })

    private static func sampled(_ sample: String, _ option: Option) -> Option {
        var option = option
        option.sample = sample
        return option
    }

    private static func multiplexerWord(_ text: String) throws(Problem) {
        let isWord = text.unicodeScalars.allSatisfy {
            $0.properties.generalCategory != .control && !$0.properties.isWhitespace && $0 != "/"
        }
        guard !text.isEmpty, isWord, text.utf8.count <= 32 else {
            throw Problem(
                "cannot be \(tomlQuoted(text))", hint: "a name is 1 to 32 characters without blanks and slashes")
        }
    }

    private static func multiplexerPort(_ text: String) throws(Problem) {
        try multiplexerPath(text)
        guard !PortPatterns.isWildcard(text) else {
            throw Problem("has the pattern \(tomlQuoted(text))", hint: "write the path of one port")
        }
    }

    private static func multiplexerPath(_ text: String) throws(Problem) {
        guard text.hasPrefix("/"), text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw Problem("has \(tomlQuoted(text)), which is not a path that begins with '/'")
        }
    }

    /// What is wrong with the options of a multiplexer taken together, with the key that is meant.
    static func faults(
        of multiplexer: Configuration.Multiplexer, given: Set<String>, among others: [Configuration.Multiplexer],
        ports: [String]
    ) -> [(key: String?, problem: Problem)] {
        var faults: [(key: String?, problem: Problem)] = []
        let samples = ["name": "\"aft\"", "port": "\"/dev/ttyAMA0\"", "select": "[17, 27]", "channels": "4"]
        for key in ["name", "port", "select", "channels"] where !given.contains(key) {
            faults.append(
                (nil, Problem("[[\(multiplexerTable)]] has no \(key)", hint: "add \(key) = \(samples[key] ?? "…")")))
        }
        let needed = multiplexer.channelNames.count
        // A select that could not be read has been complained of already.
        let hasSelect = !multiplexer.lines.isEmpty || !multiplexer.selectFile.isEmpty
        if given.contains("select"), hasSelect, needed > multiplexer.select.addressable {
            let lines = max(1, Int.bitWidth - (needed - 1).leadingZeroBitCount)
            faults.append(
                (
                    "channels",
                    Problem(
                        "'\(multiplexerTable).channels' has \(needed) channels, and \(multiplexer.lines.count) "
                            + "\(multiplexer.lines.count == 1 ? "line addresses" : "lines address") only "
                            + "\(multiplexer.select.addressable)", hint: "\(needed) channels need \(lines) lines")
                ))
        }
        if !multiplexer.selectFile.isEmpty {
            for key in ["chip", "active_low"] where given.contains(key) {
                faults.append(
                    (key, Problem("'\(multiplexerTable).\(key)' has no use with select = \"file:…\"")))
            }
        }
        if multiplexer.turnMin > multiplexer.turnMax {
            faults.append(
                (
                    given.contains("turn_min") ? "turn_min" : "turn_max",
                    Problem(
                        "'\(multiplexerTable).turn_min' (\(DurationText.text(multiplexer.turnMin))) is longer than "
                            + "'turn_max' (\(DurationText.text(multiplexer.turnMax)))",
                        hint: "lower the one or raise the other")
                ))
        }
        if !multiplexer.port.isEmpty, ports.contains(multiplexer.port) {
            faults.append(
                (
                    "port",
                    Problem(
                        "'\(multiplexerTable).port' is \(tomlQuoted(multiplexer.port)), which is among the ports too",
                        hint: "take it out of ports: its chargers are read through the multiplexer")
                ))
        }
        for other in others {
            if !multiplexer.name.isEmpty, other.name == multiplexer.name {
                faults.append(("name", Problem("two multiplexers are named \(tomlQuoted(multiplexer.name))")))
            }
            if !multiplexer.port.isEmpty, other.port == multiplexer.port {
                faults.append(("port", Problem("two multiplexers are behind \(tomlQuoted(multiplexer.port))")))
            }
            if !multiplexer.selectFile.isEmpty, other.selectFile == multiplexer.selectFile {
                faults.append(("select", Problem("two multiplexers have this select file")))
            }
            if multiplexer.chip == other.chip, let line = multiplexer.lines.first(where: other.lines.contains) {
                faults.append(
                    (
                        "select",
                        Problem(
                            "'\(multiplexerTable).select' has line \(line), which is a line of "
                                + "\(tomlQuoted(other.name)) already", hint: "each multiplexer has lines of its own")
                    ))
            }
        }
        return faults
    }
}
