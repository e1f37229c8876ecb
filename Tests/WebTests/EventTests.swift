import Foundation
import Glibc
import Testing

@testable import Bridge
@testable import Web

@Suite("Live")
struct EventTests {
    private static let request = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"

    @Test("a page is told everything at once and then each second, and again when it comes back")
    func live() async throws {
        let rig = try WebRig(snapshot: try .ofEverything())
        defer { rig.stop() }
        for _ in 0..<2 {
            let connection = try Connection(port: rig.port)
            let text = await onOwnThread {
                connection.send(Self.request)
                return connection.read(until: "id: ")
            }
            let response = Response(Array(text.utf8))
            #expect(response.status == 200 && response.headers["content-type"] == "text/event-stream")
            #expect(response.headers["cache-control"] == "no-store")
            #expect(text.contains("retry: 2000") && text.contains("event: now"))
            // One line a payload, whatever is in it.
            let data = text.split(separator: "\n").filter { $0.hasPrefix("data: ") }
            let first = try #require(data.first)
            #expect((try? JSONSerialization.jsonObject(with: Data(first.dropFirst(6).utf8))) != nil)
        }
    }

    @Test("with health it is told that too")
    func health() async throws {
        let rig = try WebRig(snapshot: try .ofEverything())
        defer { rig.stop() }
        let connection = try Connection(port: rig.port)
        let text = await onOwnThread {
            connection.send("GET /api/v1/events?with=health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return connection.read(until: "log_last")
        }
        #expect(text.contains("event: health"))
        #expect(try await rig.ask("/api/v1/events?with=x").status == 400)
    }

    @Test("many pages cost the bridge no more questions than one, and none when all are gone")
    func once() async throws {
        let rig = try WebRig()
        defer { rig.stop() }
        var pages: [Connection] = []
        for _ in 0..<30 { pages.append(try Connection(port: rig.port)) }
        let all = pages
        let begin = ContinuousClock.now
        let texts = await onOwnThread {
            for page in all { page.send(Self.request) }
            return all.map { $0.read(until: "id: 3\n") }
        }
        #expect(texts.allSatisfy { $0.contains("id: 3\n") })
        let seconds = Double((ContinuousClock.now - begin).components.seconds) + 1
        // One a second for the pages, one for the noise, and those of the pages that came when the last was old.
        #expect(Double(rig.lookCount) <= seconds * 2 + 6)
    }

    @Test("a page that takes nothing is left out, then closed; the others do not notice")
    func stuck() async throws {
        var patience = Patience()
        patience.listener = .milliseconds(100)
        let rig = try WebRig(snapshot: try .ofEverything(), patience: patience)
        defer { rig.stop() }
        let stuck = try Connection(port: rig.port, receiveBuffer: 2048)
        let good = try Connection(port: rig.port)
        _ = await onOwnThread {
            stuck.send(Self.request)
            _ = stuck.read(until: "event: now")
            good.send(Self.request)
            return good.read(until: "event: now")
        }
        #expect(rig.server.site.hub.count == 2)
        let snapshot = try BridgeSnapshot.ofEverything()
        // The other one reads what it gets, as fast as it comes.
        let reading = Task { await onOwnThread { good.readToEnd().count } }
        var told = 0
        while rig.server.site.hub.count == 2, told < 200_000 {
            await withCheckedContinuation { continuation in
                rig.server.site.loop.execute {
                    rig.server.site.hub.tell(snapshot)
                    continuation.resume()
                }
            }
            told += 1
        }
        #expect(rig.server.site.hub.count == 1, "after \(told) events")
        #expect(try await rig.ask("/api/v1/now").status == 200)
        shutdown(good.descriptor, Int32(SHUT_RDWR))
        _ = await reading.value
    }

    @Test("there is room for so many pages, and the next one is told so")
    func room() async throws {
        let rig = try WebRig()
        defer { rig.stop() }
        var pages: [Connection] = []
        for number in 0..<EventHub.limit {
            pages.append(try Connection(port: rig.port, from: "127.0.0.\(2 + number % 2)"))
        }
        let all = pages
        _ = await onOwnThread {
            for page in all {
                page.send(Self.request)
                _ = page.read(until: "event: now")
            }
        }
        #expect(try await rig.ask("/api/v1/events").status == 503)
        #expect(try await rig.ask("/healthz").status == 200)
    }

    @Test("rejections are counted by the minute, and those of a port that is gone are forgotten")
    func noise() throws {
        let record = NoiseRecord()
        var snapshot = try BridgeSnapshot.ofEverything()
        for _ in 0..<70 { record.take(snapshot) }
        #expect(record.minutes["/dev/ttyUSB0"]?.count == NoiseRecord.kept)
        snapshot.ports.removeFirst()
        record.take(snapshot)
        #expect(Set(record.minutes.keys) == ["/dev/ttyUSB1"])
    }
}
