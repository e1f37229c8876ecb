internal import Glibc
internal import History

/// A disk that is full, or may not be written, in a process of its own: limits hold for a process.
package enum FaultyDisk {
    /// No file may grow beyond 150 kB for some time; then it may.
    package static func fill(directory: String) {
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        let all = limit.rlim_cur
        limit.rlim_cur = 150_000
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        let recorder = make(directory)
        record(recorder, from: 0, hours: 2)
        let middle = recorder.status
        print("middle trouble=\(middle.trouble ?? "none") waiting=\(middle.waitingMinutes) lost=\(middle.lostSamples)")
        print("middle figures=\(recorder.today(monotonic: 2 * 3600).count)")
        limit.rlim_cur = all
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        record(recorder, from: 2 * 3600, hours: 1)
        let end = recorder.status
        recorder.close(monotonic: 3 * 3600)
        print("end trouble=\(end.trouble ?? "none") lost=\(end.lostSamples)")
        fflush(nil)
    }

    /// Neither the file nor the directory may be written by this user.
    package static func forbid(directory: String) {
        if geteuid() == 0 {
            guard setgid(65_534) == 0, setuid(65_534) == 0 else { return print("cannot become nobody") }
        }
        let recorder = make(directory)
        record(recorder, from: 0, hours: 1)
        let status = recorder.status
        print("end trouble=\(status.trouble ?? "none") waiting=\(status.waitingMinutes) lost=\(status.lostSamples)")
        let yield = recorder.today(monotonic: 3600).first { $0.device == "HQ1" }?["panel_power.max"]
        print("power=\(yield ?? -1)")
        fflush(nil)
    }

    private static func make(_ directory: String) -> HistoryRecorder {
        HistoryRecorder(
            path: directory + "/" + HistoryStore.fileName, zone: TimeZoneRules(named: "Europe/Berlin") ?? .utc,
            boot: "one"
        ) { print("log \($0.severity) \($0.text)") }
    }

    private static func record(_ recorder: HistoryRecorder, from begin: Double, hours: Int) {
        let origin = Double(CivilDate(year: 2026, month: 6, day: 1).number) * 86_400 + 6 * 3600
        for step in 0..<hours * 360 {
            let monotonic = begin + Double(step) * 10
            recorder.tick(wall: origin + monotonic, monotonic: monotonic, isSynchronised: true)
            var samples: [HistorySample] = []
            for number in 0..<20 {
                // Nothing that packs well: the file has to grow.
                let value = Double((step &* 7919 &+ number &* 104_729) % 9973)
                let quantity = number == 0 ? Quantity.panelPower : Quantity(rawValue: "quantity_\(number)")
                samples.append(
                    HistorySample(
                        device: "HQ1", quantity: quantity, value: value, unit: "W", wall: origin + monotonic,
                        monotonic: monotonic))
            }
            recorder.record(samples)
        }
    }

    /// Runs a program to its end.
    ///
    /// - Returns: its exit status and what it said on standard output.
    package static func run(_ arguments: [String]) -> (status: Int32, output: String)? {
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
        let failure = posix_spawn(&pid, arguments[0], &actions, nil, &words, environ)
        close(ends[1])
        defer { close(ends[0]) }
        guard failure == 0 else { return nil }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(ends[0], &chunk, chunk.count)
            guard count > 0 else { break }
            output += chunk[..<count]
        }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        return (status & 0x7F == 0 ? (status >> 8) & 0xFF : -1, String(decoding: output, as: UTF8.self))
    }
}
