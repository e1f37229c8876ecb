extension Underperformance {
    /// How certain it is, in whole per cent, rounded down; 99 at most, because nothing that is worked out from a few
    /// weeks is certain.
    public var certaintyPercent: Int { max(0, min(99, Int(confidence.isFinite ? confidence * 100 : 0))) }

    /// How certain it is in words.
    var certainty: String { certaintyPercent == 99 ? "more than 99 % certain" : "\(certaintyPercent) % certain" }

    /// The finding in a sentence: which charger, by how much, since when and how certain.
    public var sentence: String {
        let amount = "\(Int(less.rounded())) %"
        let time = until.map { "from \(since) to \($0)" } ?? "since \(since)"
        let sure = certainty
        switch kind {
        case .loss: return "\(device) gives \(amount) less \(time) (\(sure))"
        case .failedString: return "\(device) gives \(amount) less \(time), as if a string had failed (\(sure))"
        case .covered: return "\(device) gives \(amount) less \(time), as if covered by snow or leaves (\(sure))"
        case .shade: return "\(device) gives up to \(amount) less \(time), as in the shade of a season (\(sure))"
        case .degradation: return "\(device) loses \((less * 100).rounded() / 100) % a year (\(sure))"
        }
    }
}
