/// A verdict as one file for a browser: both curves of each topic drawn, and nothing loaded from elsewhere.
public enum HTMLReport {
    /// The whole document.
    public static func text(_ verdict: Comparison.Verdict, otherName: String) -> String {
        let name = escaped(otherName)
        var body = "<h1>Serial against \(name)</h1>\n"
        let tone = verdict.agrees.map { $0 ? "good" : "bad" } ?? "soft"
        body +=
            "<p class=\"\(tone)\"><strong>\(escaped(TextReport.conclusion(verdict, otherName: otherName)))</strong></p>\n"
        if !verdict.findings.isEmpty {
            body += "<h2>Findings</h2>\n<ul>\n"
            for one in verdict.findings {
                body += "<li\(one.isDisagreement ? " class=\"bad\"" : "")>\(escaped(one.text))</li>\n"
            }
            body += "</ul>\n"
        }
        body += "<h2>Topics</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>Device<th>Topic<th>Serial<th>\(name)"
        body += "<th>Agree<th>Compared<th>Offset<th>Factor<th>Behind<th>Lost</tr></thead>\n<tbody>\n"
        for one in verdict.topics {
            let isWrong = one.findings.contains(where: \.isDisagreement)
            let cells = TextReport.cells(one)
            body += "<tr\(isWrong ? " class=\"bad\"" : "")><td>\(escaped(one.topic.device))<td>"
            body += escaped(one.title == one.topic.name ? one.topic.name : "\(one.topic.name) \(one.title)")
            body += cells.map { "<td class=\"n\">\(escaped($0))" }.joined() + "</tr>\n"
        }
        body += "</tbody></table></div>\n<h2>Curves</h2>\n"
        let drawn = verdict.topics.filter { $0.serial.samples.count > 1 || $0.other.samples.count > 1 }
        if !drawn.isEmpty {
            body += "<p class=\"key\"><span class=\"serial\">serial</span> <span class=\"other\">\(name)</span></p>\n"
        }
        for one in drawn { body += Plot(one, otherName: otherName).figure }
        body +=
            "<h2>Devices at \(name)</h2>\n<table>\n<thead><tr><th>Device<th>Messages<th>Longest gap</tr></thead>\n<tbody>\n"
        for (device, one) in verdict.presence.sorted(by: { $0.key < $1.key }) {
            body +=
                "<tr><td>\(escaped(device))<td class=\"n\">\(one.messages)<td class=\"n\">\(Words.span(one.longestGap))</tr>\n"
        }
        body += "</tbody></table>\n"
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>vebridge: serial against \(name)</title>
            <style>
            \(style)</style></head><body>
            \(body)</body></html>

            """
    }

    private static let style = """
        :root { color-scheme: light dark; --serial: #0b67a8; --other: #c2410c; --line: #8886; --bad: #b91c1c; --good: #15803d; }
        @media (prefers-color-scheme: dark) { :root { --serial: #6cb6ff; --other: #fb923c; --bad: #f87171; --good: #4ade80; } }
        body { font: 16px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem; }
        .bad { color: var(--bad); } .good { color: var(--good); } .soft { opacity: .75; }
        .scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
        th, td { text-align: left; padding: .2rem .7rem .2rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
        .n { text-align: right; font-variant-numeric: tabular-nums; }
        figure { margin: 1.2rem 0; break-inside: avoid; } figcaption { font-weight: 600; } svg { width: 100%; height: auto; }
        svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
        .grid { stroke: var(--line); stroke-width: 1; } .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
        .curve.serial { stroke: var(--serial); } .curve.other { stroke: var(--other); stroke-dasharray: 6 3; }
        .key span { font-weight: 600; margin-right: 1rem; } .key .serial { color: var(--serial); } .key .other { color: var(--other); }

        """

    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}

/// Both curves of a topic, as they were heard: each value holds until the next one.
struct Plot {
    private static let (width, height) = (960.0, 220.0)
    private static let (left, right, top, bottom) = (76.0, 12.0, 12.0, 26.0)
    /// More points than pixels are of no use.
    private static let pointLimit = 1200

    private let verdict: TopicVerdict
    private let otherName: String
    private var from = 0.0
    private var to = 1.0
    private var low = 0.0
    private var high = 1.0

    init(_ verdict: TopicVerdict, otherName: String) {
        self.verdict = verdict
        self.otherName = otherName
        let samples = verdict.serial.samples + verdict.other.samples
        let values = samples.compactMap(\.value)
        guard let first = samples.map(\.time).min(), let last = samples.map(\.time).max(), let least = values.min(),
            let most = values.max()
        else { return }
        (from, to) = (first, max(last, first + 1))
        let room = max((most - least) * 0.06, abs(most) * 0.001, 1e-6)
        (low, high) = (least - room, most + room)
    }

    /// With its caption.
    var figure: String {
        let title = verdict.title == verdict.topic.name ? "" : " \(verdict.title)"
        let caption = HTMLReport.escaped("\(verdict.topic.device) \(verdict.topic.name)\(title)")
        let unit = verdict.unit.isEmpty ? "" : " (\(HTMLReport.escaped(verdict.unit)))"
        let label = HTMLReport.escaped("Curves of serial and \(otherName)")
        var svg = "<figure><figcaption>\(caption)\(unit)</figcaption>\n"
        svg += "<svg viewBox=\"0 0 960 220\" role=\"img\" aria-label=\"\(label)\">\n"
        for step in 0...4 {
            let value = low + (high - low) * Double(step) / 4
            let y = coordinate(y(value))
            svg +=
                "<line class=\"grid\" x1=\"\(coordinate(Self.left))\" x2=\"\(coordinate(Self.width - Self.right))\" y1=\"\(y)\" y2=\"\(y)\"/>"
            svg +=
                "<text x=\"\(coordinate(Self.left - 8))\" y=\"\(coordinate(self.y(value) + 4))\" text-anchor=\"end\">"
            svg += "\(Words.number(value, decimals))</text>\n"
        }
        for step in 0...4 {
            let time = from + (to - from) * Double(step) / 4
            let anchor = step == 0 ? "start" : step == 4 ? "end" : "middle"
            svg += "<text x=\"\(coordinate(x(time)))\" y=\"\(coordinate(Self.height - 6))\" text-anchor=\"\(anchor)\">"
            svg += "\(Words.span(time - from))</text>\n"
        }
        svg += curve(verdict.serial, "serial") + curve(verdict.other, "other")
        return svg + "</svg></figure>\n"
    }

    private var decimals: Int { high - low >= 40 ? 0 : high - low >= 4 ? 1 : min(3, max(verdict.decimals, 2)) }

    private func x(_ time: Double) -> Double {
        Self.left + (time - from) / (to - from) * (Self.width - Self.left - Self.right)
    }

    private func y(_ value: Double) -> Double {
        Self.height - Self.bottom - (value - low) / (high - low) * (Self.height - Self.top - Self.bottom)
    }

    private func coordinate(_ value: Double) -> String { Words.number(value, 1) }

    private func curve(_ series: Series, _ name: String) -> String {
        let samples = series.samples
        let stride = max(1, samples.count / Self.pointLimit)
        var path = ""
        var isDrawing = false
        for index in Swift.stride(from: 0, to: samples.count, by: stride) {
            guard let value = samples[index].value else {
                isDrawing = false
                continue
            }
            let point = "\(coordinate(x(samples[index].time))) \(coordinate(y(value)))"
            if isDrawing {
                path += "H\(coordinate(x(samples[index].time)))V\(coordinate(y(value)))"
            } else {
                path += "M\(point)"
                isDrawing = true
            }
        }
        // What was last said holds to the end.
        if isDrawing { path += "H\(coordinate(x(to)))" }
        return path.isEmpty ? "" : "<path class=\"curve \(name)\" d=\"\(path)\"/>\n"
    }
}
