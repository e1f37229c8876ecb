/// What frames say about the firmware, until it can be believed.
///
/// HEX and TEXT may say it differently: `FWE` carries 24 bits, a ping 16, and nothing documents how a ping carries a
/// version of 24 bits. So each way has to agree with itself or with the other, and where both are sure of different
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

    mutating func note(_ version: FirmwareVersion, isText: Bool) {
        if let index = votes.firstIndex(where: { $0.version == version }) {
            if isText {
                votes[index].text = min(votes[index].text + 1, 100)
            } else {
                votes[index].hex = min(votes[index].hex + 1, 100)
            }
            return
        }
        if votes.count >= Self.maximumCandidates { votes.removeFirst() }
        votes.append(isText ? Votes(version: version, text: 1) : Votes(version: version, hex: 1))
    }

    /// Whether a version was heard by HEX, and not often enough to stand alone.
    var needsHex: Bool { votes.contains { $0.hex == 1 } && decided == nil }

    /// The version to believe: the one that HEX says twice; else the one that HEX and TEXT say; else, if HEX never
    /// said any, the one that TEXT says twice.
    var decided: FirmwareVersion? {
        let byHex = votes.filter { $0.hex >= Self.enough }.max { $0.hex < $1.hex }
        if let byHex { return byHex.version }
        if let both = votes.first(where: { $0.hex >= 1 && $0.text >= 1 }) { return both.version }
        guard votes.allSatisfy({ $0.hex == 0 }) else { return nil }
        return votes.filter { $0.text >= Self.enough }.max { $0.text < $1.text }?.version
    }
}
