import Bridge
import Glibc
import History
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Answers what is asked of the past, from the history's file, on a thread of its own: a disk may take its time.
final class DayDesk: Sendable {
    private struct State {
        var waiting = 0
        var isStarted = false
        var findings: (day: CivilDate, time: NIODeadline, list: [Underperformance])?
    }

    /// Questions that may wait; more are sent away.
    private static let limit = 16
    /// Days that may be asked for at once.
    private static let longestRange = 400
    private static let findingsLifetime: TimeAmount = .minutes(10)

    private let path: String?
    private let zone: TimeZoneRules
    private let loop: any EventLoop
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State())

    init(_ configuration: Configuration, loop: any EventLoop) {
        path = configuration.history.enabled ? configuration.historyPath : nil
        zone = configuration.history.rules
        self.loop = loop
    }

    func end() {
        guard state.withLock({ $0.isStarted }) else { return }
        try? pool.syncShutdownGracefully()
    }

    // MARK: Questions

    /// A range of days: `from` and `to`, the last 31 days unless asked otherwise.
    func days(_ request: Request) -> EventLoopFuture<Answer> {
        let today = zone.date(at: Double(time(nil)))
        let given = (from: request.query["from"], to: request.query["to"])
        // Who names only the first day means the days after it.
        guard let from = Self.date(given.from, usual: Self.date(given.to, usual: today).map { $0 - 30 }),
            let to = Self.date(given.to, usual: max(today, from))
        else { return loop.makeSucceededFuture(Self.badDay) }
        // The answer tells what it is about: days in the other order are put right, of too many the last are taken.
        let last = max(from, to)
        let first = max(min(from, to), last - (Self.longestRange - 1))
        let empty = Answer(
            DaysDocument.range(first...last, [], findings: [], known: nil, today: today, zone: zone) + "\n")
        return ask(empty: empty) { desk, store in
            let figures = try store.figures(from: first, to: last)
            let findings = try desk.findings(store, upTo: today)
            let known = try store.days()
            return Answer(
                DaysDocument.range(
                    first...last, figures, findings: findings, known: known, today: today, zone: desk.zone) + "\n")
        }
    }

    /// One day by its date.
    func day(_ text: Substring, _ request: Request) -> EventLoopFuture<Answer> {
        let limit: Int?
        if let points = request.query["points"] {
            limit = Int(points).flatMap { (10...1440).contains($0) && points.first != "+" ? $0 : nil }
        } else {
            limit = 360
        }
        guard let limit else {
            return loop.makeSucceededFuture(.failure(.badRequest, "bad_points", "points is a number from 10 to 1440"))
        }
        guard let day = Self.date(String(text), usual: nil) else {
            return loop.makeSucceededFuture(Self.badDay)
        }
        let (start, end) = (Double(zone.start(of: day)), Double(zone.start(of: day + 1)))
        let empty = Answer(DaysDocument.day(day, start: start, end: end, [], [], zone: zone) + "\n")
        return ask(empty: empty) { desk, store in
            let figures = try store.figures(of: day)
            var lines: [(Series, [ChartPoint])] = []
            for series in try store.series(of: figures) where DaysDocument.charted.contains(series.quantity) {
                let points = try store.chart(series, from: start, to: end, limit: limit)
                if !points.isEmpty { lines.append((series, points)) }
            }
            return Answer(
                DaysDocument.day(day, start: start, end: end, figures, lines, zone: desk.zone) + "\n")
        }
    }

    private static let badDay = Answer.failure(
        .badRequest, "bad_day", "a day is written as 2026-11-23, from 2000-01-01 to 2099-12-31")

    /// A date of this century, written in full.
    private static func date(_ text: String?, usual: CivilDate?) -> CivilDate? {
        guard let text else { return usual }
        let bytes = Array(text.utf8)
        let isWritten =
            bytes.count == 10
            && bytes.enumerated().allSatisfy { index, byte in
                index == 4 || index == 7 ? byte == UInt8(ascii: "-") : (0x30...0x39).contains(byte)
            }
        guard isWritten, let date = CivilDate(text), (2000...2099).contains(date.components.year) else { return nil }
        return date
    }

    // MARK: The file

    /// - Parameter empty: the answer while there is no file yet.
    private func ask(empty: Answer, _ body: @escaping @Sendable (DayDesk, HistoryStore) throws -> Answer)
        -> EventLoopFuture<Answer>
    {
        guard let path else {
            return loop.makeSucceededFuture(
                .failure(.notFound, "no_history", "no history is kept: set bridge.state_directory"))
        }
        let (hasRoom, isFirst) = state.withLock { state in
            guard state.waiting < Self.limit else { return (false, false) }
            state.waiting += 1
            defer { state.isStarted = true }
            return (true, !state.isStarted)
        }
        guard hasRoom else {
            return loop.makeSucceededFuture(.failure(.serviceUnavailable, "busy", "too much is asked at once"))
        }
        if isFirst { pool.start() }
        let zone = zone
        return pool.runIfActive(eventLoop: loop) { [self] in
            let store = try HistoryStore.read(at: path, zone: zone)
            defer { store.close() }
            return try body(self, store)
        }.flatMapErrorThrowing { error in
            switch error {
            case HistoryError.missing, HistoryError.empty: empty
            // The file's path is nobody's business.
            case is HistoryError: .failure(.serviceUnavailable, "history", "the history cannot be read now")
            default: .failure(.serviceUnavailable, "history", "the history cannot be read")
            }
        }.always { [self] _ in state.withLock { $0.waiting -= 1 } }
    }

    /// What is usual is learned from two years; it changes once a day.
    private func findings(_ store: HistoryStore, upTo today: CivilDate) throws -> [Underperformance] {
        let known = state.withLock { $0.findings }
        if let known, known.day == today, .now() - known.time < Self.findingsLifetime { return known.list }
        let list = try store.findings(upTo: today - 1)
        state.withLock { $0.findings = (today, .now(), list) }
        return list
    }
}
