internal import Glibc
internal import History
import Simulation

/// The daemon itself, with simulated chargers on pseudo-terminals, killed at any moment; and what is found afterwards.
package enum DaemonKillProof {
    /// What was found after all kills.
    package struct Report: Sendable, CustomStringConvertible {
        package var kills = 0
        /// How many of the lives were longer than a minute.
        package var longLives = 0
        /// The greatest loss of a life, seconds.
        package var worstLoss = 0.0
        package var damaged: [String] = []
        package var backwards: [String] = []
        package var samples = 0

        /// A minute, and what it takes to write it.
        package var isGood: Bool { damaged.isEmpty && backwards.isEmpty && worstLoss <= 61 && samples > 0 }
        package var description: String {
            "\(kills) kills (\(longLives) after more than a minute): at most \((worstLoss * 10).rounded() / 10) s lost, "
                + "\(damaged.count) damaged, \(backwards.count) totals ran backwards, \(samples) minutes are there"
                + (damaged + backwards).prefix(5).map { "\n" + $0 }.joined()
        }
    }

    /// Starts the daemon, kills it after one to five seconds, every twentieth time after one to two minutes, and looks.
    package static func run(
        program: String, directory: String, count: Int, seed: UInt64, say: (String) -> Void
    ) throws -> Report {
        var plant = SimulatedPlant(site: SimulatedSite(clock: SolarClock(startHour: 11)))
        plant.add(.smartSolar150x60(serial: "HQ2012ABCDE"), historyDays: 30, seed: 1)
        plant.add(.blueSolar75x15(serial: "HQ2013FGHIJ"), historyDays: 30, seed: 2)
        let host = try ChargerHost(plant, links: [])
        try host.start()
        defer { host.stop() }
        let configuration = directory + "/vebridge.toml"
        let ports = host.paths.compactMap { $0 }.map { "\"\($0)\"" }.joined(separator: ", ")
        // Nobody listens at the broker's port: the history needs none.
        write(
            """
            ports = [\(ports)]
            [broker]
            url = "mqtt://127.0.0.1:9"
            [bridge]
            state_directory = "\(directory)"
            [history]
            interval = "1s"
            zone = "Europe/Berlin"

            """, to: configuration)
        var random = SeededRandom(seed: seed)
        var report = Report()
        var totals: [String: Double] = [:]
        var newest = 0.0
        let path = directory + "/" + HistoryStore.fileName
        for round in 0..<count {
            let isLong = round % 20 == 19
            let life = isLong ? random.number(in: 62...130) : random.number(in: 1...5)
            guard let lived = liveAndDie([program, "--config", configuration], for: life) else { continue }
            report.kills += 1
            if isLong { report.longLives += 1 }
            guard access(path, F_OK) == 0 else {
                // Killed before there was a file.
                report.worstLoss = max(report.worstLoss, lived.end - lived.start)
                continue
            }
            let store: HistoryStore
            do {
                store = try HistoryStore.open(at: path, zone: TimeZoneRules(named: "Europe/Berlin") ?? .utc)
            } catch {
                report.damaged.append("after \(life) s: \(error)")
                continue
            }
            defer { store.close() }
            let last = try store.newestSample() ?? 0
            if last < newest { report.backwards.append("the newest sample: \(last) after \(newest)") }
            newest = max(newest, last)
            report.worstLoss = max(report.worstLoss, lived.end - max(last, lived.start))
            report.samples = try store.size().rows["samples"] ?? 0
            let today = store.zone.date(at: lived.end)
            for figures in try store.figures(from: today - 1, to: today) {
                for figure in ["yield", "lifetime_yield", "state.bulk", "panel_power.known"] {
                    guard let value = figures[figure] else { continue }
                    let key = "\(figures.day) \(figures.device) \(figure)"
                    if value < (totals[key] ?? 0) - 1e-9 {
                        report.backwards.append("\(key): \(value) after \(totals[key] ?? 0)")
                    }
                    totals[key] = max(totals[key] ?? 0, value)
                }
            }
            if round % 20 == 19 { say("\(report)") }
        }
        return report
    }

    /// - Returns: when it was started and when it was killed, in seconds since 1970.
    private static func liveAndDie(_ arguments: [String], for life: Double) -> (start: Double, end: Double)? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        for descriptor: Int32 in [1, 2] {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
        }
        defer { posix_spawn_file_actions_destroy(&actions) }
        var words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let start = now()
        guard posix_spawn(&pid, arguments[0], &actions, nil, &words, environ) == 0 else { return nil }
        // This is a program that measures and no test: time has to pass.
        var left = timespec(tv_sec: Int(life), tv_nsec: Int((life - life.rounded(.down)) * 1e9))
        var rest = timespec()
        while nanosleep(&left, &rest) != 0, errno == EINTR { left = rest }
        var status: Int32 = 0
        // One that ended by itself was not killed.
        if waitpid(pid, &status, WNOHANG) == pid { return nil }
        kill(pid, SIGKILL)
        let end = now()
        waitpid(pid, &status, 0)
        return (start, end)
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func write(_ text: String, to path: String) {
        let file = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        _ = Array(text.utf8).withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    }
}
