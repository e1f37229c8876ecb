/// Notices that the machine slept: one clock went on and the other stood still.
struct HostSleep {
    /// Shorter sleeps do no harm that would have to be undone.
    static let threshold: Duration = .seconds(2)

    private var lastContinuous: ContinuousClock.Instant?
    private var lastSuspending: SuspendingClock.Instant?

    /// How long the machine slept since the last look; nil if it did not, or not long.
    mutating func look(
        _ continuous: ContinuousClock.Instant = .now, _ suspending: SuspendingClock.Instant = .now
    ) -> Duration? {
        defer {
            lastContinuous = continuous
            lastSuspending = suspending
        }
        guard let lastContinuous, let lastSuspending else { return nil }
        let slept = (continuous - lastContinuous) - (suspending - lastSuspending)
        return slept >= Self.threshold ? slept : nil
    }
}
