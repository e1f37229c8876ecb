/// A lead-acid battery that chargers and loads share: open-circuit voltage by charge, a resistance that rises as it
/// fills, so that absorption takes its time.
public struct SimulatedBattery: Sendable {
    /// 12, 24, 36 or 48 V.
    public let nominalVoltage: Int
    /// Ah.
    public let capacity: Double
    /// 0…1.
    public private(set) var stateOfCharge: Double
    /// At the terminals, V.
    public private(set) var voltage: Double
    /// Into the battery, A; negative is discharge.
    public private(set) var current = 0.0
    /// °C.
    public var temperature = 21.0

    /// A battery at rest.
    public init(nominalVoltage: Int = 12, capacity: Double = 200, stateOfCharge: Double = 0.7) {
        self.nominalVoltage = nominalVoltage
        self.capacity = capacity
        self.stateOfCharge = min(max(stateOfCharge, 0.02), 1)
        voltage = 0
        voltage = restVoltage
    }

    /// Ah taken out since it was full; 0 when full.
    public var consumed: Double { capacity * (1 - stateOfCharge) }

    private var blocks: Double { Double(nominalVoltage) / 12 }
    /// Without current, V.
    public var restVoltage: Double { blocks * (11.7 + 1.1 * stateOfCharge) }

    private func resistance(charging: Bool) -> Double {
        let one = charging ? 0.004 + 0.0068 / (1.002 - stateOfCharge) : 0.006 + 0.002 / (stateOfCharge + 0.05)
        return one * blocks * 200 / capacity
    }

    /// Finds the voltage at which what the chargers give is what battery and loads take, and moves the charge on.
    ///
    /// - Parameters:
    ///   - offers: what each charger could give.
    ///   - load: W that everything else takes.
    ///   - seconds: how long it lasts, simulated.
    /// - Returns: A that each charger gives, in the order of the offers.
    mutating func settle(_ offers: [ChargeOffer], load: Double, seconds: Double) -> [Double] {
        var low = 8 * blocks
        var high = 18 * blocks
        for _ in 0..<36 {
            let middle = (low + high) / 2
            let given = offers.reduce(0) { $0 + $1.current(at: middle) }
            let spare = given - load / middle
            let taken = (middle - restVoltage) / resistance(charging: middle > restVoltage)
            if spare > taken { low = middle } else { high = middle }
        }
        voltage = (low + high) / 2
        let given = offers.map { $0.current(at: voltage) }
        current = given.reduce(0, +) - load / voltage
        let efficiency = current > 0 ? 0.96 : 1
        stateOfCharge = min(max(stateOfCharge + current * efficiency * seconds / 3600 / capacity, 0.02), 1)
        return given
    }
}

/// What a charger could give to the battery at this moment.
struct ChargeOffer: Sendable {
    /// W at its output.
    var power: Double
    /// A.
    var currentLimit: Double
    /// V that it will not go over.
    var setpoint: Double

    /// A at a battery voltage: all it has below the set-point, nothing above, a narrow slope between, which is what
    /// lets several chargers with slightly different set-points share a battery.
    func current(at voltage: Double) -> Double {
        min(power / voltage, currentLimit) * min(max((setpoint - voltage) / 0.02, 0), 1)
    }
}
