import CLinux
import Glibc
import History
import Logging
import Synchronization
import VEDirect

/// Keeps the history on a thread of its own, for a disk may take its time.
///
/// What waits is bounded; what finds no room is counted and given up, and nobody waits for it.
final class HistoryWriter: Sendable {
    /// A charger's own records, as they were read.
    struct OwnDays: Sendable {
        var device: String
        var records: [HistoryDay]
        var isProducing: Bool
        /// Seconds of CLOCK_BOOTTIME.
        var monotonic: Double
    }

    /// What the clock of the bus showed.
    struct BusClock: Sendable, Equatable {
        var date: CivilDate
        /// After its midnight.
        var seconds: Double
        /// Seconds of CLOCK_BOOTTIME.
        var monotonic: Double
    }

    /// What the writer goes by.
    struct Clocks: Sendable {
        /// Seconds since 1970, by the system's clock.
        var wall: @Sendable () -> Double = { HistoryWriter.seconds(CLOCK_REALTIME) }
        /// Seconds since the machine started.
        var monotonic: @Sendable () -> Double = { HistoryWriter.seconds(CLOCK_BOOTTIME) }
        /// Whether the kernel knows that the system's clock is kept in step.
        var isSynchronised: @Sendable () -> Bool = { vebridge_clock_is_synchronised() != 0 }
    }

    private struct State {
        var samples: [HistorySample] = []
        var busClock: BusClock?
        var days: [String: OwnDays] = [:]
        var dropped = 0
        var isEnding = false
        var health = HistoryHealth()
        var news: [String: String]?
    }

    /// Some minutes of the largest plant.
    static let queueLimit = 50_000
    /// How often the clock is looked at.
    static let period: Duration = .seconds(5)
    /// Seconds between two looks at the figures.
    static let figuresPeriod = 60.0

    private let path: String
    private let zone: TimeZoneRules
    private let retention: HistoryRetention
    private let prefix: String?
    private let log: Logger
    let clocks: Clocks
    private let state = Mutex(State())
    private let wake = WakeSignal()
    private let done = WakeSignal()

    /// - Parameter prefix: the first part of the topics of the figures; nil: none are worked out.
    init(
        path: String, zone: TimeZoneRules, retention: HistoryRetention, prefix: String?, clocks: Clocks = Clocks(),
        log: Logger
    ) {
        self.path = path
        self.clocks = clocks
        self.zone = zone
        self.retention = retention
        self.prefix = prefix
        self.log = log
    }

    /// Starts the thread, which ends with ``finish(timeout:)``.
    func start() {
        let owner = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { @Sendable raw in
                guard let raw else { return nil }
                Unmanaged<HistoryWriter>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, owner.toOpaque())
        guard code != 0 else {
            pthread_detach(thread)
            return
        }
        owner.release()
        done.raise()
        log.error("no history is kept: there is no thread for it")
    }

    /// Takes what was read; never waits.
    func enqueue(_ samples: [HistorySample], _ days: [OwnDays]) {
        state.withLock { state in
            for entry in days { state.days[entry.device] = entry }
            if state.samples.count + samples.count > Self.queueLimit {
                state.dropped += samples.count
            } else {
                state.samples += samples
            }
        }
        wake.raise()
    }

    /// Takes what the bus's clock shows; the latest counts.
    func look(at clock: BusClock) { state.withLock { $0.busClock = clock } }

    /// What there is to publish since it was asked last: payloads by topic.
    func takeNews() -> [String: String]? {
        state.withLock { state in
            defer { state.news = nil }
            return state.news
        }
    }

    /// How it stands.
    var health: HistoryHealth {
        state.withLock { state in
            var health = state.health
            health.dropped += state.dropped
            return health
        }
    }

    /// Writes what there is and closes; does not wait for it.
    func beginFinish() {
        state.withLock { $0.isEnding = true }
        wake.raise()
    }

    /// Writes what there is and closes, but not for long: what a disk does not take in time is lost.
    func finish(timeout: Duration) {
        beginFinish()
        _ = done.wait(until: .now + timeout)
    }

    // MARK: The thread

    private func run() {
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_SETMASK, &signals, nil)
        let log = log
        let recorder = HistoryRecorder(path: path, zone: zone, retention: retention, boot: Self.bootID) { notice in
            switch notice.severity {
            case .info: log.notice("history: \(notice.text)")
            case .warning: log.warning("history: \(notice.text)")
            case .error: log.error("history: \(notice.text)")
            }
        }
        var past = PastFigures()
        var written = recorder.status.packedBytes
        var lastFigures = -Double.infinity
        while true {
            // A minute is written when it is over: what a power cut can take is no more than that.
            let left = recorder.untilNextMinute(monotonic: clocks.monotonic()) ?? 60
            _ = wake.wait(until: .now + min(Self.period, .milliseconds(Int(left * 1000) + 5)))
            wake.clear()
            let (samples, days, busClock, isEnding) = state.withLock { state in
                defer {
                    state.samples = []
                    state.days = [:]
                    state.busClock = nil
                }
                return (state.samples, state.days, state.busClock, state.isEnding)
            }
            if let busClock {
                recorder.observeBus(
                    date: busClock.date, seconds: busClock.seconds, monotonic: busClock.monotonic)
            }
            recorder.record(samples)
            for day in days.values {
                recorder.record(day.records, of: day.device, isProducing: day.isProducing, monotonic: day.monotonic)
            }
            let monotonic = clocks.monotonic()
            recorder.tick(wall: clocks.wall(), monotonic: monotonic, isSynchronised: clocks.isSynchronised())
            if isEnding {
                recorder.close(monotonic: monotonic)
                done.raise()
                return
            }
            let status = recorder.status
            let hasWritten = status.packedBytes != written
            written = status.packedBytes
            note(status, size: hasWritten || health.bytes == nil ? recorder.fileSize : nil, hasWritten: hasWritten)
            guard let prefix, status.isDated, monotonic - lastFigures >= Self.figuresPeriod else { continue }
            lastFigures = monotonic
            let today = recorder.today(monotonic: monotonic)
            guard let day = today.first?.day else { continue }
            past.look(path: path, zone: zone, today: day)
            let payloads = StatisticTopic.payloads(
                today: today, yesterday: past.yesterday, findings: past.findings, prefix: prefix, zone: zone)
            state.withLock { $0.news = payloads }
        }
    }

    private func note(_ status: HistoryRecorder.Status, size: Int?, hasWritten: Bool) {
        state.withLock { state in
            state.health.dropped = status.lostSamples
            state.health.waitingMinutes = status.waitingMinutes
            state.health.trouble = status.trouble
            if let size { state.health.bytes = size }
            if hasWritten { state.health.lastWrite = time(nil) }
        }
    }

    static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// What names this run of the machine; where the kernel does not tell, every run of the program counts as one.
    private static var bootID: String {
        let bytes = try? Configuration.readFile("/proc/sys/kernel/random/boot_id", limit: 64)
        let text = String(decoding: bytes ?? [], as: UTF8.self).filter { $0.isHexDigit || $0 == "-" }
        return text.isEmpty ? "unknown-\(time(nil))" : text
    }
}

/// What changes once a day: yesterday's figures and the findings. Read anew when the day has changed, and until the day
/// before is closed.
private struct PastFigures {
    private(set) var yesterday: [DayFigures] = []
    private(set) var findings: [Underperformance] = []
    private var day: CivilDate?
    private var looks = 0

    mutating func look(path: String, zone: TimeZoneRules, today: CivilDate) {
        if day != today {
            day = today
            looks = 0
        }
        // A day is closed minutes after its end, and a charger's record may come later still.
        looks += 1
        guard looks <= 3 || looks.isMultiple(of: 30) else { return }
        guard let store = try? HistoryStore.read(at: path, zone: zone) else { return }
        yesterday = (try? store.figures(of: today - 1)) ?? []
        findings = (try? store.findings(upTo: today - 1)) ?? []
        store.close()
    }
}
