import Foundation
import Logging
import Testing

@testable import Bridge
@testable import Web

@Suite("What is answered")
struct AnswerTests {
    @Test("the page and its parts come with a strict policy, without cookies, and are small")
    func page() async throws {
        let rig = try WebRig()
        defer { rig.stop() }
        var weight = 0
        for path in ["/", "/style.css", "/page.js", "/words.js", "/charts.js", "/icon.svg", "/manifest.webmanifest"] {
            let response = try await rig.ask(path)
            #expect(response.status == 200)
            let policy = response.headers["content-security-policy"] ?? ""
            #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
            #expect(response.headers["set-cookie"] == nil)
            #expect(response.headers["x-content-type-options"] == "nosniff")
            weight += response.text.utf8.count
            // Nothing from elsewhere.
            let links = response.body.components(separatedBy: "http").count - 1
            let names = response.body.components(separatedBy: "http://www.w3.org/").count - 1
            #expect(links == names, "\(path) names an address elsewhere")
            let tag = try #require(response.headers["etag"])
            let again = try await rig.ask(path, ["If-None-Match: \(tag)"])
            #expect(again.status == 304 && again.body.isEmpty)
        }
        #expect(weight < 150_000)
    }

    @Test("HEAD says what GET would, without a body", arguments: ["/", "/api/v1/now", "/metrics", "/api/v1/events"])
    func head(path: String) async throws {
        let rig = try WebRig()
        defer { rig.stop() }
        let response = try await rig.ask(path, method: "HEAD")
        #expect(response.status == 200 && response.body.isEmpty)
        #expect(response.headers["content-length"] != nil)
    }

    @Test("two requests on one connection are both answered, in their order")
    func pipelined() async throws {
        let rig = try WebRig()
        defer { rig.stop() }
        let one = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        let two = "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        let text = try await rig.say(one + two).text
        let ok = try #require(text.range(of: "200 OK"))
        let missing = try #require(text.range(of: "404 Not Found"))
        #expect(ok.lowerBound < missing.lowerBound)
    }

    @Test("a bridge that does not answer is told of, and the page is served all the same")
    func silence() async throws {
        var patience = Patience()
        patience.bridge = .milliseconds(200)
        let rig = try WebRig(answers: false, patience: patience)
        defer { rig.stop() }
        for path in ["/healthz", "/metrics", "/api/v1/now", "/api/v1/health"] {
            #expect(try await rig.ask(path).status == 503)
        }
        #expect(try await rig.ask("/").status == 200)
        #expect(try await rig.ask("/api/v1/log").status == 200)
    }

    @Test("the numbers are the plant's, and what is old says so")
    func numbers() async throws {
        let rig = try WebRig(snapshot: try .ofEverything())
        defer { rig.stop() }
        let now = try #require(try await rig.ask("/api/v1/now").json as? [String: Any])
        let solar = try #require((now["solar"] as? [String: Any])?["power"] as? [String: Any])
        #expect(solar["value"] as? Double == 144.58 && solar["age"] as? Double == 1 && solar["stale"] as? Bool == false)
        let chargers = try #require(now["chargers"] as? [[String: Any]])
        #expect(chargers.compactMap { $0["serial"] as? String } == ["HQ2012ABCDE", "HQ2013FGHIJ"])
        let values = try #require(chargers[0]["values"] as? [String: [String: Any]])
        #expect(values["panel_power"]?["value"] as? Double == 24.58)
        #expect(values["battery_voltage"]?["value"] as? Double == 13.25)
        #expect(values["yield_today"]?["value"] as? Double == 1.23 && values["yield_today"]?["stale"] as? Bool == true)
        #expect(chargers[0]["state"] as? String == "bulk" && chargers[0]["error_code"] as? Int == 2)
        #expect(abs((chargers[0]["share"] as? Double ?? 0) - 24.58 / 144.58) < 1e-6)
        let metrics = try await rig.ask("/metrics").body
        #expect(metrics.contains("vebridge_solar_power_watts 144.58\n"))
        #expect(metrics.contains("vebridge_charger_panel_power_watts{serial=\"HQ2012ABCDE\"} 24.58\n"))
        #expect(metrics.contains("vebridge_charger_yield_joules_total{serial=\"HQ2012ABCDE\"} 1800432000\n"))
        // What is old is not told as if it were the present.
        #expect(!metrics.contains("vebridge_charger_yield_today_joules{"))
    }

    @Test("the log's last records are kept, at a level, from a number on, and no more than there is room for")
    func log() async throws {
        let rig = try WebRig()
        defer { rig.stop() }
        let logger = rig.outlets.logger(label: "test")
        for number in 1...700 {
            logger.log(
                level: number.isMultiple(of: 100) ? .warning : .info, "record \(number)",
                metadata: ["text": .string(String(repeating: "x", count: 5000) + "\"")])
        }
        let ring = rig.outlets.ring
        #expect(ring.last == 700 && ring.records().count == LogRing.limit)
        #expect(ring.records().map(\.number) == Array(201...700))
        let response = try #require(
            try await rig.ask("/api/v1/log?level=warning&after=300&limit=3").json as? [String: Any])
        let records = try #require(response["records"] as? [[String: Any]])
        #expect(records.compactMap { $0["message"] as? String } == ["record 500", "record 600", "record 700"])
        for query in ["level=debug", "level=x", "after=-1", "after=a", "limit=0", "limit=501", "limit=+5", "limit="] {
            #expect(try await rig.ask("/api/v1/log?" + query).status == 400, "\(query)")
        }
    }

    @Test("everything that is answered is as the OpenAPI document says")
    func document() async throws {
        let directory = NSTemporaryDirectory() + "vebridge-web-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try SampleHistory.write(to: directory)
        let rig = try WebRig(snapshot: try .ofEverything()) {
            $0.history.enabled = true
            $0.history.zone = "Europe/Berlin"
            $0.bridge.stateDirectory = directory
        }
        defer { rig.stop() }
        let schema = try #require(SchemaCheck(try await rig.ask("/api/v1/openapi.json").json))
        #expect(schema.paths.count == 8)
        for (path, template) in [
            ("/api/v1/now", "/api/v1/now"), ("/api/v1/health", "/api/v1/health"), ("/api/v1/log", "/api/v1/log"),
            ("/api/v1/days?from=2026-11-01&to=2026-11-30", "/api/v1/days"),
            ("/api/v1/days?from=2091-01-01", "/api/v1/days"),
            ("/api/v1/days/2026-11-22", "/api/v1/days/{day}"), ("/api/v1/days/2020-02-29", "/api/v1/days/{day}"),
            ("/api/v1/days/2026-02-30", "/api/v1/days/{day}"), ("/api/v1/days?from=x", "/api/v1/days"),
            ("/api/v1/days/2026-11-22?points=9", "/api/v1/days/{day}"), ("/api/v1/log?level=x", "/api/v1/log"),
        ] {
            let response = try await rig.ask(path)
            #expect(
                response.status == (path.contains("02-30") || path.contains("=x") || path.contains("=9") ? 400 : 200))
            let faults = schema.faults(of: response.json, path: template, status: response.status)
            #expect(faults.isEmpty, "\(path): \(faults.prefix(3))")
        }
        let day = try #require(try await rig.ask("/api/v1/days/2026-11-22").json as? [String: Any])
        let series = try #require(day["series"] as? [[String: Any]])
        #expect(Set(series.compactMap { $0["quantity"] as? String }) == ["panel_power", "battery_voltage"])
        #expect(
            ((series.first { $0["quantity"] as? String == "panel_power" })?["points"] as? [[Double]])?.first == [
                36_000, 100,
            ])
        // The document is a schema that says no, too.
        #expect(!schema.faults(of: ["time": 1], path: "/api/v1/now", status: 200).isEmpty)
        let none = try WebRig()
        defer { none.stop() }
        let missing = try await none.ask("/api/v1/days")
        #expect(missing.status == 404 && schema.faults(of: missing.json, path: "/api/v1/days", status: 404).isEmpty)
    }

    @Test("metrics are what a strict reader of the text format takes")
    func metrics() async throws {
        let rig = try WebRig(snapshot: try .ofEverything())
        defer { rig.stop() }
        let response = try await rig.ask("/metrics")
        #expect(response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(response.body.hasSuffix("\n"))
        var kinds: [String: String] = [:]
        var helped: Set<String> = []
        var seen: Set<String> = []
        var last = ""
        let sample = /([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (-?[0-9.e+-]+|NaN)/
        for line in response.body.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3)
            if line.hasPrefix("# HELP ") {
                #expect(helped.insert(String(words[2])).inserted, "\(line)")
            } else if line.hasPrefix("# TYPE ") {
                last = String(words[2])
                #expect(helped.contains(last) && kinds[last] == nil)
                kinds[last] = String(words[3])
            } else {
                let match = try #require(try sample.wholeMatch(in: line), "\(line)")
                #expect(String(match.1) == last, "\(line)")
                #expect(seen.insert(String(line.prefix(upTo: line.lastIndex(of: " ") ?? line.endIndex))).inserted)
            }
        }
        for (name, kind) in kinds { #expect((kind == "counter") == name.hasSuffix("_total"), "\(name)") }
        #expect(seen.count > 60 && kinds.count > 40)
        #expect(response.body.contains("port=\"/dev/ttyUSB0\""))
    }
}
