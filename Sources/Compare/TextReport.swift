/// A verdict as text for a terminal of eighty columns, and as Markdown.
public enum TextReport {
    /// Colours of a terminal.
    public enum Paint: Sendable { case plain, coloured }

    /// The table: a line a topic, 79 columns.
    ///
    /// - Parameter rows: lines at most; those that disagree come first where there are more.
    public static func table(_ verdict: Comparison.Verdict, otherName: String, paint: Paint = .plain, rows: Int = .max)
        -> [String]
    {
        var lines = [
            Words.left("device", 12) + Words.left("topic", 24) + Words.right("serial", 13) + Words.right(otherName, 13)
                + Words.right("agree", 8) + Words.right("n", 6)
        ]
        var topics = verdict.topics
        if topics.count > rows {
            topics = Array(
                topics.sorted { ($0.agreement ?? 2, $0.topic) < ($1.agreement ?? 2, $1.topic) }.prefix(rows - 1))
        }
        for one in topics {
            let isWrong = one.findings.contains(where: \.isDisagreement)
            let cells =
                Words.left(one.topic.device, 12)
                + Words.left(one.title == one.topic.name ? one.topic.name : "\(one.topic.name) \(one.title)", 24)
                + Words.right(value(one.serial, one), 13) + Words.right(value(one.other, one), 13)
            let share = Words.right(one.agreement.map(Words.percent) ?? "–", 8) + Words.right("\(one.compared)", 6)
            let colour = isWrong ? "31" : one.compared == 0 ? "2" : "32"
            lines.append(cells + (paint == .coloured ? "\u{1B}[\(colour)m\(share)\u{1B}[0m" : share))
        }
        if topics.count < verdict.topics.count {
            lines.append("… and \(verdict.topics.count - topics.count) more topics")
        }
        return lines
    }

    /// What was found, in words, folded to eighty columns.
    public static func findings(_ verdict: Comparison.Verdict, paint: Paint = .plain) -> [String] {
        grouped(verdict.findings).flatMap { finding in
            let mark = finding.isDisagreement ? "✗ " : "· "
            let lines = folded(mark + finding.text, 79)
            return paint == .coloured && finding.isDisagreement ? lines.map { "\u{1B}[31m\($0)\u{1B}[0m" } : lines
        }
    }

    /// What only one side has, as one finding a device: a table would repeat it anyway.
    private static func grouped(_ findings: [Finding]) -> [Finding] {
        var grouped: [Finding] = []
        for finding in findings {
            let isOneSided = finding.kind == .onlySerial || finding.kind == .onlyOther
            guard isOneSided, !finding.name.isEmpty, finding.text.hasSuffix(" has it"),
                let place = grouped.firstIndex(where: {
                    $0.kind == finding.kind && $0.device == finding.device && $0.text.hasSuffix(" has it")
                })
            else {
                grouped.append(finding)
                continue
            }
            let (first, last) = (grouped[place], finding)
            let side = last.text.split(separator: ":").last.map(String.init) ?? ""
            let before = first.text.split(separator: ":").first.map(String.init) ?? ""
            let name = last.text.split(separator: ":").first.map { $0.dropFirst(last.device.count) } ?? ""
            grouped[place].text = before + "," + name + ":" + side
        }
        return grouped
    }

    /// The last word.
    public static func conclusion(_ verdict: Comparison.Verdict, otherName: String) -> String {
        let compared = verdict.topics.count { $0.compared > 0 }
        let span = Words.span(verdict.duration)
        switch verdict.agrees {
        case nil where verdict.isTooShort:
            return "Too short to say: both were heard for \(span). It takes \(Words.span(Comparison.shortest)), and "
                + "\(Words.span(Comparison.sufficient)) for every register and every kind of difference."
        case nil: return "Nothing to compare: no topic was told by both in \(span)."
        case true?: return "Serial and \(otherName) agree on \(compared) topics, over \(span)."
        case false?:
            let wrong = verdict.findings.count(where: \.isDisagreement)
            let what = wrong == 1 ? "one thing" : "\(wrong) things"
            return "Serial and \(otherName) disagree in \(what); \(compared) topics compared, over \(span)."
        }
    }

    /// All of it for a terminal or a file.
    public static func text(_ verdict: Comparison.Verdict, otherName: String, paint: Paint = .plain) -> String {
        (table(verdict, otherName: otherName, paint: paint) + [""] + findings(verdict, paint: paint)
            + (verdict.findings.isEmpty ? [] : [""]) + [conclusion(verdict, otherName: otherName)])
            .joined(separator: "\n") + "\n"
    }

    /// As Markdown.
    public static func markdown(_ verdict: Comparison.Verdict, otherName: String) -> String {
        var lines = ["# Serial against \(otherName)", "", conclusion(verdict, otherName: otherName), ""]
        if !verdict.findings.isEmpty {
            lines += ["## Findings", ""]
            lines += verdict.findings.map {
                "- " + ($0.isDisagreement ? "**" + escaped($0.text) + "**" : escaped($0.text))
            }
            lines.append("")
        }
        lines += [
            "## Topics", "",
            "| device | topic | serial | \(otherName) | agree | compared | offset | factor | behind | lost |",
            "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        ]
        for one in verdict.topics {
            let title = one.title == one.topic.name ? one.topic.name : "\(one.topic.name) \(one.title)"
            let cells = [one.topic.device, title] + Self.cells(one)
            lines.append("| " + cells.map(escaped).joined(separator: " | ") + " |")
        }
        lines += ["", "## Devices at \(otherName)", "", "| device | messages | longest gap |", "|---|---:|---:|"]
        for (device, one) in verdict.presence.sorted(by: { $0.key < $1.key }) {
            lines.append("| \(escaped(device)) | \(one.messages) | \(Words.span(one.longestGap)) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The last value of a side, as people write it.
    static func value(_ series: Series, _ verdict: TopicVerdict) -> String {
        if let last = series.last {
            return last.value.map {
                Words.number($0, verdict.decimals) + (verdict.unit.isEmpty ? "" : " \(verdict.unit)")
            }
                ?? "none"
        }
        return series.text ?? "–"
    }

    /// The figures of a topic: both values, agreement, samples compared, offset, factor, delay, loss.
    static func cells(_ one: TopicVerdict) -> [String] {
        var cells = [value(one.serial, one), value(one.other, one)]
        cells.append(one.agreement.map(Words.percent) ?? "–")
        cells.append("\(one.compared)")
        cells.append(one.offset.map { Words.number($0, one.decimals) } ?? "–")
        cells.append(one.gain.map(Words.factor) ?? "–")
        cells.append(one.lag.map { Words.number($0, 1) + " s" } ?? "–")
        cells.append(Words.percent(one.lost))
        return cells
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            if "|<>*_`".contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
        return escaped
    }

    private static func folded(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = " "
            }
            line += line.isEmpty ? String(word) : " " + word
        }
        return lines + [line]
    }
}
