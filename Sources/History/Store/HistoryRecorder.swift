import Glibc
import Synchronization
public import VEDirect

/// What the recorder has to say, for the log.
public struct HistoryNotice: Sendable, Hashable {
    /// How grave it is.
    public enum Severity: Sendable {
        /// Good to know.
        case info
        /// Something is not as it should be; the daemon goes on.
        case warning
        /// Something is lost or will be.
        case error
    }

    /// How grave it is.
    public let severity: Severity
    /// What it is.
    public let text: String
}

/// Takes samples, dates them, and writes them once a minute; whatever happens to the disk or the clock.
///
/// It has no clock and no thread of its own: every call says what time it is. ``tick(wall:monotonic:isSynchronised:)``
/// may wait for the disk; call it where that does no harm.
public final class HistoryRecorder: Sendable {
    /// How it stands.
    public struct Status: Sendable, Hashable {
        /// Nil while all is written; else why it is not.
        public var trouble: String?
        /// Minutes that wait in memory to be written.
        public var waitingMinutes = 0
        /// Samples that were given up: no date, no room, no number.
        public var lostSamples = 0
        /// Whether the clock is believed; until then samples wait.
        public var isDated = false
        /// Whether somebody vouches for the clock.
        public var isClockProven = false
        /// Seconds by which the system's clock is off and not followed.
        public var heldStep: Double?
        /// Bytes written to samples, packed, before the database's own overhead.
        public var packedBytes = 0
    }

    private let path: String
    private let zone: TimeZoneRules
    private let retention: HistoryRetention
    private let boot: String
    private let notify: @Sendable (HistoryNotice) -> Void
    private let state: Mutex<State>

    /// The most minutes that wait for a disk that cannot be written.
    static let backlogLimit = 1440
    /// The most minutes that are written in one transaction.
    static let portion = 120
    /// The most samples that wait for a clock that is not set.
    static let undatedLimit = 100_000
    /// Hours or days of the tiers that are made in one transaction.
    static let budget = 8

    private struct Key: Hashable {
        var device: String
        var quantity: Quantity
        var unit: String
    }

    private struct State {
        var clock = SessionClock()
        var isSynchronised: Bool?
        var store: HistoryStore?
        /// Series by the recorder's own numbers, from 1.
        var keys: [Key] = []
        var numbers: [Key: Int] = [:]
        /// Steps of a series by the recorder's own numbers.
        var scales: [Double] = []
        /// The store's series by the recorder's numbers, as far as they are written.
        var stored: [Int: Series] = [:]
        var lastLook = (wall: 0.0, monotonic: -1.0)
        var open: [Int: MinuteBlock] = [:]
        var closed: [Int: [UInt8]] = [:]
        var undated: [HistorySample] = []
        var records: [ChargerDayRecord] = []
        /// The first minute that was written since the machine started.
        var firstMinute: Int?
        var newest: Int?
        var lastTry = -Double.infinity
        var lastForget = -Double.infinity
        /// Seconds that the bus's clock was behind a good one, taken as UTC; nil if they were never compared.
        var busSkew: Double?
        var fold: DayFold?
        var hasSaidDamage = false
        var status = Status()
    }

    /// A recorder that keeps its database at `path`, and goes on without one where that cannot be.
    ///
    /// - Parameters:
    ///   - path: the database; its directory must be there.
    ///   - zone: the place whose days are meant.
    ///   - retention: how long what is kept.
    ///   - boot: what names this run of the machine, as in /proc/sys/kernel/random/boot_id.
    ///   - notify: takes what belongs into the log; it must not call back.
    public init(
        path: String, zone: TimeZoneRules, retention: HistoryRetention = HistoryRetention(), boot: String,
        notify: @escaping @Sendable (HistoryNotice) -> Void
    ) {
        self.path = path
        self.zone = zone
        self.retention = retention
        self.boot = boot
        self.notify = notify
        state = Mutex(State())
        state.withLock { reopen(&$0, stamp: "at-start") }
    }

    // MARK: In

    /// Takes samples; what is no number is left out.
    public func record(_ samples: some Sequence<HistorySample>) {
        state.withLock { state in
            for sample in samples { take(sample, &state) }
        }
    }

    /// Takes a charger's own records, today's first (registers 1050…, without holes).
    ///
    /// - Parameters:
    ///   - records: as they were read one after the other.
    ///   - device: the charger's serial number.
    ///   - isProducing: whether the charger produces now.
    ///   - monotonic: when the first one was read.
    public func record(_ records: [HistoryDay], of device: String, isProducing: Bool, monotonic: Double) {
        state.withLock { state in
            guard let time = state.clock.time(at: monotonic) else { return }
            let today = zone.date(at: time)
            let hour = (Int(time) - Int(zone.start(of: today))) / 3600
            var known: [Int: CivilDate] = [:]
            if let store = state.store {
                let stored = try? store.reading { try store.chargerDays(of: device, from: today - 40, to: today, $0) }
                for record in stored ?? [] { known[record.sequence] = record.day }
            }
            for record in state.records where record.device == device { known[record.sequence] = record.day }
            let placed = ChargerDayRecord.place(
                records, of: device, today: today, hour: hour, isProducing: isProducing, known: known)
            state.records.removeAll { $0.device == device }
            state.records += placed.prefix(31)
            // A plant has so many chargers and no more.
            if state.records.count > 31 * 64 { state.records.removeFirst(state.records.count - 31 * 64) }
        }
    }

    /// The bus's own clock, for machines whose clock nobody sets.
    ///
    /// Users set it, to some zone, and it may be years off. So it is compared with the system's clock whenever that one
    /// is good, and what was found then is added to it when that one is not.
    ///
    /// - Parameters:
    ///   - date: the bus's day.
    ///   - seconds: its time of day in seconds after midnight.
    ///   - monotonic: when it was read.
    public func observeBus(date: CivilDate, seconds: Double, monotonic: Double) {
        state.withLock { state in
            let shown = Double(date.number) * 86_400 + seconds
            if state.clock.isProven {
                guard state.status.heldStep == nil, let now = state.clock.time(at: monotonic) else { return }
                state.busSkew = now - shown
                return
            }
            let time = state.busSkew.map { shown + $0 } ?? Double(zone.start(of: date)) + seconds
            let event = state.clock.observe(
                busTime: time, monotonic: monotonic, isCalibrated: state.busSkew != nil)
            if event != .none { say(.info, "nobody vouches for the system's clock: the time is taken from the bus") }
            handle(event, monotonic: monotonic, &state)
        }
    }

    /// Lets time pass: looks at the clock, and writes if a minute is over.
    ///
    /// - Parameters:
    ///   - wall: the system's clock, seconds since 1970.
    ///   - monotonic: seconds since the machine started, of CLOCK_BOOTTIME.
    ///   - isSynchronised: whether the kernel knows that the clock is kept in step; nil if it cannot be known.
    public func tick(wall: Double, monotonic: Double, isSynchronised: Bool?) {
        state.withLock { state in
            state.isSynchronised = isSynchronised
            look(wall: wall, monotonic: monotonic, &state)
            guard let now = state.clock.time(at: monotonic) else { return }
            let minute = Int((now / 60).rounded(.down))
            guard state.open.contains(where: { $0.key < minute }) || !state.closed.isEmpty else { return }
            // A disk that failed is tried once a minute; a minute that is over is written at once.
            let isOver = state.open.contains { $0.key < minute }
            guard isOver || monotonic - state.lastTry >= 60 else { return }
            commit(before: minute, monotonic: monotonic, &state)
        }
    }

    /// Seconds until the running minute is over and can be written; nil while there is no clock.
    public func untilNextMinute(monotonic: Double) -> Double? {
        state.withLock { state in
            state.clock.time(at: monotonic).map { 60 - $0.truncatingRemainder(dividingBy: 60) }
        }
    }

    /// Writes everything there is and closes the database.
    public func close(monotonic: Double) {
        state.withLock { state in
            commit(before: .max, monotonic: monotonic, &state)
            while !state.closed.isEmpty, state.status.trouble == nil {
                commit(before: .max, monotonic: monotonic, &state)
            }
            state.store?.close()
            state.store = nil
        }
    }

    /// How it stands.
    public var status: Status {
        state.withLock { state in
            var status = state.status
            status.waitingMinutes = state.closed.count + state.open.count
            status.isDated = state.clock.offset != nil
            status.isClockProven = state.clock.isProven
            return status
        }
    }

    /// Bytes of the file; nil without one. Cheaper than ``size``.
    public var fileSize: Int? { state.withLock { state in try? state.store?.fileSize() } }

    /// What the file holds; nil without one.
    public var size: HistorySize? { state.withLock { state in try? state.store?.size() } }

    /// Today's figures so far, as they are written: a crash cannot take them back.
    public func today(monotonic: Double) -> [DayFigures] {
        state.withLock { state in
            guard let now = state.clock.time(at: monotonic) else { return [] }
            let day = zone.date(at: now)
            guard let store = state.store else { return unwritten(day, state) }
            do {
                return try store.reading { db in
                    // In the first minutes of a day the day before is not closed yet.
                    guard let closed = try store.meta("closed_day", db), closed >= day.number - 1 else {
                        return try store.openDays(upTo: day, db).filter { $0.day == day }
                    }
                    if state.fold?.day != day {
                        let series = try store.allSeries(db)
                        var fold = DayFold(
                            day: day, zone: zone, series: series, carry: try store.carry(into: day, series, db),
                            longestHold: HistoryStore.longestHold)
                        try store.forEachMinute(in: fold.firstMinute..<fold.endMinute, db) { minute, bytes in
                            fold.add(minute: minute, packed: bytes)
                        }
                        state.fold = fold
                    }
                    guard let fold = state.fold else { return [] }
                    return try store.figures(from: fold, db)
                }
            } catch {
                return unwritten(day, state)
            }
        }
    }

    /// Figures without a database, from what waits in memory.
    private func unwritten(_ day: CivilDate, _ state: borrowing State) -> [DayFigures] {
        var series: [Series] = []
        for (index, key) in state.keys.enumerated() {
            series.append(Self.series(index + 1, key))
        }
        var fold = DayFold(day: day, zone: zone, series: series, longestHold: HistoryStore.longestHold)
        for (minute, block) in state.closed.sorted(by: { $0.key < $1.key }) {
            _ = block.withUnsafeBytes { fold.add(minute: minute, packed: $0) }
        }
        return fold.result().figures.sorted { $0.key < $1.key }.map(\.value)
    }

    private static func series(_ id: Int, _ key: Key) -> Series {
        Series(
            id: id, device: key.device, quantity: key.quantity, unit: key.unit,
            decimals: key.quantity.isCode ? 0 : Series.decimals(ofUnit: key.unit))
    }

    // MARK: Clock

    private func look(wall: Double, monotonic: Double, _ state: inout State) {
        // The samples of one round come with one time.
        guard state.lastLook != (wall, monotonic) else { return }
        state.lastLook = (wall, monotonic)
        let event = state.clock.observe(wall: wall, monotonic: monotonic, isSynchronised: state.isSynchronised)
        handle(event, monotonic: monotonic, &state)
    }

    private func handle(_ event: SessionClock.Event, monotonic: Double, _ state: inout State) {
        switch event {
        case .none: break
        case .dated:
            let waiting = state.undated
            state.undated = []
            if !waiting.isEmpty { say(.info, "the clock is set: \(waiting.count) samples that waited have their time") }
            for sample in waiting { keep(sample, &state) }
            if state.clock.isProven { discardFuture(monotonic: monotonic, &state) }
        case .proved:
            discardFuture(monotonic: monotonic, &state)
        case .moved(let step, let redates):
            state.status.heldStep = nil
            let seconds = Self.seconds(step)
            if redates {
                say(
                    .warning,
                    "the clock stepped by \(seconds): what was written since the machine started is dated anew")
                shift(by: step, &state)
            } else {
                say(.warning, "the clock stepped by \(seconds) and stayed there: it is believed from now on")
            }
            discardFuture(monotonic: monotonic, &state)
            state.fold = nil
        case .held(let step):
            state.status.heldStep = step
            say(.warning, "the clock stepped by \(Self.seconds(step)), which is not believed: time goes on as before")
        case .released:
            state.status.heldStep = nil
            say(.info, "the clock is back")
        }
    }

    private static func seconds(_ step: Double) -> String {
        abs(step) < 100 ? "\((step * 10).rounded() / 10) s" : "\(Int(step.rounded())) s"
    }

    /// All that this run of the machine wrote gets another time.
    private func shift(by step: Double, _ state: inout State) {
        let tenths = Int((min(max(step, -1e12), 1e12) * 10).rounded())
        var blocks = state.open
        for (minute, bytes) in state.closed {
            if let block = bytes.withUnsafeBytes({ MinuteBlock(packed: $0) }) {
                blocks[minute, default: .init()].merge(block)
            }
        }
        var moved: [Int: MinuteBlock] = [:]
        for (minute, block) in blocks {
            for run in block.runs {
                for (time, value) in zip(run.times, run.values) {
                    let place = minute * 600 + Int(time) + tenths
                    let target = place >= 0 ? place / 600 : (place - 599) / 600
                    guard HistoryLimits.minutes.contains(target) else { continue }
                    moved[target, default: MinuteBlock()].add(
                        series: run.series, time: UInt16(place - target * 600), value: value, isDerived: run.isDerived)
                }
            }
        }
        state.open = moved
        state.closed = [:]
        state.newest = moved.keys.max()
        guard let first = state.firstMinute else { return }
        state.firstMinute = first + Int((min(max(step, -1e12), 1e12) / 60).rounded(.down))
        guard let store = state.store else { return }
        do {
            _ = try store.writing { db in try store.shift(minutes: first..<first + 60 * 1440, by: step, db) }
        } catch {
            fail(error, &state)
        }
    }

    /// Under a clock that is right there is nothing in the future.
    private func discardFuture(monotonic: Double, _ state: inout State) {
        guard let store = state.store, let now = state.clock.time(at: monotonic) else { return }
        do {
            // A clock that nobody vouches for may make things anew, and destroy nothing.
            let isProven = state.clock.isProven
            let count = try store.writing { try store.discardFuture(after: Int(now / 60), deletes: isProven, $0) }
            if count > 0 {
                say(.warning, "\(count) minutes that an earlier wrong clock had dated in the future were given up")
            }
            state.fold = nil
        } catch {
            fail(error, &state)
        }
    }

    // MARK: Samples

    private func take(_ sample: HistorySample, _ state: inout State) {
        look(wall: sample.wall, monotonic: sample.monotonic, &state)
        guard sample.value.isFinite else { return }
        if state.clock.offset == nil {
            state.undated.append(sample)
            if state.undated.count > Self.undatedLimit {
                state.undated.removeFirst(Self.undatedLimit / 10)
                state.status.lostSamples += Self.undatedLimit / 10
            }
            return
        }
        keep(sample, &state)
    }

    private func keep(_ sample: HistorySample, _ state: inout State) {
        guard let time = state.clock.time(at: sample.monotonic) else { return }
        let key = Key(device: sample.device, quantity: sample.quantity, unit: sample.unit)
        let number: Int
        if let found = state.numbers[key] {
            number = found
        } else {
            guard state.keys.count < Series.limit else {
                state.status.lostSamples += 1
                return
            }
            state.keys.append(key)
            number = state.keys.count
            state.numbers[key] = number
            state.scales.append(Self.series(number, key).scale)
        }
        let steps = (sample.value * state.scales[number - 1]).rounded()
        guard abs(steps) < 1e15 else {
            state.status.lostSamples += 1
            return
        }
        guard HistoryLimits.seconds.contains(time), sample.device.utf8.count <= HistoryLimits.textLength else {
            state.status.lostSamples += 1
            return
        }
        let tenths = Int((time * 10).rounded(.down))
        let minute = tenths / 600
        state.open[minute, default: MinuteBlock()].add(
            series: number, time: UInt16(tenths - minute * 600), value: Int64(steps),
            isDerived: sample.provenance == .derived)
        state.newest = max(state.newest ?? minute, minute)
        state.firstMinute = min(state.firstMinute ?? minute, minute)
    }

    // MARK: Disk

    private func commit(before limit: Int, monotonic: Double, _ state: inout State) {
        state.lastTry = monotonic
        for minute in state.open.keys.filter({ $0 < limit }) {
            guard var block = state.open.removeValue(forKey: minute) else { continue }
            if let old = state.closed[minute], let waiting = old.withUnsafeBytes({ MinuteBlock(packed: $0) }) {
                block.merge(waiting)
            }
            state.closed[minute] = block.packed()
        }
        if state.closed.count > Self.backlogLimit {
            for minute in state.closed.keys.sorted().prefix(state.closed.count - Self.backlogLimit) {
                let lost = state.closed.removeValue(forKey: minute)?.withUnsafeBytes { MinuteBlock(packed: $0)?.count }
                state.status.lostSamples += lost ?? 0
            }
        }
        if state.store == nil { reopen(&state, stamp: stamp(monotonic, state)) }
        for attempt in 0..<2 {
            guard let store = state.store else { return }
            do {
                try write(to: store, monotonic: monotonic, &state)
                sayDamage(of: store, &state)
                if let trouble = state.status.trouble {
                    say(.info, "history is written again (\(trouble) is over)")
                    state.status.trouble = nil
                }
                return
            } catch {
                fail(error, &state)
                guard case .damaged = error, attempt == 0 else { return }
                store.close()
                state.store = nil
                setAside(error, stamp: stamp(monotonic, state), &state)
                reopen(&state, stamp: stamp(monotonic, state))
            }
        }
    }

    private func write(to store: HistoryStore, monotonic: Double, _ state: inout State) throws(HistoryError) {
        // After a long wait a part at a time, so that a disk that still fails costs little.
        let blocks = state.closed.sorted { $0.key < $1.key }.prefix(Self.portion)
        let keys = state.keys
        let records = state.records
        let clock = state.clock
        let newest = blocks.last?.key
        let mayForget = clock.isProven || monotonic - max(0, state.lastForget) >= 86_400
        let forgets = monotonic - state.lastForget >= 3600 && mayForget
        let firstMinute = state.firstMinute
        let stored = state.stored
        let busSkew = clock.isProven ? state.busSkew : nil
        let (written, series) = try store.writing { db in
            var series = stored
            for (index, key) in keys.enumerated() where series[index + 1] == nil {
                series[index + 1] = try store.series(
                    device: key.device, quantity: key.quantity, unit: key.unit, db)
            }
            var written: [(minute: Int, bytes: [UInt8])] = []
            for (minute, bytes) in blocks {
                guard let block = bytes.withUnsafeBytes({ MinuteBlock(packed: $0) }) else { continue }
                var renumbered = MinuteBlock()
                renumbered.runs = block.runs.compactMap { run in
                    guard let found = series[run.series] else { return nil }
                    var run = run
                    run.series = found.id
                    return run
                }
                renumbered.runs.sort { $0.series < $1.series }
                try store.write(renumbered, minute: minute, db)
                written.append((minute, renumbered.packed()))
            }
            try store.setBoot(boot, clock: clock, firstMinute: firstMinute, db)
            if let busSkew { try store.setBusSkew(Int(busSkew.rounded()), db) }
            var isStale = false
            for record in records where try store.write(record, db) {
                let today = written.last.map { zone.date(at: Double($0.minute) * 60) }
                isStale = isStale || record.day != today
            }
            if isStale { try store.fillEarlierDays(db) }
            guard let newest else { return (written, series) }
            if clock.isProven { try store.setMeta("proven_until", newest, db) }
            try store.rollUp(newest: newest, budget: Self.budget, db)
            try store.closeDays(newest: newest, budget: 2, db)
            if forgets { try store.forget(newest: newest, retention: retention, db) }
            return (written, series)
        }
        state.stored = series
        for (minute, _) in blocks { state.closed[minute] = nil }
        state.records = []
        if forgets { state.lastForget = monotonic }
        for (minute, bytes) in written {
            state.status.packedBytes += bytes.count
            guard let fold = state.fold else { continue }
            // A minute that comes late, a new series or a new day: from the beginning, when asked.
            if minute <= fold.newest || keys.count != fold.seriesCount {
                state.fold = nil
            } else {
                _ = bytes.withUnsafeBytes { state.fold?.add(minute: minute, packed: $0) }
            }
        }
    }

    private func fail(_ error: HistoryError, _ state: inout State) {
        let text = error.description
        if state.status.trouble == nil {
            say(.error, "history is not written: \(text); it waits in memory, for a day at most")
        }
        state.status.trouble = text
    }

    private func setAside(_ error: HistoryError, stamp: String, _ state: inout State) {
        if let name = HistoryStore.setAside(path, stamp: stamp) {
            say(.error, "\(error.description); set aside as \(name), a new one is begun")
        } else {
            say(.error, "\(error.description), and it cannot be moved away: \(String(cString: strerror(errno)))")
        }
    }

    private func reopen(_ state: inout State, stamp: String) {
        for attempt in 0..<2 {
            do {
                let store = try HistoryStore.open(at: path, zone: zone)
                let known = try store.reading { try store.boot(boot, $0) }
                let newest = try store.reading { try store.newestMinute($0) }
                // The clock was good until then; a later time than that of any sample is damage.
                let floor = try store.reading { try store.meta("proven_until", $0) }.map { min($0, newest ?? 0) }
                let skew = try store.reading { try store.meta("bus_skew", $0) }
                state.busSkew = state.busSkew ?? skew.map { Double($0) }
                if state.clock.offset == nil {
                    state.clock = SessionClock(
                        floor: Double(floor ?? 0) * 60, offset: known?.offset, isProven: known?.isProven ?? false)
                    state.firstMinute = known?.firstMinute
                    state.newest = newest
                }
                if let old = try store.noteZone() {
                    say(.warning, "days are parted by \(zone.name) from now on; those before by \(old)")
                }
                try store.findDamagedRows()
                state.store = store
                state.stored = [:]
                state.fold = nil
                sayDamage(of: store, &state)
                return
            } catch {
                guard case .damaged = error, attempt == 0 else { return fail(error, &state) }
                setAside(error, stamp: stamp, &state)
            }
        }
    }

    /// Says once that there are damaged rows.
    private func sayDamage(of store: HistoryStore, _ state: inout State) {
        guard !state.hasSaidDamage else { return }
        let damage = store.damagedRows
        guard damage.count > 0 else { return }
        state.hasSaidDamage = true
        say(.warning, "\(damage) in \(path): they are left out, everything else is used")
    }

    /// For the name of a file that is set aside: the time if it is known.
    private func stamp(_ monotonic: Double, _ state: borrowing State) -> String {
        guard let now = state.clock.time(at: monotonic) else { return "unknown-time" }
        return String(zone.text(of: now).prefix(19).filter { $0 != "-" && $0 != ":" })
    }

    private func say(_ severity: HistoryNotice.Severity, _ text: String) {
        notify(HistoryNotice(severity: severity, text: text))
    }
}
