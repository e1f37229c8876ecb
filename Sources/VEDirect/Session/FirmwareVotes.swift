/// What frames say about the firmware, until it can be believed.
///
/// HEX and TEXT may say it differently: `FWE` carries 24 bits and a ping 16 or 24, which is not documented. So each way has to agree with itself or with the other, and where both are sure of different
/// versions, HEX counts: it is what the device is asked with.
struct FirmwareVotes: Sendable {
    private struct Votes {
        var version: FirmwareVersion
        var hex = 0
        var text = 0
    }

    private var votes: [Votes] = []
    /// No more than this many versions are remembered.
    private static let maximumCandidates = 8
    private static let enough = 2
    /// From here on they fade.
    private static let many = 100

    mutating func note(_ version: FirmwareVersion, isText: Bool) {
        let index: Int
        if let known = votes.firstIndex(where: { $0.version == version }) {
            index = known
        } else {
            if votes.count >= Self.maximumCandidates, let weakest = votes.indices.min(by: { weight($0) < weight($1) }) {
                votes.remove(at: weakest)
            }
            index = votes.count
            votes.append(Votes(version: version))
        }
        if isText { votes[index].text += 1 } else { votes[index].hex += 1 }
        if votes[index].hex >= Self.many || votes[index].text >= Self.many { fade() }
    }

    private func weight(_ index: Int) -> Int { votes[index].hex + votes[index].text }

    /// What damage said in the hours before counts less and less.
    private mutating func fade() {
        for index in votes.indices {
            votes[index].hex /= 2
            votes[index].text /= 2
        }
        votes.removeAll { $0.hex + $0.text == 0 }
    }

    /// Whether a version was heard by HEX, and not often enough to stand alone.
    var needsHex: Bool { votes.contains { $0.hex == 1 } && decided == nil }

    /// The version to believe: the one that HEX says twice and hardly ever denies; else the one that HEX and TEXT say;
    /// else, if HEX never said any, the one that TEXT says twice.
    var decided: FirmwareVersion? {
        let hex = votes.reduce(0) { $0 + $1.hex }
        if let first = votes.max(by: { $0.hex < $1.hex }), first.hex >= Self.enough {
            return first.hex > 2 * (hex - first.hex) ? first.version : nil
        }
        let both = votes.filter { $0.hex >= 1 && $0.text >= 1 }
        if let first = both.first { return both.count == 1 ? first.version : nil }
        guard hex == 0 else { return nil }
        let text = votes.reduce(0) { $0 + $1.text }
        guard let first = votes.max(by: { $0.text < $1.text }), first.text >= Self.enough else { return nil }
        return first.text > 2 * (text - first.text) ? first.version : nil
    }
}
