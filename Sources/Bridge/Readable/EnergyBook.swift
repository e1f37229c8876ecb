import Glibc
import Logging
import VEDirect

/// Energy that no device counts, counted here: into and out of the battery, and that of all chargers together.
///
/// Counters only grow, and outlive the daemon in a file of the state directory. Without a state directory there are
/// none: a counter that began again with every start would be taken for energy. What happens while nothing is measured
/// is not counted.
public struct EnergyBook: Sendable {
    /// What is counted.
    public enum Account: String, Sendable, Hashable, CaseIterable {
        /// Into the battery, by the shunt's power.
        case batteryIn = "battery_in"
        /// Out of the battery.
        case batteryOut = "battery_out"
        /// From the panels of all solar chargers, by the yield that each counts itself, since each was seen first.
        case solar = "solar"
    }

    /// A counter.
    struct Energy: Sendable {
        /// kWh.
        var kilowattHours: Double
        /// When it was last known to be right.
        var time: Duration
    }

    /// Between two measurements that are further apart nothing is counted.
    static let longestGap: Duration = .seconds(10)
    static let saveInterval: Duration = .seconds(300)
    /// Chargers whose yield is remembered.
    static let maximumChargers = 256
    /// A yield that jumps by more, in kWh, is another's, or damaged.
    static let greatestStep = 1000.0

    private let path: String?
    private var energies: [Account: Energy] = [:]
    /// kWh by charger, as last seen.
    private var yields: [String: Double] = [:]
    private var stored: [Account: Double] = [:]
    private var last: (power: Double, time: Duration)?
    private var isChanged = false
    private var hasComplained = false
    private var nextSave: Duration = saveInterval

    /// A book in a state directory; with none it stays empty.
    init(stateDirectory: String, log: Logger) {
        path = stateDirectory.isEmpty ? nil : stateDirectory + "/energy"
        guard let path, access(path, F_OK) == 0 else { return }
        guard let bytes = try? Configuration.readFile(path, limit: 1 << 16),
            read(String(decoding: bytes, as: UTF8.self))
        else {
            // Kept for whoever wants to look; the counters begin anew.
            rename(path, path + ".damaged")
            (stored, yields) = ([:], [:])
            log.warning(
                "the counted energy cannot be read and is counted from zero",
                metadata: ["file": .string(path), "kept": .string(path + ".damaged")])
            return
        }
    }

    /// A counter; nil where nothing was counted yet, or nothing may be.
    func energy(_ account: Account) -> Energy? { energies[account] }

    /// Takes what is measured now.
    mutating func note(_ picture: PlantPicture, _ plant: Plant, at now: Duration) {
        guard path != nil else { return }
        if let power = picture.batteryPower, !power.isStale { count(power, at: now) } else { last = nil }
        for (serial, charger) in plant.chargers where charger.role(at: now) == .solarCharger {
            guard let reading = charger.readings[.systemYield], let yield = reading.value.scaled else { continue }
            count(yield, of: serial, at: reading.time)
        }
    }

    private mutating func count(_ power: Figure, at now: Duration) {
        let time = now - power.age
        if let last {
            let gap = time - last.time
            guard gap > .zero else { return refresh(time) }
            if gap <= Self.longestGap {
                add(wattSeconds(last.power, power.value, gap))
            }
        }
        last = (power.value, time)
        refresh(time)
    }

    private mutating func refresh(_ time: Duration) {
        for account in [Account.batteryIn, .batteryOut] {
            energies[account, default: Energy(kilowattHours: stored[account] ?? 0, time: time)].time = time
        }
    }

    /// The area under a straight line between two powers, above and below zero.
    private func wattSeconds(_ left: Double, _ right: Double, _ gap: Duration) -> (into: Double, out: Double) {
        let seconds = Self.seconds(gap)
        if left >= 0, right >= 0 { return ((left + right) / 2 * seconds, 0) }
        if left <= 0, right <= 0 { return (0, -(left + right) / 2 * seconds) }
        let above = max(left, right)
        let below = -min(left, right)
        return (
            above * above / (above + below) / 2 * seconds, below * below / (above + below) / 2 * seconds
        )
    }

    private mutating func add(_ energy: (into: Double, out: Double)) {
        if energy.into > 0 { energies[.batteryIn]?.kilowattHours += energy.into / 3.6e6 }
        if energy.out > 0 { energies[.batteryOut]?.kilowattHours += energy.out / 3.6e6 }
        isChanged = true
    }

    private mutating func count(_ yield: Double, of serial: String, at time: Duration) {
        energies[.solar, default: Energy(kilowattHours: stored[.solar] ?? 0, time: time)].time =
            max(energies[.solar]?.time ?? time, time)
        guard let before = yields[serial] else {
            if yields.count < Self.maximumChargers {
                yields[serial] = yield
                isChanged = true
            }
            return
        }
        guard yield != before else { return }
        // Less than before: the charger was repaired or its counter reset; from there on.
        if yield > before, yield - before < Self.greatestStep {
            energies[.solar]?.kilowattHours += yield - before
        }
        yields[serial] = yield
        isChanged = true
    }

    // MARK: File

    /// Writes the file now and then; with `isLast` now.
    mutating func save(at now: Duration, isLast: Bool = false, log: Logger) {
        guard let path, isChanged, isLast || now >= nextSave else { return }
        nextSave = now + Self.saveInterval
        isChanged = false
        for (account, energy) in energies { stored[account] = energy.kilowattHours }
        guard Self.write(text, to: path) else {
            if !hasComplained {
                hasComplained = true
                log.warning(
                    "the counted energy cannot be kept",
                    metadata: ["file": .string(path), "reason": .string(String(cString: strerror(errno)))])
            }
            isChanged = true
            return
        }
        hasComplained = false
    }

    private var text: String {
        var lines = ["vebridge energy 1"]
        for account in Account.allCases {
            if let value = stored[account] { lines.append("\(account.rawValue)\t\(value)") }
        }
        for (serial, yield) in yields.sorted(by: { $0.key < $1.key }) { lines.append("yield\t\(serial)\t\(yield)") }
        // The last line says that the file is whole.
        lines.append("end")
        return lines.joined(separator: "\n") + "\n"
    }

    private mutating func read(_ text: String) -> Bool {
        let lines = text.split(separator: "\n")
        guard lines.first == "vebridge energy 1", lines.last == "end" else { return false }
        for line in lines.dropFirst().dropLast() {
            let words = line.split(separator: "\t")
            guard let number = words.last.flatMap({ Double($0) }), number.isFinite, number >= 0 else { return false }
            if words.count == 2, let account = Account(rawValue: String(words[0])) {
                stored[account] = number
            } else if words.count == 3, words[0] == "yield", yields.count < Self.maximumChargers {
                yields[String(words[1])] = number
            } else {
                return false
            }
        }
        return true
    }

    /// Whole under another name, then put in place.
    private static func write(_ text: String, to path: String) -> Bool {
        let fresh = path + ".new"
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        // One that was left over may be readable for others.
        fchmod(descriptor, 0o600)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        let isWhole = rest.isEmpty && fsync(descriptor) == 0
        close(descriptor)
        guard isWhole, rename(fresh, path) == 0 else {
            let reason = errno
            unlink(fresh)
            errno = reason
            return false
        }
        return true
    }

    private static func seconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
