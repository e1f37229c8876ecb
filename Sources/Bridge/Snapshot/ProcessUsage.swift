import Glibc

/// What this process has taken of the machine.
public struct ProcessUsage: Sendable, Hashable {
    /// Seconds of processor time since its start.
    public var processorSeconds: Double
    /// Bytes in memory.
    public var residentBytes: Int
    /// Open descriptors.
    public var descriptors: Int

    /// As it is now.
    public init() {
        processorSeconds = ProcessMeter.processorSeconds()
        residentBytes = ProcessMeter.residentBytes()
        descriptors = Self.openDescriptors()
    }

    static func openDescriptors() -> Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // The folder itself, and the two entries of every folder.
        return max(0, count - 3)
    }
}
