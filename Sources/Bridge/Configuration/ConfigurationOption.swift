/// One option: its name, what it may be, what it means, and where its value goes.
///
/// `Root` is the whole configuration, or one entry of an array of tables.
struct ConfigurationOption<Root>: Sendable {
    typealias Place<Value> = any WritableKeyPath<Root, Value> & Sendable

    /// The last part of the name, as `reconnect_min`.
    var key: String
    /// What it may be, in a few words, for the example file.
    var allowed: String
    /// What it means.
    var summary: String
    /// A value for the example file where the default says nothing; TOML.
    var sample: String?
    /// True where the value may be or hold a secret: no message quotes it.
    var isSensitive = false
    /// False for what is read but not put to use yet.
    var isDocumented = true
    /// For a file name that is meant from the place of the configuration file: changes it.
    var changePath: (@Sendable (inout Root, (String) -> String) -> Void)?
    /// Puts a value in its place, or says what is wrong with it.
    var read: @Sendable (SourceValue, inout Root) -> [Fault]
    /// The value as TOML, secrets as dots; nil where there is none.
    var show: @Sendable (Root) -> String?

    /// A problem with the value, or with one element of it.
    struct Fault: Sendable {
        var element: Int?
        var problem: Problem
    }
}

extension ConfigurationOption {
    /// True or false.
    static func flag(_ key: String, _ place: Place<Bool>, _ summary: String) -> Self {
        Self(
            key: key, allowed: "true or false", summary: summary,
            read: { value, root in
                accept { () throws(Problem) in root[keyPath: place] = try flag(value, key) }
            },
            show: { "\($0[keyPath: place])" })
    }

    /// True, false or not given.
    static func flag(_ key: String, _ place: Place<Bool?>, sample: Bool, _ summary: String) -> Self {
        Self(
            key: key, allowed: "true or false", summary: summary, sample: "\(sample)",
            read: { value, root in
                accept { () throws(Problem) in root[keyPath: place] = try flag(value, key) }
            },
            show: { $0[keyPath: place].map { "\($0)" } })
    }

    /// One of a few whole numbers.
    static func integer(_ key: String, _ place: Place<Int>, among numbers: [Int], _ summary: String) -> Self {
        let allowed = listed(numbers.map { "\($0)" })
        return Self(
            key: key, allowed: allowed, summary: summary,
            read: { value, root in
                accept { () throws(Problem) in
                    if case .text(let text) = value, let number = Int(text), numbers.contains(number) {
                        throw Problem(
                            "must be \(allowed), not a text", hint: "write \(key) = \(number), without quotes")
                    }
                    guard case .integer(let number) = value else { throw wrong(value, wanted: allowed) }
                    guard numbers.contains(number) else { throw Problem("must be \(allowed), not \(number)") }
                    root[keyPath: place] = number
                }
            },
            show: { "\($0[keyPath: place])" })
    }

    /// A duration within limits.
    ///
    /// - Parameter zero: what zero means, where it is allowed below the limits.
    static func duration(
        _ key: String, _ place: Place<Duration>, _ limits: ClosedRange<Duration>, zero: String? = nil,
        _ summary: String
    ) -> Self {
        let range = "\(DurationText.text(limits.lowerBound)) to \(DurationText.text(limits.upperBound))"
        let allowed = range + (zero.map { ", or \"0\" (\($0))" } ?? "")
        return Self(
            key: key, allowed: "a duration, \(allowed)", summary: summary,
            read: { value, root in
                accept { () throws(Problem) in
                    let duration: Duration?
                    let written: String
                    switch value {
                    case .text(let text):
                        do throws(Problem) {
                            duration = try DurationText.parse(text)
                        } catch {
                            throw Problem("\(tomlQuoted(text)) \(error.message)", hint: error.hint)
                        }
                        written = tomlQuoted(text)
                    case .integer(let seconds):
                        duration = DurationText.seconds(Double(seconds))
                        written = "\(seconds)"
                    case .real(let seconds):
                        duration = DurationText.seconds(seconds)
                        written = "\(seconds)"
                    default:
                        throw wrong(value, wanted: "a duration such as \"10s\"")
                    }
                    guard let duration, limits.contains(duration) || (zero != nil && duration == .zero) else {
                        throw Problem("must be from \(allowed), not \(written)")
                    }
                    root[keyPath: place] = duration
                }
            },
            show: { tomlQuoted(DurationText.text($0[keyPath: place])) })
    }

    /// A text that passes a check.
    static func text(
        _ key: String, _ place: Place<String>, allowed: String = "a text", _ summary: String,
        check: @escaping @Sendable (String) throws(Problem) -> Void = { _ throws(Problem) in }
    ) -> Self {
        Self(
            key: key, allowed: allowed, summary: summary,
            read: { value, root in
                accept { () throws(Problem) in
                    let text = try text(value, wanted: "a text")
                    try check(text)
                    root[keyPath: place] = text
                }
            },
            show: { tomlQuoted($0[keyPath: place]) })
    }

    /// The name of a file or directory; a relative one is meant from the directory of the configuration file.
    static func path(_ key: String, _ place: Place<String>, allowed: String = "a path", _ summary: String) -> Self {
        var option = text(key, place, allowed: allowed, summary) { text throws(Problem) in
            if text.hasPrefix("~") {
                throw Problem("'~' means nothing to a daemon", hint: "write the path from the root")
            }
        }
        option.changePath = { root, change in root[keyPath: place] = change(root[keyPath: place]) }
        return option
    }

    /// The same option for something that holds a `Root`.
    func lifted<Whole>(
        _ place: any WritableKeyPath<Whole, Root> & Sendable
    ) -> ConfigurationOption<Whole> {
        let (read, show, changePath) = (read, show, changePath)
        var option = ConfigurationOption<Whole>(
            key: key, allowed: allowed, summary: summary, sample: sample, isSensitive: isSensitive,
            isDocumented: isDocumented,
            read: { value, whole in
                read(value, &whole[keyPath: place]).map { .init(element: $0.element, problem: $0.problem) }
            },
            show: { show($0[keyPath: place]) })
        if let changePath { option.changePath = { changePath(&$0[keyPath: place], $1) } }
        return option
    }

    /// A whole number within limits.
    static func count(_ key: String, _ place: Place<Int>, _ limits: ClosedRange<Int>, _ summary: String) -> Self {
        let allowed = "a whole number, \(limits.lowerBound) to \(limits.upperBound)"
        return Self(
            key: key, allowed: allowed, summary: summary,
            read: { value, root in
                accept { () throws(Problem) in
                    guard case .integer(let number) = value else { throw wrong(value, wanted: allowed) }
                    guard limits.contains(number) else { throw Problem("must be \(allowed), not \(number)") }
                    root[keyPath: place] = number
                }
            },
            show: { "\($0[keyPath: place])" })
    }

    /// One fingerprint of a certificate, or a list of them.
    static func fingerprints(_ key: String, _ place: Place<[CertificateFingerprint]>, _ summary: String) -> Self {
        Self(
            key: key, allowed: "\"sha256:\" and 64 hex digits, a list of such, or \"\"", summary: summary,
            sample: "\"\"",
            read: { value, root in
                let values: [SourceValue]
                switch value {
                case .text(""): values = []
                case .list(let list): values = list
                default: values = [value]
                }
                var pins: [CertificateFingerprint] = []
                var faults: [Fault] = []
                for (index, value) in values.enumerated() {
                    do throws(Problem) {
                        let text = try text(value, wanted: "the fingerprint of a certificate")
                        guard let pin = CertificateFingerprint(text) else {
                            throw Problem(
                                "is not the SHA-256 of a certificate",
                                hint: "write \"sha256:\" and 64 hex digits, colons between or not")
                        }
                        pins.append(pin)
                    } catch {
                        faults.append(Fault(element: values.count > 1 ? index : nil, problem: error))
                    }
                }
                if faults.isEmpty { root[keyPath: place] = pins }
                return faults
            },
            show: { root in
                let pins = root[keyPath: place].map { tomlQuoted($0.description) }
                return pins.isEmpty ? nil : pins.count == 1 ? pins[0] : "[" + pins.joined(separator: ", ") + "]"
            })
    }

    /// A text that nobody may see.
    static func secret(_ key: String, _ place: Place<Secret?>, _ summary: String) -> Self {
        Self(
            key: key, allowed: "a text", summary: summary, sample: "\"\"", isSensitive: true,
            read: { value, root in
                accept { () throws(Problem) in
                    let text = try text(value, wanted: "a text")
                    root[keyPath: place] = text.isEmpty ? nil : Secret(text)
                }
            },
            show: { $0[keyPath: place].map { tomlQuoted($0.description) } })
    }

    /// One of the words of an enumeration.
    static func word<Word: RawRepresentable & CaseIterable & Sendable>(
        _ key: String, _ place: Place<Word>, _ summary: String
    ) -> Self where Word.RawValue == String {
        let words = Word.allCases.map(\.rawValue)
        let allowed = listed(words.map { tomlQuoted($0) })
        return Self(
            key: key, allowed: allowed, summary: summary,
            read: { value, root in
                accept { () throws(Problem) in
                    let text = try text(value, wanted: allowed)
                    guard let word = Word(rawValue: text) else {
                        let nearest = NearestWord.match(text, among: words)
                        throw Problem(
                            "cannot be \(tomlQuoted(text))",
                            hint: nearest.map { "did you mean \(tomlQuoted($0))?" } ?? "it is \(allowed)")
                    }
                    root[keyPath: place] = word
                }
            },
            show: { tomlQuoted($0[keyPath: place].rawValue) })
    }

    /// The address of the broker.
    static func address(_ key: String, _ place: Place<BrokerURL>, _ summary: String) -> Self {
        Self(
            key: key, allowed: "mqtt://host:port, mqtts://host:port or mdns:", summary: summary, isSensitive: true,
            read: { value, root in
                accept { () throws(Problem) in
                    let text = try text(value, wanted: "an address such as \"mqtt://localhost:1883\"")
                    do throws(BrokerURL.ParseError) {
                        root[keyPath: place] = try BrokerURL(parsing: text)
                    } catch {
                        throw Problem("is not the address of a broker: \(error.message)", hint: error.hint)
                    }
                }
            },
            show: { tomlQuoted($0[keyPath: place].description) })
    }

    /// A list of texts, each of which passes a check.
    ///
    /// - Parameter tables: the hint for who gives a list of tables instead.
    static func list(
        _ key: String, _ place: Place<[String]>, allowed: String, tables: String? = nil, _ summary: String,
        check: @escaping @Sendable (String) throws(Problem) -> Void
    ) -> Self {
        Self(
            key: key, allowed: allowed, summary: summary,
            read: { value, root in
                if case .text(let text) = value {
                    let hint = "write \(key) = [\(tomlQuoted(text))]"
                    return [Fault(problem: Problem("must be a list, not a text", hint: hint))]
                }
                guard case .list(let values) = value else { return [Fault(problem: wrong(value, wanted: "a list"))] }
                var texts: [String] = []
                var faults: [Fault] = []
                for (index, value) in values.enumerated() {
                    do throws(Problem) {
                        if case .table = value {
                            // `[[ports]]` for `[[port]]`.
                            throw Problem("must be a list of texts, not of tables", hint: tables)
                        }
                        let text = try text(value, wanted: "a list of texts")
                        try check(text)
                        if texts.contains(text) { throw Problem("has \(tomlQuoted(text)) twice") }
                        texts.append(text)
                    } catch {
                        faults.append(Fault(element: index, problem: error))
                    }
                }
                if faults.isEmpty { root[keyPath: place] = texts }
                return faults
            },
            show: { "[" + $0[keyPath: place].map { tomlQuoted($0) }.joined(separator: ", ") + "]" })
    }

    // MARK: What the kinds have in common

    private static func accept(_ read: () throws(Problem) -> Void) -> [Fault] {
        do {
            try read()
            return []
        } catch {
            return [Fault(problem: error)]
        }
    }

    private static func flag(_ value: SourceValue, _ key: String) throws(Problem) -> Bool {
        if case .flag(let flag) = value { return flag }
        let meant: Bool? =
            switch value {
            case .text(let text) where ["true", "yes", "on", "1"].contains(text.lowercased()): true
            case .text(let text) where ["false", "no", "off", "0"].contains(text.lowercased()): false
            case .integer(1): true
            case .integer(0): false
            default: nil
            }
        var problem = wrong(value, wanted: "true or false")
        problem.hint = meant.map { "write \(key) = \($0), without quotes" }
        throw problem
    }

    private static func text(_ value: SourceValue, wanted: String) throws(Problem) -> String {
        guard case .text(let text) = value else { throw wrong(value, wanted: wanted) }
        return text
    }

    private static func wrong(_ value: SourceValue, wanted: String) -> Problem {
        Problem("must be \(wanted), not \(value.kind)")
    }

    /// `"0", "1" or "2"`.
    private static func listed(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}

/// A text as TOML writes it, fit for a message too: nothing in it can end a line.
func tomlQuoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028:
            let digits = String(scalar.value, radix: 16, uppercase: true)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
