import Glibc

/// What this process takes of the machine.
struct ProcessMeter: Sendable {
    /// The figures at one moment.
    struct Figures: Sendable, Equatable {
        /// Share of one core in percent since the last look, or since the start.
        var cpu: Double
        /// Bytes in memory.
        var resident: Int
    }

    private var lastSeconds = 0.0
    private var lastTime: Duration = .zero

    /// Looks, `now` after the start.
    mutating func look(at now: Duration) -> Figures {
        let seconds = Self.processorSeconds()
        let (whole, part) = (now - lastTime).components
        let passed = Double(whole) + Double(part) * 1e-18
        let cpu = passed > 0 ? (seconds - lastSeconds) / passed * 100 : 0
        lastSeconds = seconds
        lastTime = now
        return Figures(cpu: max(0, cpu), resident: Self.residentBytes())
    }

    static func processorSeconds() -> Double {
        var usage = rusage()
        guard getrusage(Int32(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6 }
    }

    static func residentBytes() -> Int {
        guard let bytes = try? Configuration.readFile("/proc/self/statm", limit: 4096) else { return 0 }
        // The second number, in pages (proc(5)).
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard words.count > 1, let pages = Int(words[1]) else { return 0 }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
