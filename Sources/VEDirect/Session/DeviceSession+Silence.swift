/// How long a device is silent, and what a longer silence means.
extension DeviceSession {
    /// Between its answers, TEXT and what it says unasked a device is silent for some time and no longer.
    mutating func learnPause(until now: Duration) {
        let pause = min(now - lastByte, Self.longPause)
        guard pause > Self.longestPiecePause else { return }
        guard let usual = usualPause, pause <= usual else {
            usualPause = pause
            return
        }
        usualPause = usual - (usual - pause) / 512
    }

    /// Whether so long nothing was heard that the device may have been changed: longer than it is ever silent, or
    /// longer than an answer ever took, and no damage explains it.
    func wasDark(until now: Duration) -> Bool {
        let pause = now - lastByte
        if pause > Self.longPause { return true }
        if !judge.hasDamage, let usualPause, pause > usualPause + usualPause / 4 + Self.hostDelay { return true }
        guard let waiting = outstanding else { return false }
        if judge.hasDamage { return pause >= Self.plugTime }
        guard let mean = meanTurnaround else { return false }
        return now - max(waiting.begun, lastByte) > mean + turnaroundDeviation * 4 + Self.hostDelay
    }
}
