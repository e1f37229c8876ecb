import ArgumentParser
import Bridge

/// What the program prints on wrong usage: what is wrong, one line of usage, and where to read more.
enum UsageError {
    /// The whole message for an error of the argument parser.
    static func message(for error: any Error, arguments: [String]) -> String {
        let (names, command) = path(of: arguments)
        if let word = unknownCommand(arguments) {
            let candidates = command.configuration.subcommands.map { $0._commandName }
            let hint = NearestWord.match(word, among: candidates).map { nearest in
                "did you mean '\((names.dropFirst() + [nearest]).joined(separator: " "))'?"
            }
            let tried = (names.dropFirst() + [word]).joined(separator: " ")
            return "no command '\(printable(tried))'; " + (hint ?? "see '\(names.joined(separator: " ")) --help'")
        }
        let asked = command == Vebridge.self ? Run.self : command
        let usage = short(Vebridge.usageString(for: asked))
        let help = asked == Run.self ? "vebridge run" : names.joined(separator: " ")
        return Vebridge.message(for: error) + "\nusage: \(usage)\nsee '\(help) --help'"
    }

    /// The first word that stands where a command is expected and names none; nil where there is no such word.
    static func unknownCommand(_ arguments: [String]) -> String? {
        let (names, command) = path(of: arguments)
        let rest = arguments.dropFirst(names.count - 1)
        guard !command.configuration.subcommands.isEmpty, let word = rest.first, !word.hasPrefix("-"), word != "help"
        else { return nil }
        return word
    }

    /// The commands that the first words name, and the last of them.
    private static func path(of arguments: [String]) -> (names: [String], command: any ParsableCommand.Type) {
        var names = ["vebridge"]
        var command: any ParsableCommand.Type = Vebridge.self
        for word in arguments {
            guard let next = command.configuration.subcommands.first(where: { $0._commandName == word }) else { break }
            names.append(word)
            command = next
        }
        return (names, command)
    }

    /// Usage with its options in one word: `vebridge get <port> <registers> ... [options]`.
    static func short(_ usage: String) -> String {
        var words: [Substring] = []
        var hasOptions = false
        var depth = 0
        var group: [Substring] = []
        for word in usage.split(whereSeparator: \.isWhitespace) {
            depth += word.count { $0 == "[" } - word.count { $0 == "]" }
            group.append(word)
            guard depth <= 0 else { continue }
            // The parser writes a long list of options as this one word itself.
            if group[0].hasPrefix("[-") || group[0].hasPrefix("-") || group == ["<options>"] {
                hasOptions = true
            } else {
                words += group
            }
            group = []
        }
        return (words + (hasOptions ? ["[options]"] : [])).joined(separator: " ")
    }

    private static func printable(_ text: String) -> String {
        String(text.unicodeScalars.prefix(60).map { $0.properties.generalCategory == .control ? "?" : Character($0) })
    }
}
