import Bridge

extension JSONText {
    /// A number without what computing adds beyond any instrument; `null` for none.
    static func rounded(_ number: Double?) -> String {
        number.map { Self.number(($0 * 1e6).rounded() / 1e6) } ?? "null"
    }

    /// A text; `null` for none.
    static func text(_ text: String?) -> String { text.map { quoted($0) } ?? "null" }

    /// A whole number; `null` for none.
    static func whole(_ number: Int?) -> String { number.map { "\($0)" } ?? "null" }

    /// A duration in seconds with three decimals; `null` for none.
    static func seconds(_ duration: Duration?) -> String {
        duration.map { number(($0.inSeconds * 1000).rounded() / 1000) } ?? "null"
    }

    /// A duration in milliseconds; `null` for none.
    static func milliseconds(_ duration: Duration?) -> String {
        duration.map { number(($0.inSeconds * 1e6).rounded() / 1000) } ?? "null"
    }

    /// Counts by name, in the order of the names.
    static func counts(_ counts: [String: Int]) -> String {
        object(counts.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") })
    }
}

extension Duration {
    /// With what is below a second.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
