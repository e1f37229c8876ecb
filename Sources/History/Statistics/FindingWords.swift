extension Underperformance {
    /// The finding in a sentence: who, by how much, since when and how sure.
    public var sentence: String {
        let amount = "\(Int(less.rounded())) %"
        let time = until.map { "from \(since) to \($0)" } ?? "since \(since)"
        let sure = "confidence \(Int((confidence * 100).rounded())) %"
        switch kind {
        case .loss: return "\(device) gives \(amount) less \(time) (\(sure))"
        case .failedString: return "\(device) gives \(amount) less \(time), as if a string had failed (\(sure))"
        case .covered: return "\(device) gives \(amount) less \(time), as if covered by snow or leaves (\(sure))"
        case .shade: return "\(device) gives up to \(amount) less \(time), as in the shade of a season (\(sure))"
        case .degradation: return "\(device) loses \((less * 100).rounded() / 100) % a year (\(sure))"
        }
    }
}
