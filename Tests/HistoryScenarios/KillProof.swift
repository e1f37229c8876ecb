internal import Glibc
internal import History
import Simulation

/// A writer that is killed at any moment, and what is found afterwards.
package enum KillProof {
    /// What was found after all kills.
    package struct Report: Sendable, CustomStringConvertible {
        package var kills = 0
        /// The greatest loss, in seconds of the writer's time.
        package var worstLoss = 0.0
        package var damaged = 0
        package var backwards: [String] = []

        /// Sixty seconds and the round in which it was killed.
        package var isGood: Bool { damaged == 0 && backwards.isEmpty && worstLoss <= 60 + KillProof.interval }
        package var description: String {
            "\(kills) kills: \(worstLoss) s lost at most, \(damaged) damaged, \(backwards.count) totals ran backwards"
                + backwards.prefix(5).map { "\n" + $0 }.joined()
        }
    }

    static let interval = 5.0
    static let origin = Double(CivilDate(year: 2026, month: 10, day: 24).number) * 86_400

    /// Writes for ever at full speed and says on standard output how far it is.
    package static func write(directory: String, from begin: Double) {
        let recorder = HistoryRecorder(
            path: directory + "/" + HistoryStore.fileName, zone: TimeZoneRules(named: "Europe/Berlin") ?? .utc,
            boot: "one"
        ) { notice in
            if notice.severity == .error { Glibc.write(2, notice.text + "\n", notice.text.utf8.count + 1) }
        }
        var elapsed = begin
        while true {
            let wall = origin + elapsed
            recorder.tick(wall: wall, monotonic: elapsed, isSynchronised: true)
            recorder.record(samples(elapsed))
            let line = "\(elapsed)\n"
            if Glibc.write(1, line, line.utf8.count) < 0 { return }
            elapsed += interval
        }
    }

    private static func samples(_ elapsed: Double) -> [HistorySample] {
        // Power and counters as functions of the time alone, so that every run continues the one before.
        let hour = (elapsed / 3600).truncatingRemainder(dividingBy: 24)
        let power = max(0, sin((hour - 6) / 12 * .pi)) * 300
        let days = (elapsed / 86_400).rounded(.down)
        let part = min(max((hour - 6) / 12, 0), 1)
        let yield = 100 + (days + (1 - cos(part * .pi)) / 2) * 300 * 24 / .pi / 1000
        func sample(_ device: String, _ quantity: Quantity, _ value: Double, _ unit: String) -> HistorySample {
            HistorySample(
                device: device, quantity: quantity, value: value, unit: unit, wall: origin + elapsed, monotonic: elapsed
            )
        }
        var all: [HistorySample] = []
        for charger in ["HQ1", "HQ2"] {
            all.append(sample(charger, .panelPower, power, "W"))
            all.append(sample(charger, .deviceState, power > 1 ? 3 : 0, ""))
            all.append(sample(charger, .systemYield, (yield * 100).rounded(.down) / 100, "kWh"))
        }
        all.append(sample("shunt", .batteryVoltage, 12.8, "V"))
        all.append(sample("shunt", .batteryCurrent, power / 12.8 * 2 - 5, "A"))
        all.append(sample("shunt", .stateOfCharge, 60, "%"))
        return all
    }

    /// Starts `program writer DIRECTORY SECONDS`, kills it, looks; again and again.
    package static func run(program: String, directory: String, count: Int, seed: UInt64) throws -> Report {
        var random = SeededRandom(seed: seed)
        var report = Report()
        var elapsed = 0.0
        var totals: [String: Double] = [:]
        let zone = TimeZoneRules(named: "Europe/Berlin") ?? .utc
        let path = directory + "/" + HistoryStore.fileName
        for _ in 0..<count {
            guard
                let reached = runAndKill(
                    [program, "writer", directory, "\(elapsed)"], after: 1 + random.whole(below: 1200))
            else { continue }
            report.kills += 1
            let store: HistoryStore
            do {
                store = try HistoryStore.open(at: path, zone: zone)
            } catch {
                report.damaged += 1
                continue
            }
            let newest = try store.newest()
            // What was said to be reached, less what is there; nothing yet in the first minute.
            let known = newest.map { Double($0 + 1) * 60 - origin } ?? 0
            report.worstLoss = max(report.worstLoss, reached - known)
            let today = zone.date(at: origin + reached)
            for figures in try store.figures(from: today - 1, to: today) {
                for figure in ["yield", "charge_in", "charge_out", "energy_out", "lifetime_yield"] {
                    guard let value = figures[figure] else { continue }
                    let key = "\(figures.day) \(figures.device) \(figure)"
                    if value < (totals[key] ?? 0) - 1e-9 {
                        report.backwards.append(
                            "\(key): \(value) after \(totals[key] ?? 0), at \(zone.text(of: origin + reached))")
                    }
                    totals[key] = max(totals[key] ?? 0, value)
                }
            }
            store.close()
            elapsed = reached + interval
        }
        return report
    }

    /// - Returns: the last thing it said.
    private static func runAndKill(_ arguments: [String], after lines: Int) -> Double? {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        posix_spawn_file_actions_addclose(&actions, ends[1])
        defer { posix_spawn_file_actions_destroy(&actions) }
        var pid: pid_t = 0
        var words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let status = posix_spawn(&pid, arguments[0], &actions, nil, &words, environ)
        close(ends[1])
        defer { close(ends[0]) }
        guard status == 0 else { return nil }
        var text: [UInt8] = []
        var seen = 0
        var isKilled = false
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            // A few bytes at a time, so that the writer is near what was read.
            let count = read(ends[0], &chunk, isKilled ? chunk.count : 64)
            guard count > 0 else { break }
            text += chunk[..<count]
            seen += chunk[..<count].count { $0 == 0x0A }
            if text.count > 4096 { text.removeFirst(text.count - 200) }
            if seen >= lines, !isKilled {
                kill(pid, SIGKILL)
                isKilled = true
            }
        }
        waitpid(pid, nil, 0)
        // The last whole line.
        guard let end = text.lastIndex(of: 0x0A) else { return nil }
        return Double(String(decoding: text[..<end].split(separator: 0x0A).last ?? [], as: UTF8.self))
    }
}
