/// Collects what frames say about the serial number until it can be believed.
///
/// A single damaged frame whose checksum happens to hold would make a charger that does not exist. So a serial
/// counts when three frames agree on it, of two kinds (register 010A and TEXT) where the device offers both.
struct IdentityEvidence: Sendable {
    private struct Votes {
        var hex = 0
        var text = 0
    }

    private var votes: [String: Votes] = [:]
    /// Frames of either kind that gave any serial.
    private(set) var hasText = false

    /// No more than this many different serials are remembered; real devices have one, noise makes few.
    private static let maximumCandidates = 8

    mutating func note(_ serial: String, isText: Bool) {
        guard DeviceIdentity.isPlausible(serial: serial) else { return }
        let serial = spelling(of: serial)
        if votes[serial] == nil, votes.count >= Self.maximumCandidates {
            guard let weakest = votes.min(by: { $0.value.hex + $0.value.text < $1.value.hex + $1.value.text }) else {
                return
            }
            votes[weakest.key] = nil
        }
        if isText {
            hasText = true
            votes[serial, default: Votes()].text += 1
        } else {
            votes[serial, default: Votes()].hex += 1
        }
    }

    /// How many frames gave this serial.
    func frames(with serial: String) -> Int { votes[spelling(of: serial)].map { $0.hex + $0.text } ?? 0 }

    /// The serial number as it was spelled first.
    private func spelling(of serial: String) -> String {
        votes[serial] != nil ? serial : votes.keys.first { DeviceIdentity.isSame($0, serial) } ?? serial
    }

    /// The serial that the evidence allows.
    ///
    /// - Parameters:
    ///   - expectsText: whether TEXT is still to be waited for.
    ///   - refusesHex: the device answered that it does not know register 010A.
    func serial(expectsText: Bool, refusesHex: Bool) -> String? {
        for (serial, votes) in votes {
            let other = self.votes.filter { $0.key != serial }.map { $0.value.hex + $0.value.text }.max() ?? 0
            guard votes.hex + votes.text >= 3, votes.hex + votes.text > 2 * other else { continue }
            if refusesHex || votes.hex >= 1 && votes.text >= 1 || !hasText && !expectsText { return serial }
        }
        return nil
    }
}
