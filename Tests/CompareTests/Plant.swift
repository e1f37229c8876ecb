import Compare

/// Two chargers under moving clouds, told twice: by vebridge on change, and by a bridge that hears them over the air.
/// All of it from a seed, and in no time.
struct Plant {
    /// What is wrong with the other side.
    enum Fault: Sendable {
        case none, scale, swapped, sign, lag, frozen, missing, loss, ids
    }

    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    static let serials = ["HQ2012AAAA1", "HQ2113BBBB2"]
    var random: Generator
    /// Watts of each charger by the half second.
    var power: [[Double]] = [[], []]
    let seconds: Int
    /// When the charge state changes.
    private var stateChange = 290.0

    init(seed: UInt64, seconds: Int = 600) {
        random = Generator(state: seed)
        self.seconds = seconds
        for charger in 0..<2 {
            let clear = charger == 0 ? 620.0 : 310.0
            var shade = 1.0
            var target = 1.0
            for _ in 0..<(seconds * 2 + 4) {
                // A cloud takes three quarters within two seconds, once or twice a minute.
                if Double.random(in: 0..<1, using: &random) < 0.015 {
                    target = Double.random(in: 0.15...1, using: &random)
                }
                shade += max(-0.25, min(0.25, target - shade))
                power[charger].append(clear * shade * Double.random(in: 0.997...1.003, using: &random))
            }
        }
    }

    private func watts(_ charger: Int, _ time: Double) -> Double {
        power[charger][max(0, min(power[charger].count - 1, Int(time * 2)))]
    }

    /// The registers of a charger as raw numbers: panel power, battery current (it discharges under clouds), voltage in
    /// force, charge state, and the product.
    private func registers(_ charger: Int, _ time: Double) -> [(String, Int64)] {
        let watts = watts(charger, time)
        return [
            ("edbc", Int64((watts * 100).rounded())), ("ed8c", Int64(((watts / 13.2 - 14) * 1000).rounded())),
            ("edef", 12), ("200c", time < stateChange ? 3 : 4), ("2001", 1420),
            // How long it has been in its charge state, which changes in the middle.
            ("2007", Int64((time < stateChange ? time + 900 : time - stateChange) * 1000)),
        ]
    }

    /// Ten minutes of both.
    mutating func comparison(
        _ fault: Fault, derived: Bool = false, upTo end: Int? = nil, slowPhase: Int = 4, change: Double = 290
    ) -> Comparison {
        stateChange = change
        var comparison = Comparison()
        var told: [String: Int64] = [:]
        var toldAt: [String: Double] = [:]
        var frozen: [String: Int64] = [:]
        for tick in 0..<((end ?? seconds) * 10) {
            let time = Double(tick) / 10
            for charger in 0..<2 {
                let serial = Self.serials[charger]
                if tick % 10 == charger * 3 {
                    for (register, number) in registers(charger, time - 0.06) {
                        let number = derived && register == "ed8c" ? number / 100 * 100 : number
                        // What hardly matters is asked for seldom.
                        if ["2007", "200c", "2001"].contains(register), tick / 10 % 20 != slowPhase { continue }
                        let key = serial + register
                        guard told[key] != number || time - (toldAt[key] ?? 0) >= 60 else { continue }
                        (told[key], toldAt[key]) = (number, time)
                        let raw = register == "ed8c" ? Int64(UInt32(truncatingIfNeeded: number)) : number
                        hear(&comparison, "/venetworking/\(serial)/\(register)", "\(raw)", time, isOther: false)
                    }
                    if tick / 10 % 60 == 1 {
                        hear(&comparison, "/venetworking/\(serial)/0100", "0062A0FF", time, isOther: false)
                    }
                }
                // The air: once a second, not quite evenly, and a little late.
                guard tick % 10 == 5 + charger else { continue }
                let late = Double.random(in: 0...1.2, using: &random)
                let source = fault == .swapped ? 1 - charger : charger
                if fault == .loss, Double.random(in: 0..<1, using: &random) < 0.4 { continue }
                for (register, number) in registers(source, max(0, time - late - (fault == .lag ? 30 : 0))) {
                    var number = number
                    if fault == .missing, charger == 0, register == "2001" { continue }
                    if fault == .scale, charger == 1, register == "edbc" { number /= 10 }
                    if fault == .sign, charger == 0, register == "ed8c" { number = -number }
                    if fault == .frozen, charger == 0, register == "edbc", time > 200 {
                        frozen[register] = frozen[register] ?? number
                        number = frozen[register] ?? number
                    }
                    let raw = register == "ed8c" ? Int64(UInt32(truncatingIfNeeded: number)) : number
                    let id = fault == .ids ? "HQyyww" + serial.dropFirst(6) : serial
                    hear(&comparison, "venetworking/\(id)/\(register.uppercased())", "\(raw)", time, isOther: true)
                }
                if tick / 10 % 60 == 2 { hear(&comparison, "venetworking/\(serial)/0100", "62A0", time, isOther: true) }
            }
        }
        return comparison
    }

    private func hear(_ comparison: inout Comparison, _ topic: String, _ payload: String, _ time: Double, isOther: Bool)
    {
        guard let message = ComparedMessage(topic: topic, payload: payload) else { return }
        if isOther { comparison.hearOther(message, at: time) } else { comparison.hearSerial(message, at: time) }
    }
}
