import Glibc

/// The process's limit of open descriptors (`RLIMIT_NOFILE`).
public enum DescriptorLimit {
    /// What a daemon with one port, a broker, a history and a page needs.
    public static let least = 32
    /// More than this is of no use: 256 connections of the page, and some hundred ports.
    private static let most: rlim_t = 4096

    /// Raises the soft limit towards the hard one.
    ///
    /// - Returns: the limit in force.
    @discardableResult
    public static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Int(most) }
        let wanted = min(limit.rlim_max, most)
        if limit.rlim_cur < wanted {
            var raised = limit
            raised.rlim_cur = wanted
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// The limit in force.
    public static var current: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Int(most) }
        return Int(clamping: limit.rlim_cur)
    }

    /// Whether there are descriptors left for what does not wait: ports, brokers and files.
    public static var hasHeadroom: Bool {
        let limit = current
        return ProcessUsage.openDescriptors() <= limit - min(32, max(8, limit / 8))
    }
}
