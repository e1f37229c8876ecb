import VEDirect

/// Two publishers of the same plant held against each other, message by message.
///
/// The one is vebridge, which knows serial numbers; the other is whoever fed the dashboards so far, such as a bridge by
/// Bluetooth. Times are seconds since the comparison began, by one clock, for both are heard on the same machine.
public struct Comparison: Sendable {
    /// How a device was heard on the other side.
    public struct Presence: Sendable, Hashable {
        /// Messages of any topic.
        public var messages = 0
        /// The first one.
        public var first = 0.0
        /// The last one.
        public var last = 0.0
        /// The longest time without one, and when it began.
        public var longestGap = 0.0
        /// When that began.
        public var gapStart = 0.0

        mutating func note(_ time: Double) {
            if messages == 0 {
                first = time
            } else if time - last > longestGap {
                (longestGap, gapStart) = (time - last, last)
            }
            messages += 1
            last = time
        }
    }

    /// What there is to say at a time.
    public struct Verdict: Sendable {
        /// How long both were heard, in seconds.
        public var duration: Double
        /// Every topic that both have.
        public var topics: [TopicVerdict]
        /// What was found, the disagreements first.
        public var findings: [Finding]
        /// The other side's devices by our name for them.
        public var presence: [String: Presence]
        /// Whether the two agree; nil where there was nothing to compare, or too short a time.
        public var agrees: Bool? {
            guard hasComparison, !isTooShort else { return nil }
            return !findings.contains { $0.isDisagreement }
        }
        /// Whether any topic was compared.
        public var hasComparison: Bool { topics.contains { $0.compared > 0 } }
        /// Whether both were heard for too short a time to say.
        public var isTooShort: Bool {
            guard hasComparison else { return false }
            return duration < Comparison.shortest
                || !findings.contains { $0.isDisagreement } && findings.contains { $0.kind == .unproven }
        }
    }

    /// Seconds that both have to be heard before anything is said.
    public static let shortest = 10.0
    /// Seconds in which every register was read and every kind of difference can be proven.
    public static let sufficient = 60.0

    /// What the other side is called in sentences.
    public var otherName = "BLE"
    private let matches: [String: String]
    private var serial: [ComparedTopic: Series] = [:]
    /// By its own ids.
    private var other: [ComparedTopic: Series] = [:]
    private var presence: [String: Presence] = [:]
    /// The bound of topics on either side: more than any plant has.
    static let topicLimit = 4096

    /// - Parameter matches: serial numbers by ids of the other side, where those do not tell.
    public init(matches: [String: String] = [:]) {
        self.matches = Dictionary(matches.map { ($0.key.uppercased(), $0.value.uppercased()) }) { first, _ in first }
    }

    /// Takes what vebridge says.
    public mutating func hearSerial(_ message: ComparedMessage, at time: Double) {
        guard serial[message.topic] != nil || serial.count < Self.topicLimit else { return }
        serial[message.topic, default: Series()].add(message.value, at: time)
    }

    /// Takes what the other side says.
    public mutating func hearOther(_ message: ComparedMessage, at time: Double, isRetained: Bool = false) {
        guard other[message.topic] != nil || other.count < Self.topicLimit else { return }
        other[message.topic, default: Series()].add(message.value, at: time, isRetained: isRetained)
        if !isRetained { presence[message.topic.device, default: Presence()].note(time) }
    }

    /// The chargers that vebridge knows.
    public var serials: [String] {
        Set(serial.keys.compactMap { if case .register(let device, _) = $0 { device } else { nil } }).sorted()
    }

    /// How many topics either side has.
    public var counts: (serial: Int, other: Int) { (serial.count, other.count) }

    /// What there is to say now.
    ///
    /// - Parameter isFinal: whether to measure delays also where nothing disagrees, which takes time.
    /// - Throws: if an id of the other side fits two chargers.
    public func verdict(at now: Double, isFinal: Bool = true) throws(DeviceMatch.Ambiguity) -> Verdict {
        var findings: [Finding] = []
        // Whose is whose.
        let serials = serials
        var names: [String: String] = [:]
        for id in Set(other.keys.compactMap({ if case .register(let id, _) = $0 { id } else { nil } })).sorted() {
            if let name = try DeviceMatch.serial(of: id, among: serials, matches) {
                names[id] = name
            } else if !serials.isEmpty {
                findings.append(
                    Finding(
                        kind: .unknownDevice, device: id, name: "",
                        text: "\(id): \(otherName) names a charger that is none of \(serials.joined(separator: ", ")); "
                            + "if it is one of them: --match \(id)=SERIAL",
                        isDisagreement: false))
            }
        }
        var renamed: [ComparedTopic: Series] = [:]
        for (topic, series) in other {
            if case .register(let id, _) = topic {
                if let name = names[id] { renamed[topic.of(name)] = series }
            } else {
                renamed[topic] = series
            }
        }
        var heard: [String: Presence] = [:]
        for (id, one) in presence.sorted(by: { $0.key < $1.key }) {
            // A device of two ids is where most is said of it.
            let name = names[id] ?? id
            if (heard[name]?.messages ?? 0) < one.messages { heard[name] = one }
        }

        let swaps = swapped(renamed)
        var topics: [TopicVerdict] = []
        let first = [serial.values.compactMap { $0.samples.first?.time }.min(), presence.values.map(\.first).min()]
        let begin = first.compactMap(\.self).max() ?? now
        for topic in serial.keys.sorted() {
            guard let mine = serial[topic], let theirs = renamed[topic] else { continue }
            let isSwapped = swaps.contains { $0.0 == topic.device || $0.1 == topic.device }
            topics.append(
                judge(
                    topic, mine, theirs, isSwapped: isSwapped, isFinal: isFinal, heard[topic.device], begin: begin, now)
            )
        }
        for (one, two) in swaps {
            findings.append(
                Finding(
                    kind: .swapped, device: one, name: "",
                    text: "\(one) and \(two): each has the other's values under its name at \(otherName)",
                    isDisagreement: true))
        }
        findings += topics.flatMap(\.findings)
        findings += coverage(topics, heard, now)
        findings += oneSided(renamed, begin: begin, now)
        findings.sort {
            ($0.isDisagreement ? 0 : 1, $0.device, $0.name) < ($1.isDisagreement ? 0 : 1, $1.device, $1.name)
        }
        return Verdict(duration: max(0, now - begin), topics: topics, findings: findings, presence: heard)
    }

    // MARK: One topic

    private func judge(
        _ topic: ComparedTopic, _ mine: Series, _ theirs: Series, isSwapped: Bool, isFinal: Bool, _ presence: Presence?,
        begin: Double, _ now: Double
    ) -> TopicVerdict {
        var title = topic.name
        var unit = ""
        var decimals = 2
        var step = 0.01
        if case .register(_, let register) = topic, let definition = RegisterCatalogue.standard[register] {
            (title, unit, decimals) = (definition.name, definition.unit, definition.scale.decimals)
            step = definition.scale.value(of: 1)
        }
        var verdict = TopicVerdict(
            topic: topic, title: title, unit: unit, decimals: decimals, compared: 0, serial: mine, other: theirs,
            lost: 0,
            findings: [])
        func found(_ kind: Finding.Kind, _ text: String, _ figure: Double? = nil, isDisagreement: Bool = true) {
            verdict.findings.append(
                Finding(
                    kind: kind, device: topic.device, name: topic.name, text: "\(topic.device) \(topic.name): \(text)",
                    isDisagreement: isDisagreement, figure: figure))
        }
        if let text = theirs.text, let own = mine.text {
            // Some tell the product number alone, without the flags around it.
            let isSame = own == text || min(own.count, text.count) >= 4 && (own.contains(text) || text.contains(own))
            (verdict.compared, verdict.agreement) = (1, isSame ? 1 : 0)
            if !isSame, !isSwapped { found(.different, "\(otherName) says \(text), serial \(own)") }
            return verdict
        }
        let judge = Judge(serial: mine, other: theirs, step: step)
        let match = judge.match()
        verdict.compared = match.compared
        if theirs.samples.count >= 3, theirs.spread == nil, mine.spread != nil {
            found(.onlySerial, "\(otherName) says that it has no value; serial has one", isDisagreement: false)
        }
        guard match.compared > 0 else { return verdict }
        verdict.agreement = match.share
        (verdict.offset, verdict.gain) = judge.relation
        if isFinal { verdict.lag = judge.lag }
        verdict.lost = judge.lost
        // One sample at the edge of a step is no verdict.
        guard !isSwapped, match.compared >= 3 || match.agreed == 0 && now - (theirs.samples.first?.time ?? now) > 5
        else {
            return verdict
        }
        let value = { (number: Double) in Words.number(number, decimals) + (unit.isEmpty ? "" : " \(unit)") }
        let cause = judge.cause(match)
        guard cause.needsNoTime && match.compared >= 3 || now - begin >= Self.sufficient else {
            let words = "it looks different, which takes \(Words.span(Self.sufficient)) to say"
            found(.unproven, words, 1 - match.share, isDisagreement: false)
            return verdict
        }
        // A few samples at the edges of clouds, in a short time.
        let wrong = match.compared - match.agreed
        if now - begin < Self.sufficient, match.agreed > 0, wrong <= 2 { return verdict }
        switch cause {
        case .agrees:
            if topic.name == "ed8c", mine.resolution >= step * 50 {
                found(
                    .different, "serial derives it in steps of \(value(mine.resolution)) from charger and load current",
                    isDisagreement: false)
            }
        case .frozen(let since):
            // Where the whole device fell silent, that is said once, of the device.
            guard let presence, presence.last - since > 30 else { break }
            found(
                .frozen,
                "\(otherName) stands still at \(value(theirs.last?.value ?? 0)) for \(Words.span(now - since)) while serial moves",
                now - since)
        case .lag(let delay):
            found(.lag, "\(otherName) is \(Words.span(abs(delay))) \(delay > 0 ? "behind" : "ahead")", delay)
        case .scale(let factor):
            let there = step / factor
            let isDecade = [10, 100, 1000, 0.1, 0.01, 0.001].contains(factor)
            let meaning =
                isDecade && !unit.isEmpty && step > 0
                ? ": unit is \(Words.factor(there)) \(unit) there" : ""
            found(.scale, "\(otherName) is \(Words.factor(factor)) × serial\(meaning)", factor)
        case .turnedSign: found(.sign, "\(otherName) has the opposite sign", -1)
        case .lostSign: found(.sign, "\(otherName) has lost the sign", nil)
        case .narrowSign: found(.sign, "\(otherName) reads a negative number of 16 bits as a positive one", nil)
        case .offset(let offset):
            found(.offset, "\(otherName) is \(value(abs(offset))) \(offset > 0 ? "more" : "less") than serial", offset)
        case .different:
            let share = Words.percent(1 - match.share)
            let middle = verdict.offset.map { ", median difference \(value(abs($0)))" } ?? ""
            found(.different, "\(otherName) differs in \(share) of samples\(middle)", 1 - match.share)
        }
        return verdict
    }

    // MARK: Devices

    /// Pairs of chargers whose names are exchanged: own values disagree, and the other's agree.
    private func swapped(_ other: [ComparedTopic: Series]) -> [(String, String)] {
        let serials = serials
        var pairs: [(String, String)] = []
        for (place, one) in serials.enumerated() {
            for two in serials[(place + 1)...] {
                var (own, crossed, told) = (0, 0, 0)
                for topic in serial.keys where topic.device == one {
                    guard let mine = serial[topic], let theirs = serial[topic.of(two)], let first = other[topic],
                        let second = other[topic.of(two)]
                    else { continue }
                    var step = 0.01
                    if case .register(_, let register) = topic, let definition = RegisterCatalogue.standard[register] {
                        step = definition.scale.value(of: 1)
                    }
                    func agrees(_ one: Series, _ two: Series) -> Bool? {
                        let match = Judge(serial: one, other: two, step: step).match()
                        return match.compared >= 5 ? match.share >= Judge.needed : nil
                    }
                    guard let straight = agrees(mine, first), let other = agrees(theirs, second),
                        let across = agrees(mine, second), let back = agrees(theirs, first)
                    else { continue }
                    // Where both chargers say the same, nothing is told of whose it is.
                    guard straight != across || other != back else { continue }
                    told += 1
                    if straight, other { own += 1 }
                    if across, back, !straight || !other { crossed += 1 }
                }
                if told > 0, crossed * 2 > told, crossed > own { pairs.append((one, two)) }
            }
        }
        return pairs
    }

    /// What the other side lost of each device.
    private func coverage(_ topics: [TopicVerdict], _ heard: [String: Presence], _ now: Double) -> [Finding] {
        heard.sorted { $0.key < $1.key }.compactMap { device, one in
            let own = topics.filter { $0.topic.device == device && $0.other.count >= 10 }
            // What moves tells best how often it should have been told.
            let losses = own.filter { $0.other.samples.count >= 10 && $0.serial.resolution > 0 }.map(\.lost).sorted()
            let lost = losses.isEmpty ? 0 : losses[losses.count / 2]
            let silence = now - one.last
            let gap = max(one.longestGap, silence)
            guard own.isEmpty == false || silence > 60 else { return nil }
            guard lost >= 0.1 || gap >= 60 else { return nil }
            var parts: [String] = []
            if lost >= 0.1 { parts.append("lost \(Words.percent(lost)) of samples") }
            if gap >= 1 { parts.append("longest gap \(Words.span(gap))" + (gap >= 30 ? " (radio)" : "")) }
            return Finding(
                kind: .loss, device: device, name: "", text: "\(device): \(otherName) " + parts.joined(separator: ", "),
                isDisagreement: false, figure: lost)
        }
    }

    /// What only one side has, of devices that both have.
    private func oneSided(
        _ other: [ComparedTopic: Series], begin: Double, _ now: Double
    ) -> [Finding] {
        var findings: [Finding] = []
        let theirDevices = Set(other.keys.map(\.device))
        let myDevices = Set(serial.keys.map(\.device))
        for topic in serial.keys.sorted() where other[topic] == nil && theirDevices.contains(topic.device) {
            guard let first = serial[topic]?.samples.first?.time ?? (serial[topic]?.text != nil ? 0 : nil),
                now - first > 10
            else {
                continue
            }
            findings.append(
                Finding(
                    kind: .onlySerial, device: topic.device, name: topic.name,
                    text: "\(topic.device) \(topic.name)\(Self.title(topic)): only serial has it", isDisagreement: false
                ))
        }
        for topic in other.keys.sorted() where serial[topic] == nil && myDevices.contains(topic.device) {
            // "Not available" is what a register says that is not published here.
            guard let theirs = other[topic], theirs.spread != nil || theirs.text != nil else { continue }
            // A register of a slow round may still be read.
            guard now - begin >= Self.sufficient else {
                findings.append(
                    Finding(
                        kind: .unproven, device: topic.device, name: topic.name,
                        text: "\(topic.device) \(topic.name)\(Self.title(topic)): only \(otherName) had it so far",
                        isDisagreement: false))
                continue
            }
            findings.append(
                Finding(
                    kind: .onlyOther, device: topic.device, name: topic.name,
                    text: "\(topic.device) \(topic.name)\(Self.title(topic)): only \(otherName) has it",
                    isDisagreement: true))
        }
        for device in myDevices.subtracting(theirDevices).sorted() {
            findings.append(
                Finding(
                    kind: .onlySerial, device: device, name: "", text: "\(device): only serial has this device",
                    isDisagreement: false))
        }
        return findings
    }

    private static func title(_ topic: ComparedTopic) -> String {
        guard case .register(_, let register) = topic, let definition = RegisterCatalogue.standard[register] else {
            return ""
        }
        return " (\(definition.name))"
    }
}
