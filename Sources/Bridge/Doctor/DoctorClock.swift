extension Doctor {
    /// No version is older than this; 1 January 2026.
    static let earliest = 1_767_225_600
    private static let year = 31_556_952
    /// How far two clocks of a machine may be apart.
    private static let tolerance = 120

    func clock() -> [Finding] {
        let (seconds, isSynchronised) = facts.clock()
        guard seconds >= Self.earliest, seconds <= Self.earliest + 30 * Self.year else {
            return [
                Finding(
                    "clock", .fault, "system clock",
                    "it says the year \(1970 + seconds / Self.year): certificates fail, and the history gets wrong days",
                    remedy: clockRemedy(seconds))
            ]
        }
        if isSynchronised { return [Finding("clock", .good, "system clock", "kept in step by a time service")] }
        if let (path, written) = latestWrite(), written > seconds + Self.tolerance {
            return [
                Finding(
                    "clock", .fault, "system clock",
                    "it is behind: \(path) was written \(Self.words(written - seconds)) later than now",
                    remedy: clockRemedy(seconds))
            ]
        }
        if let hardware = hardwareClock, abs(hardware - seconds) > Self.tolerance {
            let side = hardware > seconds ? "behind" : "ahead of"
            return [
                Finding(
                    "clock", .warning, "system clock",
                    "it is \(Self.words(abs(hardware - seconds))) \(side) the hardware clock, and no time service says "
                        + "which is right", remedy: clockRemedy(seconds))
            ]
        }
        return [Finding("clock", .note, "system clock", "plausible; no time service says that it is right")]
    }

    /// The clock that runs on a battery, if there is one that says UTC and a possible time.
    private var hardwareClock: Int? {
        guard facts.text("/etc/adjtime")?.hasSuffix("LOCAL") != true,
            let seconds = facts.text("/sys/class/rtc/rtc0/since_epoch").flatMap({ Int($0) }), seconds >= Self.earliest
        else { return nil }
        return seconds
    }

    /// What was written last of some files that every machine has, or the program writes: no clock is right before that.
    private func latestWrite() -> (path: String, seconds: Int)? {
        let paths = [
            configuration.file, configuration.bridge.stateDirectory, configuration.historyPath ?? "",
            "/var/lib/systemd/timesync/clock", "/etc/ld.so.cache", "/var/log/wtmp", "/run/udev", "/run",
        ]
        return paths.filter { !$0.isEmpty }
            .compactMap { path in facts.modified(path).map { (path, $0) } }
            .max { $0.1 < $1.1 }
    }

    private func clockRemedy(_ seconds: Int) -> String {
        if let hardware = hardwareClock, abs(hardware - seconds) > Self.tolerance {
            return "sudo hwclock --hctosys   # if that one is right; with a network: sudo timedatectl set-ntp true"
        }
        let services = ["/lib/systemd/systemd-timesyncd", "/usr/sbin/chronyd", "/usr/sbin/ntpd", "/usr/sbin/ntpsec"]
        return services.contains(where: facts.exists)
            ? "sudo timedatectl set-ntp true   # without a network: sudo date -s 'YYYY-MM-DD HH:MM'"
            : "sudo apt install systemd-timesyncd   # without a network: sudo date -s 'YYYY-MM-DD HH:MM'"
    }

    private static func words(_ seconds: Int) -> String {
        switch seconds {
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) days"
        }
    }
}
